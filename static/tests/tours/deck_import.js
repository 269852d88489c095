import {registry} from "@web/core/registry";

const RATES = [
    "Ziel;Nummern;Alt;Neu;Zustand;Verkauf",
    "England;44;1,234;1,250;ruht;3,500",
    "France;33;2,500;2,000;;4,000",
    "",
].join("\n");

const BANDS = "Prefix;Peak;Off-Peak\n44;3;2\n";

/** Puts a file into an upload field, as choosing it in the dialog would. */
function chooseFile(field, text = RATES) {
    const files = new DataTransfer();
    files.items.add(new File([text], "rates.csv", {type: "text/csv"}));
    const input = field.querySelector("input[type=file]");
    input.files = files.files;
    input.dispatchEvent(new Event("change", {bubbles: true}));
}

/** Says what a column means, or a status. */
function say(list, row, field, value) {
    const line = `.modal [name=${list}] .o_data_row:contains(${row})`;
    return [
        {
            content: `What ${row} means`,
            trigger: `${line} td[name=${field}]`,
            run: "click",
        },
        {
            trigger: `.modal [name=${list}] .o_selected_row [name=${field}] input`,
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

registry.category("web_tour.tours").add("metered_billing_deck_import", {
    steps: () => [
        {
            content: "Import a file of rates",
            trigger: "button[name=action_import]",
            run: "click",
        },
        {
            content: "Choose the file",
            trigger: ".modal .o_field_widget[name=file]",
            run() {
                chooseFile(this.anchor);
            },
        },
        {
            content: "The file is there",
            trigger: ".modal .o_field_widget[name=file]:contains(rates.csv)",
        },
        {
            content: "Look at the preview",
            trigger: ".modal button[name=action_preview]:enabled",
            run: "click",
        },
        {
            content: "Its columns are not known",
            trigger: ".modal .alert:contains(could not be detected)",
        },
        {
            content: "Nothing can be applied yet",
            trigger: ".modal:not(:has(button[name=action_apply]:visible))",
        },
        ...say("column_ids", "Ziel", "target", "Name"),
        ...say("column_ids", "Nummern", "target", "Prefix"),
        ...say("column_ids", "Neu", "target", "Price"),
        ...say("column_ids", "Zustand", "target", "Status or change"),
        {
            content: "Read it again",
            trigger: ".modal button[name=action_refresh]:visible",
            run: "click",
        },
        {
            content: "The decimal sign, a status and other prices are asked for",
            trigger:
                ".modal .alert:contains(1,250 is ambiguous):contains(ruht):contains(Verkauf)",
        },
        {
            content: "The comma is proposed",
            trigger: ".modal [name=number] input:value(/Comma/)",
        },
        ...say("word_ids", "ruht", "meaning", "Rate ends"),
        {
            content: "Agree to what is proposed",
            trigger: ".modal button[name=action_refresh]:visible",
            run: "click",
        },
        {
            content: "Nothing was proposed for the other prices",
            trigger:
                ".modal .alert:contains(Verkauf seems to contain other prices):not(:contains(ruht))",
        },
        ...say("column_ids", "Verkauf", "target", "Leave out"),
        {
            content: "Read it again",
            trigger: ".modal button[name=action_refresh]:visible",
            run: "click",
        },
        {
            content: "The price is what was meant",
            trigger: ".modal .o_data_row:contains(33):contains(2):contains(France)",
        },
        {
            content: "Apply it",
            trigger: ".modal button[name=action_apply]:visible",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(rates.csv was applied)",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_deck_bands", {
    steps: () => [
        {
            content: "Import a file of rates",
            trigger: "button[name=action_import]",
            run: "click",
        },
        {
            content: "Choose the file",
            trigger: ".modal .o_field_widget[name=file]",
            run() {
                chooseFile(this.anchor, BANDS);
            },
        },
        {
            trigger: ".modal .o_field_widget[name=file]:contains(rates.csv)",
        },
        {
            content: "Look at the preview",
            trigger: ".modal button[name=action_preview]:enabled",
            run: "click",
        },
        {
            content: "Two of its columns are prices of other times",
            trigger: ".modal .alert:contains(prices for different times: Peak, Off-Peak)",
        },
        {
            content: "The first one is that of the business hours",
            trigger: ".modal [name=column_ids] .o_data_row:contains(Peak) td[name=band_id]",
            run: "click",
        },
        {
            trigger: ".modal [name=column_ids] .o_selected_row [name=band_id] input",
            run: "edit Business",
        },
        {
            trigger: ".ui-autocomplete a:contains(Business Hours)",
            run: "click",
        },
        {
            content: "Read it again",
            trigger: ".modal button[name=action_refresh]:visible",
            run: "click",
        },
        {
            content: "Both are rates",
            trigger: ".modal:not(:has(.alert:contains(different times)))",
        },
        {
            content: "Apply it",
            trigger: ".modal button[name=action_apply]:visible",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(rates.csv was applied)",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});
