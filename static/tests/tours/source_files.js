import {registry} from "@web/core/registry";

/** Steps that choose an option of a selection field. */
function choose(name, option) {
    return [
        {
            content: `Open ${name}`,
            trigger: `.o_field_widget[name=${name}] input`,
            run: "click",
        },
        {
            content: `Choose ${option}`,
            trigger: `.o_select_menu_item:contains(${option})`,
            run: "click",
        },
    ];
}

registry.category("web_tour.tours").add("metered_billing_source_files", {
    steps: () => [
        {
            content: "A new source",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Its name",
            trigger: ".o_field_widget[name=name] input, [name=name] textarea",
            run: "edit Tour SMDR",
        },
        ...choose("preset", "Generic CSV"),
        {
            content: "How its files are read",
            trigger: ".o_notebook .nav-link[name=files]",
            run: "click",
        },
        ...choose("file_reading", "Use these settings"),
        {
            content: "Lines at the top",
            trigger: ".o_field_widget[name=file_skip_lines] input",
            run: "edit 2",
        },
        {
            content: "Where the columns begin, in the wrong order",
            trigger: ".o_field_widget[name=file_positions] input",
            run: "edit 24, 10",
        },
        {
            content: "Save",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "It says what is wrong",
            trigger: ".modal .modal-body:contains(not in order)",
        },
        {
            trigger: ".modal .modal-footer .btn-primary",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
        {
            content: "Where the columns begin",
            trigger: ".o_field_widget[name=file_positions] input",
            run: "edit 1, 10, 24",
        },
        {
            content: "Without a delimiter, there is none to say",
            trigger: "body:not(:has(.o_field_widget[name=file_delimiter]))",
        },
        {
            content: "Save",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
    ],
});
