import {registry} from "@web/core/registry";

const CALLS = [
    "Typ;Datum;Zeit;Eigene Rufnummer;Ziel;Dauer",
    "gehend;03.10.2026;10:00:00;+14045550100;+12125550199;4:10",
    "gehend;25.10.2026;11:30:00;+14045550100;+442079460120;0:12",
    "quer;25.10.2026;12:00:00;+14045550100;+12125550199;0:01",
    "",
].join("\n");

/** Puts a file into an upload field, as choosing it in the dialog would. */
function chooseFile(field) {
    const files = new DataTransfer();
    files.items.add(new File([CALLS], "calls.csv", {type: "text/csv"}));
    const input = field.querySelector("input[type=file]");
    input.files = files.files;
    input.dispatchEvent(new Event("change", {bubbles: true}));
}

/** Says what a column or a word means. */
function say(list, row, field, value) {
    const line = `.modal [name=${list}] .o_data_row:contains(${row})`;
    return [
        {
            content: `What ${row} means`,
            trigger: `${line} td[name=${field}]`,
            run: "click",
        },
        {
            trigger: `${line.replace(".o_data_row", ".o_selected_row")} [name=${field}] input`,
            run: "click",
        },
        {
            trigger: `.o_select_menu_item:contains(/^${value}$/)`,
            run: "click",
        },
        {
            trigger: `${line}:has([name=${field}] input:value(${value}))`,
        },
    ];
}

/** Says what a column means; the preview follows. */
function mean(column, meaning) {
    return [
        ...say("column_ids", column, "target", meaning),
        {
            trigger: `.modal .o_metered_preview th:contains(${column}):contains(${meaning})`,
        },
    ];
}

registry.category("web_tour.tours").add("metered_billing_import_questions", {
    steps: () => [
        {
            content: "Choose the switch",
            trigger: ".modal .o_field_widget[name=source_id] input",
            run: "edit Asking Switch",
        },
        {
            trigger: ".ui-autocomplete a:contains(Asking Switch)",
            run: "click",
        },
        {
            content: "Choose the file",
            trigger: ".modal .o_field_widget[name=file]",
            run() {
                chooseFile(this.anchor);
            },
        },
        ...mean("Datum", "Start time"),
        ...mean("Zeit", "Start time"),
        ...mean("Dauer", "Chargeable seconds"),
        ...mean("Eigene", "Calling number"),
        ...mean("Ziel", "Called number"),
        ...mean("Typ", "Direction"),
        {
            content: "What they leave open is asked before the import",
            trigger: ".modal button[name=action_import]:visible",
            run: "click",
        },
        {
            content: "The unit is proposed, and said to be a proposal",
            trigger:
                ".modal .alert:contains(4:10):contains(Proposed answer: Minutes:seconds):contains(Who pays for this usage?)",
        },
        {
            trigger: ".modal .o_metered_preview th:contains(as proposed)",
        },
        {
            content: "What the file shows is not asked",
            trigger: ".modal .alert:contains(Day first):contains(25.10.2026)",
        },
        {
            content: "The customer is likely told by the calling number",
            trigger:
                ".modal [name=payer_column_id] input:value(Eigene Rufnummer)",
        },
        ...say("word_ids", "quer", "direction", "Internal"),
        {
            content: "Use the answers",
            trigger: ".modal button.btn-primary[name=action_refresh]:visible",
            run: "click",
        },
        {
            content: "Nothing is open any more",
            trigger:
                ".modal:not(:has(.alert-warning:visible)):not(:has(.o_metered_preview th:contains(as proposed)))",
        },
        {
            content: "The calls find their customer",
            trigger: ".modal .o_field_widget[name=customers]:contains(a customer was found)",
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
