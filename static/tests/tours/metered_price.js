import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_price", {
    steps: () => [
        {
            content: "A new price",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Of the meter",
            trigger: ".o_field_widget[name=meter_id] input",
            run: "edit Tour Texts",
        },
        {
            trigger: ".ui-autocomplete a:contains(Tour Texts)",
            run: "click",
        },
        {
            content: "It is called like the meter",
            trigger: ".o_field_widget[name=name] input:value(Tour Texts)",
        },
        {
            content: "In tiers",
            trigger: ".o_field_widget[name=charge_model] input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains(Graduated: each unit)",
            run: "click",
        },
        {
            content: "Two tiers are there: the second has a price",
            trigger:
                ".o_field_widget[name=tier_ids] .o_data_row:eq(1) td[name=unit_price]",
            run: "click",
        },
        {
            trigger:
                ".o_field_widget[name=tier_ids] .o_selected_row .o_field_widget[name=unit_price] input",
            run: "edit 0.05",
        },
        {
            content: "Leave the row",
            trigger: ".o_field_widget[name=name] input",
            run: "click",
        },
        {
            content: "150 texts would cost 2.50",
            trigger: ".o_field_widget[name=example]:contains($2.50)",
        },
        {
            content: "And 101 of them",
            trigger: ".o_field_widget[name=example_quantity] input",
            run: "edit 101 && press Tab",
        },
        {
            trigger: ".o_field_widget[name=example] tfoot:contains($0.05)",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "Saved",
            trigger: ".o_form_saved, .o_form_view:not(:has(.o_form_status_indicator_buttons:not(.invisible)))",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_metered_product", {
    steps: () => [
        {
            content: "What it is measured by",
            trigger: ".nav-link[name=metered]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=metered_meter_id] input",
            run: "edit Tour Texts",
        },
        {
            trigger:
                ".o_field_widget[name=metered_meter_id] .ui-autocomplete a:contains(Tour Texts)",
            run: "click",
        },
        {
            content: "The meter's list is closed",
            trigger:
                ".o_field_widget[name=metered_meter_id]:not(:has(.ui-autocomplete))",
        },
        {
            trigger: ".o_field_widget[name=metered_price_id] input",
            run: "edit Tour Texts",
        },
        {
            trigger:
                ".o_field_widget[name=metered_price_id] .ui-autocomplete a:contains(Tour Texts)",
            run: "click",
        },
        {
            content: "The price in short",
            trigger:
                ".o_field_widget[name=metered_price_description]:contains(above 100: $0.05)",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved, .o_form_view:not(:has(.o_form_status_indicator_buttons:not(.invisible)))",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_metered_subscription", {
    steps: () => [
        {
            content: "The lines of the subscription",
            trigger: ".nav-link[name=subscription_lines_page]",
            run: "click",
        },
        {
            content: "Sell the texts on it",
            trigger:
                ".o_field_widget[name=sale_subscription_line_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger:
                ".o_field_widget[name=sale_subscription_line_ids] .o_selected_row .o_field_widget[name=product_id] input",
            run: "edit Tour Product",
        },
        {
            trigger: ".ui-autocomplete a:contains(Tour Product)",
            run: "click",
        },
        {
            content: "What its usage costs",
            trigger:
                ".o_field_widget[name=sale_subscription_line_ids] .o_selected_row td[name=metered_price_text]:contains(above 100: $0.05)",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved, .o_form_view:not(:has(.o_form_status_indicator_buttons:not(.invisible)))",
        },
        {
            content: "Invoice the period",
            trigger: "button[name=manual_invoice]",
            run: "click",
        },
        {
            content: "The 101 texts of the past period cost 0.05",
            trigger:
                ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(101 texts):contains(0.05)",
        },
    ],
});
