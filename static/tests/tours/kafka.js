import {registry} from "@web/core/registry";

/** A step that enters a text into a field of the form. */
function enter(name, text) {
    return {
        content: `Enter ${name}`,
        trigger: `.o_field_widget[name=${name}] input`,
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

registry.category("web_tour.tours").add("metered_billing_kafka", {
    steps: () => [
        {
            content: "A new source",
            trigger: ".o_list_button_add",
            run: "click",
        },
        enter("name", "Tour Topics"),
        ...choose("source_type", "Kafka"),
        {
            content: "The columns of events come with the type",
            trigger: ".o_field_widget[name=preset] input:value(Events pushed)",
        },
        {
            trigger: ".o_notebook .nav-link[name=connection]",
            run: "click",
        },
        {
            content: "It says which package the server needs",
            trigger: ".alert-info:contains(pip install confluent-kafka)",
        },
        {
            content: "Credentials are asked for",
            trigger: ".o_field_widget[name=password]",
        },
        ...choose("kafka_security", "None"),
        {
            content: "And not where there are none",
            trigger: "body:not(:has(.o_field_widget[name=password]))",
        },
        {
            content: "The brokers of the tour's own cluster",
            trigger: ".o_field_widget[name=kafka_brokers] input",
            async run(helpers) {
                const {orm} = odoo.__WOWL_DEBUG__.root.env.services;
                const brokers = await orm.call("ir.config_parameter", "get_param", [
                    "metered_tour.brokers",
                ]);
                await helpers.edit(brokers);
            },
        },
        enter("kafka_topics", "tour-usage"),
        ...choose("kafka_format", "CloudEvents"),
        enter("allowed_networks", "127.0.0.1"),
        {
            trigger: ".o_form_button_save:enabled",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
        {
            content: "Test",
            trigger: "button[name=action_test_connection]",
            run: "click",
        },
        {
            content: "All is well",
            trigger: ".o_notification:contains(checks passed)",
        },
        {
            content: "Fetch",
            trigger: "button[name=action_sync]:enabled",
            run: "click",
        },
        {
            content: "What there is was fetched, but for what could not be read",
            trigger: ".o_form_view:contains(Done: 3 records):contains(exceptions: 1)",
        },
        {
            content: "Back to the source",
            trigger: ".o_breadcrumb a:contains(Tour Topics), .breadcrumb-item a:contains(Tour Topics)",
            run: "click",
        },
        {
            trigger: ".o_notebook .nav-link[name=partitions]",
            run: "click",
        },
        {
            content: "How far the partition is stored",
            trigger:
                ".o_field_widget[name=partition_ids] .o_data_row:contains(tour-usage):contains(Active):contains(min)",
        },
        {
            content: "Skip what is there",
            trigger: ".o_data_row button[name=action_from_latest]",
            run: "click",
        },
        {
            content: "It is asked",
            trigger: ".modal:contains(The skipped messages are not billed) .btn-primary",
            run: "click",
        },
        {
            content: "And what it does is said",
            trigger: ".o_notification:contains(continues at offset 3)",
        },
        {
            content: "Fetch all of it again",
            trigger: ".o_data_row button[name=action_from_earliest]",
            run: "click",
        },
        {
            trigger: ".modal:contains(are not stored again) .btn-primary",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(continues at offset 0)",
        },
        {
            content: "Open the billing menu",
            trigger: "button[data-menu-xmlid='metered_billing.menu_metered_billing']",
            run: "click",
        },
        {
            content: "Invoice it",
            trigger:
                "a[data-menu-xmlid='metered_billing.menu_metered_manual_invoice']",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=partner_id] input",
            run: "edit Topic Customer",
        },
        {
            trigger: ".ui-autocomplete a:contains(Topic Customer)",
            run: "click",
        },
        {
            trigger: ".modal button[name=action_search]:contains(Search)",
            run: "click",
        },
        {
            trigger: ".modal .o_data_row:contains(API calls):contains(5)",
        },
        {
            content: "Create the invoice",
            trigger: ".modal button[name=action_create_invoice]:enabled",
            run: "click",
        },
        {
            content: "The draft charges what the topic said",
            trigger:
                ".o_form_view .o_field_widget[name=invoice_line_ids] .o_data_row:contains(API calls)",
        },
        {
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Draft)",
        },
    ],
});
