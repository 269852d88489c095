import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_retention", {
    steps: () => [
        {
            content: "A rule is off until it was previewed",
            trigger: ".o_form_view .alert:contains(This rule is off)",
        },
        {
            trigger: "button[name=action_preview]",
            run: "click",
        },
        {
            content: "What would be deleted today",
            trigger: ".modal .o_field_widget[name=records]:contains(9)",
        },
        {
            trigger: ".modal .o_field_widget[name=is_sure] input",
            run: "check",
        },
        {
            trigger: ".modal button[name=action_turn_on]",
            run: "click",
        },
        {
            content: "The run tells what it did",
            trigger:
                ".o_form_view .o_field_widget[name=result]:contains(Deleted or masked: 9)",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=rule_id] a, .o_back_button",
            run: "click",
        },
        {
            trigger: ".o_form_view button[name=action_view_runs]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row td[name=records]:contains(9)",
        },
        {
            trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item:last a",
            run: "click",
        },
        {
            trigger: ".o_form_view button[name=action_turn_off]",
            run: "click",
        },
        {
            trigger: ".modal footer button:contains(Ok)",
            run: "click",
        },
        {
            trigger: ".o_form_view .alert:contains(This rule is off)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_hold", {
    steps: () => [
        {
            content: "A hold of everything says so",
            trigger: ".o_form_view .alert:contains(keeps all records of the company)",
        },
        {
            trigger: "button[name=action_lift]",
            run: "click",
        },
        {
            trigger: ".modal footer button:contains(Ok)",
            run: "click",
        },
        {
            trigger: ".o_form_view .alert:contains(This hold was lifted on)",
        },
    ],
});
