import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("metered_billing_explain", {
    steps: () => [
        {
            content: "Ask from the list",
            trigger:
                ".o_data_row:contains(+442079460120) button[name=action_explain]",
            run: "click",
        },
        {
            content: "The steps are told",
            trigger: ".modal .o_metered_step_increments:contains(90 s)",
        },
        {
            trigger: ".modal .o_metered_step_charge:contains(0.09 USD)",
        },
        {
            trigger: ".modal footer button:contains(Close)",
            run: "click",
        },
        {
            content: "Open the call",
            trigger:
                "body:not(:has(.modal)) .o_data_row:contains(+442079460120) .o_data_cell[name=callee]",
            run: "click",
        },
        {
            content: "Ask from its form",
            trigger: ".o_form_view button[name=action_explain]",
            run: "click",
        },
        {
            content: "It leads to the rate",
            trigger: ".modal .o_metered_step_rate a[href*='/odoo/metered-rates/']",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_below_cost", {
    steps: () => [
        {
            content: "Both calls are there",
            trigger: ".o_data_row:contains(+12125550199)",
        },
        {
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "Only those sold below cost",
            trigger: ".o_filter_menu .o_menu_item:contains(Sold Below Cost)",
            run: "click",
        },
        {
            trigger:
                ".o_list_view:not(:has(.o_data_row:contains(+12125550199))) .o_data_row:contains(+442079460120) td[name=callee]",
            run: "click",
        },
        {
            content: "The call says what it costs and what is left",
            trigger: ".o_form_view .o_field_widget[name=cost]:contains(0.1500)",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=margin]:contains(-0.06)",
        },
        {
            trigger: ".o_form_view .badge:contains(Sold below cost)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_explain_invoice", {
    steps: () => [
        {
            content: "Ask on the line of the invoice",
            trigger: ".o_data_row button[name=action_metered_explain]",
            run: "click",
        },
        {
            trigger: ".modal .o_metered_step_usage:contains(1 call on 1 day)",
        },
        {
            content: "Ask for the dearest call",
            trigger: ".modal .o_metered_dearest button[name=action_explain]",
            run: "click",
        },
        {
            trigger: ".modal .o_metered_step_increments",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_rate_finder", {
    url: "/odoo",
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            trigger: ".o_app[data-menu-xmlid='metered_billing.menu_metered_root']",
            run: "click",
        },
        {
            content: "Open the menu of rates",
            trigger: "button[data-menu-xmlid='metered_billing.menu_metered_rates']",
            run: "click",
        },
        {
            trigger: "a[data-menu-xmlid='metered_billing.menu_metered_rate_finder']",
            run: "click",
        },
        {
            content: "A number that is none",
            trigger: ".modal .o_field_widget[name=number] input",
            run: "edit 12ab && press Tab",
        },
        {
            trigger: ".modal .alert-warning:contains(is not a number)",
        },
        {
            content: "A number",
            trigger: ".modal .o_field_widget[name=number] input",
            run: "edit 011442079460120 && press Tab",
        },
        {
            content: "Its prices",
            trigger: ".modal .o_metered_price:contains(5 min):contains(0.3 USD)",
        },
        {
            trigger: ".modal button[name=action_find]",
            run: "click",
        },
        {
            trigger: ".modal .o_metered_step_rate:contains(0.06 USD per minute)",
        },
        {
            trigger: ".modal footer button:contains(Close)",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});
