import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

const menu = (name) => [
    {
        trigger: ".o_menu_sections button:contains(Billing)",
        run: "click",
    },
    {
        trigger: `.o-dropdown--menu a.dropdown-item:contains(${name})`,
        run: "click",
    },
];

registry.category("web_tour.tours").add("metered_billing_biller", {
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            trigger: ".o_app[data-menu-xmlid='metered_billing.menu_metered_root']",
            run: "click",
        },
        ...menu("Invoices"),
        {
            content: "The invoice of usage, and not that of chairs",
            trigger:
                ".o_list_view:not(:has(.o_data_row:eq(1))) .o_data_row:contains(Acme) td[name=partner_id]",
            run: "click",
        },
        {
            content: "Its lines",
            trigger:
                ".o_form_view .o_field_widget[name=invoice_line_ids] .o_data_row:contains(National calls)",
        },
        {
            content: "Why this amount?",
            trigger:
                ".o_data_row:contains(National calls) button[name=action_metered_explain]",
            run: "click",
        },
        {
            trigger: ".modal .o_metered_explanation",
        },
        {
            trigger: ".modal .btn-close",
            run: "click",
        },
        {trigger: "body:not(:has(.modal))"},
        ...menu("Subscriptions"),
        {
            trigger: ".o_list_view .o_data_row:contains(Acme) td[name=partner_id]",
            run: "click",
        },
        {
            content: "Its lines and what was billed",
            trigger:
                ".o_form_view .o_field_widget[name=sale_subscription_line_ids] .o_data_row:contains(Line rental)",
        },
        {
            trigger: ".o_field_widget[name=metered_period_ids] .o_data_row",
        },
    ],
});
