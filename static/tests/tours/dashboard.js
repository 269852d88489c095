import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

const BACK = {
    content: "Back to the dashboard",
    trigger: ".o_back_button a, .o_breadcrumb .breadcrumb-item a",
    run: "click",
};

registry.category("web_tour.tours").add("metered_billing_dashboard", {
    url: "/odoo",
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open the app: the dashboard is its first screen",
            trigger: ".o_app[data-menu-xmlid='metered_billing.menu_metered_root']",
            run: "click",
        },
        {
            content: "The running month, with its amount and its calls",
            trigger: "[data-figure=amount] .o_metered_value:contains(0.48)",
        },
        {trigger: "[data-figure=calls] .o_metered_value:contains(3)"},
        {trigger: ".o_metered_chart canvas"},
        {
            content: "The figures of the chart are in a table, too",
            trigger: ".o_metered_day_table summary",
            run: "click",
        },
        {
            trigger:
                ".o_metered_day_table tr:contains(International calls)",
        },
        {
            content: "A day leads to its usage",
            trigger: ".o_metered_day_table tbody button",
            run: "click",
        },
        {trigger: ".o_list_view .o_data_row"},
        BACK,
        {
            content: "The calls lead to their usage",
            trigger: "[data-figure=calls]",
            run: "click",
        },
        {trigger: ".o_list_view .o_data_row:contains(Tour Customer)"},
        BACK,
        {
            content: "A customer leads to its usage",
            trigger: "[data-card=customers] a:contains(Tour Customer):contains(0.18)",
            run: "click",
        },
        {trigger: ".o_last_breadcrumb_item:contains(Tour Customer)"},
        {trigger: ".o_list_view .o_data_row:contains(International calls)"},
        BACK,
        {
            content: "A destination leads to its calls",
            trigger: "[data-card=destinations] a:contains(United Kingdom)",
            run: "click",
        },
        {trigger: ".o_list_view .o_data_row:contains(+442079460120)"},
        BACK,
        {
            content: "A reason leads to its exceptions",
            trigger: "[data-card=exceptions] a:contains(No customer found)",
            run: "click",
        },
        {trigger: ".o_last_breadcrumb_item:contains(No customer found)"},
        BACK,
        {
            content: "An import leads to itself",
            trigger: "[data-card=batches] a:contains(calls.csv)",
            run: "click",
        },
        {trigger: ".o_form_view .o_field_widget[name=balance]"},
        BACK,
        {
            content: "Another period",
            trigger: "[data-period=last_month]",
            run: "click",
        },
        {trigger: "[data-figure=amount] .o_metered_value:contains(0.60)"},
        {trigger: "[data-figure=calls] .o_metered_value:contains(1)"},
        {
            content: "It is still chosen after a look at the records",
            trigger: "[data-figure=calls]",
            run: "click",
        },
        {trigger: ".o_list_view .o_data_row"},
        BACK,
        {trigger: "[data-period=last_month].active"},
    ],
});
