import {registry} from "@web/core/registry";

const API_KEY = "rest_test_0123456789abcdef";

/** A step that enters a text into a field of the form. */
function enter(name, text) {
    return {
        content: `Enter ${name}`,
        trigger: `.o_field_widget[name=${name}] input, .o_field_widget[name=${name}] textarea`,
        run: `edit ${text}`,
    };
}

/** Steps that choose an option of a selection field. */
function choose(name, option) {
    return [
        {
            content: `Open ${name}`,
            trigger: `.o_field_widget[name=${name}] input`,
            run: "click",
        },
        {
            content: `Choose ${option}`,
            trigger: `.o_select_menu_item:contains(${option})`,
            run: "click",
        },
    ];
}

registry.category("web_tour.tours").add("metered_billing_try_out_rest_api", {
    steps: () => [
        {
            content: "A new source",
            trigger: ".o_list_button_add",
            run: "click",
        },
        enter("name", "Tour REST"),
        ...choose("source_type", "Any REST API"),
        ...choose("preset", "Generic CSV"),
        {
            trigger: ".o_notebook .nav-link[name=connection]",
            run: "click",
        },
        {
            content: "The address of the tour's own server",
            trigger: ".o_field_widget[name=address] input",
            async run(helpers) {
                const {orm} = odoo.__WOWL_DEBUG__.root.env.services;
                const address = await orm.call("ir.config_parameter", "get_param", [
                    "metered_tour.address",
                ]);
                await helpers.edit(address);
            },
        },
        enter("allowed_networks", "127.0.0.1"),
        ...choose("http_authentication", "API key in a header"),
        enter("http_key_name", "X-Api-Key"),
        enter("api_key", API_KEY),
        enter("http_records_path", "api/tenants/{account}/calls"),
        enter("http_start_parameter", "from"),
        enter("http_end_parameter", "until"),
        enter("http_accounts_path", "api/tenants"),
        enter("http_accounts_items", "tenants"),
        enter("http_account_name", "title"),
        {
            content: "Try it out: the list of records is somewhere else",
            trigger: "button[name=action_try_out]",
            run: "click",
        },
        {
            content: "It says what is wrong, and where",
            trigger: ".modal .modal-body:contains(The response has no list at the top level)",
        },
        {
            trigger: ".modal .modal-footer .btn-primary",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
        enter("http_records_items", "data.calls"),
        {
            trigger: "button[name=action_try_out]",
            run: "click",
        },
        {
            content: "The switch's own columns are there, and nothing is understood",
            trigger:
                ".o_field_widget[name=http_preview] th:contains(from.number)",
        },
        {
            content: "What the columns are",
            trigger: ".o_field_widget[name=http_fields] textarea",
            run: (helpers) =>
                helpers.edit(
                    [
                        "call_id=uid",
                        "start_time=begin",
                        "duration=seconds",
                        "caller=from.number",
                        "callee=to.number",
                    ].join("\n")
                ),
        },
        {
            trigger: "button[name=action_try_out]",
            run: "click",
        },
        {
            content: "Each row shows what an import would make of it",
            trigger:
                ".o_field_widget[name=http_preview] tbody tr:contains(+14045550100)",
        },
        {
            trigger: "button[name=action_test_connection]",
            run: "click",
        },
        {
            trigger:
                ".o_field_widget[name=check_info] .o_metered_check_ok:contains(Accounts can be listed)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_brightlink_domain", {
    steps: () => [
        {
            trigger: ".o_notebook .nav-link[name=metered_billing]",
            run: "click",
        },
        enter("metered_brightlink_domain", "acme.example.com"),
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "The account is known, and nobody looked on the switch yet",
            trigger: ".o_metered_check_ok:contains(Account):contains(acme.example.com)",
        },
        {
            trigger:
                ".o_metered_check_wrong:contains(Found on the switch) button.btn-link:contains(Sync)",
            run: "click",
        },
        {
            trigger: ".modal button[name=action_start]",
            run: "click",
        },
        {
            content: "It finishes by itself",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Done)",
        },
        {
            trigger: ".o_breadcrumb a:contains(Acme Tours), .breadcrumb a:contains(Acme Tours)",
            run: "click",
        },
        {
            trigger: ".o_notebook .nav-link[name=metered_billing]",
            run: "click",
        },
        {
            content: "All of it is green",
            trigger:
                ".o_metered_check_ok:contains(Found on the switch):contains(acme.example.com)",
        },
        {
            trigger: ".o_metered_check_ok:contains(Numbers synced):contains(1 numbers)",
        },
        {
            trigger: ".o_metered_check_ok:contains(Last record)",
        },
    ],
});
