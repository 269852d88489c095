import {registry} from "@web/core/registry";

const CHECK = ".o_field_widget[name=check_info] .o_metered_check";

registry.category("web_tour.tours").add("metered_billing_connect_source", {
    steps: () => [
        {
            content: "A new source",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=name] input",
            run: "edit Tour PBX",
        },
        {
            content: "Its type",
            trigger: ".o_field_widget[name=source_type] input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains(NetSapiens)",
            run: "click",
        },
        {
            content: "The preset comes with it",
            trigger: ".o_field_widget[name=preset] input:value(NetSapiens)",
        },
        {
            trigger: ".o_notebook .nav-link[name=connection]",
            run: "click",
        },
        {
            content: "Where it is: the address of the tour's own server",
            trigger: ".o_field_widget[name=address] input",
            async run(helpers) {
                const {orm} = odoo.__WOWL_DEBUG__.root.env.services;
                const address = await orm.call("ir.config_parameter", "get_param", [
                    "metered_tour.address",
                ]);
                await helpers.edit(address);
            },
        },
        {
            trigger: ".o_field_widget[name=allowed_networks] input",
            run: "edit 127.0.0.1",
        },
        {
            content: "A key with a typing error",
            trigger: ".o_field_widget[name=api_key] input",
            run: "edit nsd_wrong",
        },
        {
            trigger: "button[name=action_test_connection]",
            run: "click",
        },
        {
            content: "The check is red, and says what to do",
            trigger: `${CHECK}.o_metered_check_wrong:contains(The credentials are accepted) .btn-link`,
            run: "click",
        },
        {
            content: "The key is not shown",
            trigger: ".o_field_widget[name=api_key] input:not(:value(nsd_wrong))",
            run: "edit nsd_test_0123456789abcdef",
        },
        {
            trigger: "button[name=action_test_connection]",
            run: "click",
        },
        {
            content: "It turns green",
            trigger: `${CHECK}.o_metered_check_ok:contains(The credentials are accepted)`,
        },
        {
            content: "Its levels have meters",
            trigger: ".o_notebook .nav-link[name=schedule]",
            run: "click",
        },
        ...["extensions", "allowed", "active"].flatMap((name) => [
            {
                trigger: `.o_field_widget[name=sample_${name}_meter_id] input`,
                run: `edit Tour ${name}`,
            },
            {
                trigger: `.o_field_widget[name=sample_${name}_meter_id] .ui-menu-item a:contains(Tour ${name})`,
                run: "click",
            },
        ]),
        {
            content: "How often they are read",
            trigger: ".o_field_widget[name=sample_minutes] input",
            run: "edit 15",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_sync_customer", {
    steps: () => [
        {
            trigger: ".o_notebook .nav-link[name=metered_billing]",
            run: "click",
        },
        {
            content: "Nobody looked on the switch yet",
            trigger:
                ".o_metered_check_wrong:contains(Found on the switch):contains(Not checked yet)",
        },
        {
            content: "Sync",
            trigger:
                ".o_metered_check_group header button:contains(Sync Phone Numbers & Call Records)",
            run: "click",
        },
        {
            content: "The dialog asks for the days: all since the last invoice",
            trigger:
                ".modal .o_field_widget[name=period] .o_radio_item:contains(Since Last Invoice):has(input:checked)",
        },
        {
            trigger:
                ".modal .o_field_widget[name=period] .o_radio_item:contains(Custom) input",
            run: "click",
        },
        {
            trigger:
                ".modal .o_field_widget[name=date_from] button, .modal .o_field_widget[name=date_from] input",
        },
        {
            trigger: ".modal button[name=action_start]",
            run: "click",
        },
        {
            content: "The job shows how far it is",
            trigger: ".o_metered_job",
        },
        {
            content: "The dialog is gone",
            trigger: "body:not(:has(.modal))",
        },
        {
            content: "It finishes by itself",
            timeout: 60000,
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Done)",
        },
        {
            content: "The log says what was done",
            trigger: ".o_field_widget[name=line_ids] .o_data_row:contains(Done)",
        },
        {
            trigger: "button[name=action_view_cdrs]",
            run: "click",
        },
        {
            content: "Its calls are there",
            trigger: ".o_list_view .o_data_row",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_fetch_gap", {
    steps: () => [
        {
            content: "The source tells of days with gaps",
            trigger: "button[name=action_view_completeness]:contains(with gaps)",
            run: "click",
        },
        {
            content: "Fetch the day again",
            trigger: ".o_data_row:contains(Records missing) button[name=action_fetch_again]",
            run: "click",
        },
        {
            content: "It says what was started",
            trigger: ".o_notification:contains(1 account, 1 day: 1 sync started.)",
        },
        {
            content: "It finishes by itself",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Done)",
        },
        {
            trigger: ".o_breadcrumb a:contains(Completeness), .breadcrumb a:contains(Completeness)",
            run: "click",
        },
        {
            content: "Nothing is missing any more",
            trigger:
                ".o_list_view:has(.o_data_row:contains(Complete)):not(:has(.o_data_row:contains(Records missing)))",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_sync_waits", {
    steps: () => [
        {
            content: "It waits",
            trigger: ".o_metered_job:contains(Waiting for its turn)",
        },
        {
            content: "It says by itself that the switch was not reached",
            trigger: ".alert-warning:contains(The source could not be reached)",
        },
        {
            trigger: ".o_field_widget[name=line_ids] .o_data_row:contains(next attempt is in 1 min)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_gap_check", {
    steps: () => [
        {
            content: "On a customer it is on the tab",
            trigger: ".o_notebook .nav-link",
            run() {
                document
                    .querySelector(".o_notebook .nav-link[name=metered_billing]")
                    ?.click();
            },
        },
        {
            content: "The check is red, and has a link",
            trigger:
                ".o_metered_check_wrong:contains(Records missing: 1 account, 1 day (7 records)) .btn-link",
            run: "click",
        },
        {
            content: "Which opens the day",
            trigger:
                ".o_data_row:contains(Records missing) button[name=action_fetch_again]",
        },
        {
            trigger: ".o_searchview_facet:contains(Records Missing)",
        },
    ],
});
