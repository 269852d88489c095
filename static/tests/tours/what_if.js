import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_check_deck", {
    steps: () => [
        {
            content: "Check the deck from its form",
            trigger: ".o_form_view button[name=action_check]",
            run: "click",
        },
        {
            content: "Last month is proposed",
            trigger: ".modal .o_field_widget[name=date_from] button",
        },
        {
            trigger: ".modal footer button[name=action_run]",
            run: "click",
        },
        {
            content: "The golden call that would change, and what it would cost",
            trigger:
                ".o_form_view .o_field_widget[name=golden_ids] .o_data_row:contains(0.09 USD):contains(0.18 USD)",
        },
        {
            content: "Who would pay more",
            trigger: ".o_metered_winners table:contains(Tour Customer)",
        },
        {
            content: "All of it as a pivot",
            trigger: ".o_form_view button[name=action_view_lines]",
            run: "click",
        },
        {
            trigger: ".o_pivot_view:contains(Tour Customer)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_check_file", {
    steps: () => [
        {
            content: "Import rates",
            trigger: ".o_form_view button[name=action_import]",
            run: "click",
        },
        {
            content: "Choose the file",
            trigger: ".modal .o_field_widget[name=file]",
            run({anchor}) {
                const text = "prefix,destination,price,billing\n44,UK,0.12,1/1\n";
                const files = new DataTransfer();
                files.items.add(new File([text], "new.csv", {type: "text/csv"}));
                const input = anchor.querySelector("input[type=file]");
                input.files = files.files;
                input.dispatchEvent(new Event("change", {bubbles: true}));
            },
        },
        {
            trigger: ".modal .o_field_widget[name=file]:contains(new.csv)",
        },
        {
            trigger: ".modal button[name=action_preview]",
            run: "click",
        },
        {
            content: "Check the file before it is applied",
            trigger: ".modal footer button[name=action_check]",
            run: "click",
        },
        {
            content: "The file is named",
            trigger: ".modal .o_field_widget[name=file_name]:contains(new.csv)",
        },
        {
            trigger: ".modal footer button[name=action_run]",
            run: "click",
        },
        {
            trigger:
                ".o_form_view .o_field_widget[name=golden_ids] .o_data_row:contains(0.09 USD):contains(0.18 USD)",
        },
        {
            content: "Go on with the file",
            trigger: ".o_form_view button[name=action_apply_file]",
            run: "click",
        },
        {
            content: "Its preview is there again",
            trigger: ".modal button[name=action_apply]",
        },
        {
            trigger: ".modal footer button:contains(Cancel)",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_try_a_plan", {
    steps: () => [
        {
            content: "Nothing was tried yet",
            trigger: ".o_view_nocontent:contains(No What If yet)",
        },
        {
            trigger: ".o_control_panel button:contains(New What If)",
            run: "click",
        },
        {
            content: "Choose the plan",
            trigger: ".modal .o_field_widget[name=plan_id] input",
            run: "edit Small",
        },
        {
            trigger: ".ui-menu-item a:contains(Small), .o-autocomplete--dropdown-item a:contains(Small)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=plan_replaces_id]",
        },
        {
            trigger: ".modal footer button[name=action_run]",
            run: "click",
        },
        {
            content: "What would be paid less",
            trigger: ".o_metered_winners table:contains(Tour Customer)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_try_again", {
    steps: () => [
        {
            content: "It says what stopped it",
            trigger: ".o_form_view .alert-danger:contains(The database went away)",
        },
        {
            trigger: ".o_form_view button[name=action_resume]",
            run: "click",
        },
        {
            content: "It has gone on",
            trigger: ".o_form_view .alert-info:contains(Current → simulated)",
        },
        {
            trigger: "body:not(:has(button[name=action_resume]))",
        },
    ],
});
