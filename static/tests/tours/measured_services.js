import {registry} from "@web/core/registry";

const PANEL = ".o_field_widget[name=metered_measured_ids]";
const ROW = `${PANEL} .o_data_row:contains(Tour Extensions)`;

/** Choose a value of a selection in the dialog. */
function choose(name, label) {
    return [
        {
            trigger: `.modal .o_field_widget[name=${name}] input`,
            run: "click",
        },
        {
            trigger: `.o_select_menu_item:contains(${label})`,
            run: "click",
        },
    ];
}

/** Enter a value in the dialog. */
function enter(name, value) {
    return {
        trigger: `.modal .o_field_widget[name=${name}] input`,
        run: `edit ${value}`,
    };
}

registry.category("web_tour.tours").add("metered_billing_measured_group", {
    steps: () => [
        {
            content: "What all customers of the group are charged",
            trigger: ".o_notebook .nav-link[name=measured]",
            run: "click",
        },
        {
            content: "The usual parameters, as statistics only",
            trigger: "button[name=action_usual_measured]",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Active calls):contains(Do not charge)",
        },
        {
            content: "And one of our own",
            trigger: ".o_field_widget[name=measured_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        enter("meter_id", "Tour Extensions"),
        {
            trigger: ".ui-autocomplete a:contains(Tour Extensions)",
            run: "click",
        },
        ...choose("charge_basis", "Maximum"),
        enter("unit_price", "4"),
        enter("free_units", "5"),
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) .o_data_row:contains(Tour Extensions):contains(Maximum)",
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

registry.category("web_tour.tours").add("metered_billing_measured_customer", {
    steps: () => [
        {
            content: "Open the tab",
            trigger: ".o_notebook .nav-link[name=metered_billing]",
            run: "click",
        },
        {
            content: "The group's are there, and cannot be removed",
            trigger: `${ROW}:contains(Inherited):contains(Maximum):not(:has(button[name=action_remove]))`,
        },
        {
            content: "The seats are charged by a subscription line",
            trigger:
                ".o_field_widget[name=metered_measured_note]:contains(Tour Seats is charged by a line)",
        },
        {
            content: "Editing what is inherited",
            trigger: `${ROW} button[name=action_edit]`,
            run: "click",
        },
        {
            content: "Begins with what it is",
            trigger: ".modal .o_field_widget[name=unit_price] input:value(4)",
            run: "edit 3",
        },
        enter("rate_code", "EXT-3"),
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "Overrides it",
            trigger: `body:not(:has(.modal)) ${ROW}:contains(Overridden):contains(EXT-3):contains(3.00)`,
        },
        {
            content: "From a day on it costs something else",
            trigger: `${ROW} button[name=action_change]`,
            run: "click",
        },
        {
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            content: "The dialog says until when it costs what it did",
            trigger: ".o_notification:contains(Enter the price that applies from)",
        },
        {
            trigger: `body:not(:has(.modal)) ${ROW} button[name=action_edit]`,
            run: "click",
        },
        enter("unit_price", "2.5"),
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            trigger: `body:not(:has(.modal)) ${ROW}:contains(2.50)`,
        },
        {
            content: "The group's again",
            trigger: "button[name=action_metered_reset_measured]",
            run: "click",
        },
        {
            trigger: ".modal .modal-footer .btn-primary",
            run: "click",
        },
        {
            trigger: `body:not(:has(.modal)) ${ROW}:contains(Inherited):contains(4.00)`,
        },
        {
            content: "One of its own",
            trigger: "button[name=action_metered_add_measured]",
            run: "click",
        },
        enter("meter_id", "Tour Storage"),
        {
            trigger: ".ui-autocomplete a:contains(Tour Storage)",
            run: "click",
        },
        ...choose("charge_basis", "Average by time"),
        enter("unit_price", "1"),
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            trigger: `body:not(:has(.modal)) ${PANEL} .o_data_row:contains(Tour Storage):contains(Own)`,
        },
        {
            trigger: `${PANEL} .o_data_row:contains(Tour Storage) button[name=action_remove]`,
            run: "click",
        },
        {
            trigger: ".modal .modal-footer .btn-primary",
            run: "click",
        },
        {
            trigger: `body:not(:has(.modal)) ${PANEL}:not(:has(.o_data_row:contains(Tour Storage)))`,
        },
        {
            content: "The usual parameters that the group does not have",
            trigger: "button[name=action_metered_usual_measured]",
            run: "click",
        },
        {
            trigger: `${PANEL} .o_data_row:contains(Active calls):contains(Own)`,
        },
        {
            content: "Its statistics are one click away",
            trigger: `${PANEL} .o_data_row:contains(Active calls) button[name=action_view_level]`,
            run: "click",
        },
        {
            content: "Of this customer, and of this parameter",
            trigger: ".o_metered_level:contains(Active calls):contains(Tour Customer)",
        },
        {
            trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item:last a",
            run: "click",
        },
        {
            trigger: ".o_notebook .nav-link[name=metered_billing]",
            run: "click",
        },
        {
            content: "Its price, for tiers",
            trigger: `${PANEL} .o_data_row:contains(Active calls) button[name=action_open_price]`,
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=charge_model]",
        },
    ],
});
