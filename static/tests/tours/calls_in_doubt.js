import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_different_call", {
    steps: () => [
        {
            content: "The exception shows both calls",
            trigger:
                ".o_form_view:contains(A different call already has this ID):contains(60 s)",
        },
        {
            content: "It is another one",
            trigger: "button[name=action_is_other]:contains(It Is a Different Call)",
            run: "click",
        },
        {
            content: "It is charged",
            trigger:
                ".o_statusbar_status .o_arrow_button_current:contains(Resolved)",
        },
        {
            trigger: "body:not(:has(button[name=action_is_other]:visible))",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_direction_words", {
    steps: () => [
        {
            content: "Open the words of the source",
            trigger: ".o_notebook .nav-link:contains(Direction Words)",
            run: "click",
        },
        {
            content: "Add a word",
            trigger: "[name=word_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger: "[name=word_ids] .o_selected_row [name=word] input",
            run: "edit Local",
        },
        {
            trigger: "[name=word_ids] .o_selected_row [name=direction] input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains(/^Outbound$/)",
            run: "click",
        },
        {
            content: "Save",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved [name=word_ids] .o_data_row:contains(Local)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_charged_twice", {
    steps: () => [
        {
            content: "The import says that another source has its calls",
            trigger:
                ".o_form_view .alert:contains(Calls are charged twice):contains(2):contains(Undo one of the two imports)",
        },
        {
            content: "Open the import of the other source",
            trigger: ".alert [name=elsewhere_batch_id] a",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=source_id]:contains(First Switch)",
        },
    ],
});
