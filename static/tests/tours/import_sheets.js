import {registry} from "@web/core/registry";

/** Puts the workbook of the test into an upload field. */
async function chooseWorkbook(field) {
    const answer = await fetch("/web/content/metered_billing.tour_workbook");
    const files = new DataTransfer();
    files.items.add(new File([await answer.blob()], "calls.xlsx"));
    const input = field.querySelector("input[type=file]");
    input.files = files.files;
    input.dispatchEvent(new Event("change", {bubbles: true}));
}

registry.category("web_tour.tours").add("metered_billing_import_sheets", {
    steps: () => [
        {
            content: "Choose the switch",
            trigger: ".modal .o_field_widget[name=source_id] input",
            run: "edit Workbook Switch",
        },
        {
            trigger: ".ui-autocomplete a:contains(Workbook Switch)",
            run: "click",
        },
        {
            content: "Choose the workbook",
            trigger: ".modal .o_field_widget[name=file]",
            async run() {
                await chooseWorkbook(this.anchor);
            },
        },
        {
            trigger: ".modal .o_field_widget[name=file] input.o_input",
        },
        {
            content: "Look at the preview",
            trigger: ".modal button[name=action_preview]",
            run: "click",
        },
        {
            content: "Two sheets may be it; the cover is none of them",
            trigger:
                ".modal .alert:contains(October, November):contains(Proposed: October)",
        },
        {
            content: "Choose the other one",
            trigger: ".modal .o_field_widget[name=sheet_id] input",
            run: "click",
        },
        {
            trigger: ".ui-autocomplete a:contains(November)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=sheet_id] input:value(November)",
        },
        {
            content: "Read it",
            trigger: ".modal button.btn-primary[name=action_refresh]:visible",
            run: "click",
        },
        {
            content: "Two of its columns have one name",
            trigger:
                ".modal .alert:contains(columns are named duration):contains(Proposed: duration_1)",
        },
        {
            content: "What is not read is named",
            trigger: ".modal .alert:contains(The worksheet November was read)",
        },
        {
            content: "Use the answers",
            trigger: ".modal button.btn-primary[name=action_refresh]:visible",
            run: "click",
        },
        {
            content: "Nothing is open any more",
            trigger: ".modal:not(:has(.alert-warning:visible))",
        },
        {
            content: "Import",
            trigger: ".modal button.btn-primary[name=action_import]:visible",
            run: "click",
        },
        {
            content: "The import runs to its end",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Done)",
        },
    ],
});
