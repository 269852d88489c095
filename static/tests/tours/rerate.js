import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_rerate", {
    steps: () => [
        {
            content: "No re-rating yet",
            trigger: ".o_view_nocontent:contains(No re-rating yet)",
        },
        {
            content: "Rate again",
            trigger: ".o_control_panel button:contains(Re-rate Usage)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=date_from] button",
        },
        {
            content: "Look at what would change",
            trigger: ".modal button[name=action_preview]",
            run: "click",
        },
        {
            content: "The preview tells it",
            trigger: ".o_form_view .alert-info:contains(This is a preview)",
        },
        {
            trigger: ".o_data_row:contains(Tour Customer):contains(0.3000)",
        },
        {
            content: "Apply it",
            trigger: ".o_form_view button[name=action_apply]",
            run: "click",
        },
        {
            trigger: ".modal footer button:contains(Ok)",
            run: "click",
        },
        {
            content: "It is applied",
            trigger:
                ".o_form_view .o_field_widget[name=phase]:contains(Applied)",
        },
        {
            trigger: "body:not(:has(button[name=action_apply]))",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_rerate_invoiced", {
    steps: () => [
        {
            trigger: ".o_control_panel button:contains(Re-rate Usage)",
            run: "click",
        },
        {
            content: "What is invoiced already",
            trigger:
                ".modal .o_field_widget[name=scope] .o_radio_item:contains(Invoiced usage) input",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=scope] input:checked[data-value=invoiced]",
        },
        {
            content: "Of a meter that is no call type",
            trigger: ".modal .o_field_widget[name=meter_ids] input",
            run: "edit Tour Texts",
        },
        {
            trigger:
                ".modal .o_field_widget[name=meter_ids] .ui-autocomplete a:contains(Tour Texts)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=meter_ids] .o_tag:contains(Tour Texts)",
        },
        {
            trigger: ".modal button[name=action_preview]",
            run: "click",
        },
        {
            content: "What it was and would be",
            trigger: ".o_data_row:contains(Tour Customer):contains(2.50):contains(2.00)",
        },
        {
            content: "Post the difference",
            trigger: "button[name=action_approve]",
            run: "click",
        },
        {
            content: "Not without a reason",
            trigger: ".modal .o_field_widget[name=reason] textarea",
            run: "edit Texts were too dear.",
        },
        {
            trigger: ".modal button[name=action_post]",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(Posted: RINV)",
        },
        {
            content: "It says who approved it, and why",
            trigger:
                ".o_form_view:not(:has(button[name=action_approve])) .o_field_widget[name=reason]:contains(Texts were too dear)",
        },
        {
            content: "Day by day",
            trigger: "button[name=action_view_differences]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(Tour Texts):contains(RINV)",
        },
        {
            trigger: ".o_back_button, .breadcrumb-item a:contains(Re-rating of)",
            run: "click",
        },
        {
            content: "And the credit note",
            trigger: "button[name=action_view_moves]",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(RINV) td[name=name]",
            run: "click",
        },
        {
            trigger:
                ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(Correction of INV)",
        },
    ],
});
