import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_rerate", {
    steps: () => [
        {
            content: "Nothing was rated again yet",
            trigger: ".o_view_nocontent:contains(Nothing was rated again yet)",
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
