import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_alerts", {
    steps: () => [
        {
            content: "The empty list says what an alert is",
            trigger: ".o_view_nocontent:contains(Add an alert)",
        },
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=name] input",
            run: "edit Fax limit",
        },
        {
            content: "A money limit with a warning before it",
            trigger: "button[name=action_propose_money_limit]",
            run: "click",
        },
        {
            trigger: ".modal:contains(a cap at 50) footer .btn-primary",
            run: "click",
        },
        {
            trigger:
                ".o_field_widget[name=threshold_ids] .o_data_row:contains(40):contains(USD)",
        },
        {
            trigger: ".o_field_widget[name=threshold_ids] .o_data_row:contains(50)",
        },
        {
            content: "Parts of an allowance instead",
            trigger: "button[name=action_propose_parts]",
            run: "click",
        },
        {
            trigger: ".modal:contains(50%, 80% and 100%) footer .btn-primary",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=threshold_ids] .o_data_row:contains(100):contains(%)",
        },
        {
            trigger: "button[name=action_view_events]",
            run: "click",
        },
        {
            trigger: ".o_view_nocontent:contains(No alert has been triggered)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_alert_triggered", {
    steps: () => [
        {
            content: "The subscription says that its cap was reached",
            trigger: ".alert-warning:contains(Cap reached):contains(Limit)",
        },
        {
            trigger: "button[name=action_view_metered_alerts]",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains($ 3.00):contains($ 3.60) td[name=level_text]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=period_text]:contains(10/01/2026)",
        },
        {
            trigger: ".o_breadcrumb a:contains(SUB)",
            run: "click",
        },
        {
            trigger: "button[name=action_lift_metered_cap]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=reason] input",
            run: "edit The customer called.",
        },
        {
            trigger: ".modal button[name=action_lift]",
            run: "click",
        },
        {
            trigger: ".o_form_view:not(:has(.alert-warning:contains(Cap reached):visible))",
        },
        {
            trigger: ".o-mail-Message:contains(The customer called.)",
        },
    ],
});
