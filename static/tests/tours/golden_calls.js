import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_golden_guard", {
    steps: () => [
        {
            content: "Change the price of a rate in the list",
            trigger: ".o_data_row:contains(Tour World) td[name=price]",
            run: "click",
        },
        {
            trigger: ".o_selected_row td[name=price] input",
            run: "edit 0.5",
        },
        {
            trigger: ".o_list_button_save:visible",
            run: "click",
        },
        {
            content: "The golden call, what it is to cost and would cost",
            trigger:
                ".modal:contains(expected 0.09 USD, 0.09 USD before, 0.75 USD after)",
        },
        {
            trigger: ".modal footer button:contains(Apply Anyway)",
            run: "click",
        },
        {
            content: "Say why",
            trigger:
                ".o_form_view .o_field_widget[name=altered]:contains(0.75 USD after)",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=reason] textarea",
            run: "edit Agreed by mail",
        },
        {
            trigger: ".o_form_view button[name=action_apply]",
            run: "click",
        },
        {
            content: "The rate with its new price",
            trigger:
                ".o_form_view .o_field_widget[name=name] input:value(Tour World)",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=price] input:value(0.5)",
        },
        {
            content: "And again in its form: it may become dearer",
            trigger: ".o_form_view .o_field_widget[name=price] input",
            run: "edit 0.6",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".modal:contains(0.75 USD before, 0.9 USD after)",
        },
        {
            content: "Or not",
            trigger: ".modal footer button:contains(Apply Anyway)",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=reason] textarea",
        },
        {
            trigger: ".o_form_view button:contains(Go Back)",
            run: "click",
        },
        {
            content: "Nothing was changed",
            trigger: ".o_form_view .o_field_widget[name=price] input:value(0.5)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_golden_usage", {
    steps: () => [
        {
            content: "Keep a price of usage",
            trigger: ".o_control_panel .o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=kind] .o_radio_item:contains(Usage) input",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=quantity] input",
            run: "edit 150",
        },
        {
            trigger: ".o_field_widget[name=expected] input",
            run: "edit 7.5",
        },
        {
            trigger: ".o_field_widget[name=meter_id] input",
            run: "edit Tour Texts",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Tour Texts)",
            run: "click",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "It costs what it is to cost",
            trigger: ".o_field_widget[name=verdict]:contains(As expected)",
        },
        {
            trigger: ".o_field_widget[name=charge]:contains(7.5 USD)",
        },
        {
            trigger: ".o_form_saved",
        },
    ],
});
