import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("metered_billing_counters", {
    url: "/odoo",
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open the app",
            trigger: ".o_app[data-menu-xmlid='metered_billing.menu_metered_root']",
            run: "click",
        },
        {
            trigger:
                "button[data-menu-xmlid='metered_billing.menu_metered_billing']",
            run: "click",
        },
        {
            content: "Enter a reading",
            trigger: "a[data-menu-xmlid='metered_billing.menu_metered_reading']",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(4711)",
        },
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=register_id] input",
            run: "edit 4711",
        },
        {
            trigger: ".ui-autocomplete a:contains(4711)",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=value] input",
            run: "edit 10300",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved .o_field_widget[name=unit]:contains(kWh)",
        },
        {
            content: "Its register",
            trigger:
                "button[data-menu-xmlid='metered_billing.menu_metered_billing']",
            run: "click",
        },
        {
            trigger: "a[data-menu-xmlid='metered_billing.menu_metered_register']",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row td[name=serial]:contains(4711)",
            run: "click",
        },
        {
            content: "Both readings are there",
            trigger:
                ".o_field_widget[name=reading_ids] .o_data_row:nth-child(2) td[name=value]",
        },
        {
            content: "What was used, day by day",
            trigger: "button[name=action_view_usage]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(Power)",
        },
        {
            trigger: ".breadcrumb-item a:contains(4711)",
            run: "click",
        },
        {
            content: "Its readings",
            trigger: "button[name=action_view_readings]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(4711)",
        },
        {
            trigger: ".breadcrumb-item a:contains(4711)",
            run: "click",
        },
        {
            content: "Replace the device",
            trigger: "button[name=action_replace]:contains(Replace Meter)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=serial] input",
            run: "edit 4712",
        },
        {
            trigger: ".modal .o_field_widget[name=old_value] input",
            run: "edit 10310",
        },
        {
            trigger: ".modal .o_field_widget[name=new_value] input",
            run: "edit 3",
        },
        {
            trigger: ".modal footer button[name=action_replace]",
            run: "click",
        },
        {
            content: "The new one is shown",
            trigger:
                ".o_form_view .o_field_widget[name=replaces_id] input:value(4711)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_counter_meter", {
    steps: () => [
        {
            content: "A meter becomes a counter",
            trigger: ".o_field_widget[name=kind] input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains(Readings of a counter)",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=digits] input",
            run: "edit 5",
        },
        {
            trigger: ".o_field_widget[name=factor] input",
            run: "edit 40",
        },
        {
            trigger: ".o_field_widget[name=most_per_day] input",
            run: "edit 100",
        },
        {
            trigger:
                ".o_field_widget[name=at_period_end] input[data-value=carry]",
            run: "click",
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

registry.category("web_tour.tours").add("metered_billing_customer_registers", {
    steps: () => [
        {
            content: "Open the tab",
            trigger: ".o_notebook .nav-link[name=metered_billing]",
            run: "click",
        },
        {
            content: "The counter with its last reading",
            trigger:
                "[name=metered_register_ids] .o_data_row:contains(4711):contains(Power):contains(10,150):contains(kWh)",
        },
        {
            content: "Open it",
            trigger: "[name=metered_register_ids] .o_data_row td[name=serial]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=serial]:contains(4711)",
        },
    ],
});
