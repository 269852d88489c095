import {registry} from "@web/core/registry";
import {press} from "@odoo/hoot-dom";
import {stepUtils} from "@web_tour/tour_utils";

const CALLS = [
    "call_id,start_time,duration,caller,callee",
    "t1,2026-10-05 10:00:00,90,+14045550100,+12125550199",
    "t2,2026-10-06 11:00:00,60,+14045550100,+442079460120",
    "t3,2026-10-07 12:00:00,60,+14045559999,+12125550199",
    "t1,2026-10-05 10:00:00,90,+14045550100,+12125550199",
    "",
].join("\n");

function aFile() {
    const files = new DataTransfer();
    files.items.add(new File([CALLS], "october.csv", {type: "text/csv"}));
    return files;
}

/** Puts a file into an upload field, as choosing it in the dialog would. */
function chooseFile(field) {
    const files = aFile();
    const input = field.querySelector("input[type=file]");
    input.files = files.files;
    input.dispatchEvent(new Event("change", {bubbles: true}));
}

registry.category("web_tour.tours").add("metered_billing_import_usage", {
    url: "/odoo",
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open the app",
            trigger: ".o_app[data-menu-xmlid='metered_billing.menu_metered_root']",
            run: "click",
        },
        {
            content: "Open the billing menu",
            trigger:
                "button[data-menu-xmlid='metered_billing.menu_metered_billing']",
            run: "click",
        },
        {
            content: "Import usage",
            trigger: "a[data-menu-xmlid='metered_billing.menu_metered_import']",
            run: "click",
        },
        {
            content: "Nothing to look at yet",
            trigger: ".modal button[name=action_preview]:disabled",
        },
        {
            content: "Choose the switch",
            trigger: ".modal .o_field_widget[name=source_id] input",
            run: "edit Tour Switch",
        },
        {
            trigger: ".ui-autocomplete a:contains(Tour Switch)",
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
            content: "The columns are recognised",
            trigger:
                ".modal .o_data_row:contains(start_time):contains(Start time):contains(2026-10-05)",
        },
        {
            content: "Who pays how much is seen before",
            trigger:
                ".modal .o_metered_preview tr:contains(Tour Customer):contains(USD)",
        },
        {
            content: "And what nobody pays",
            trigger: ".modal .o_metered_preview tr:contains(+14045559999) .text-danger",
        },
        {
            content: "Import",
            trigger: ".modal button[name=action_import]",
            run: "click",
        },
        {
            content: "The job shows how far it is",
            trigger: ".o_metered_job",
        },
        {
            content: "It finishes by itself",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Done)",
        },
        {
            content: "The control totals add up",
            trigger: ".o_field_widget[name=balance]:contains(Adds up)",
        },
        {
            content: "Open the call details",
            trigger: "button[name=action_view_cdrs]",
            run: "click",
        },
        {
            content: "Open a call",
            trigger: ".o_list_view .o_data_row:contains(+12125550199) td[name=callee]",
            run: "click",
        },
        {
            content: "It says whose it was and what it cost",
            trigger: ".o_form_view:contains(Tour Customer):contains(0.09)",
        },
        {
            content: "It shows the line of the file",
            trigger:
                ".o_field_widget[name=raw_record]:contains(t1,2026-10-05 10:00:00,90)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_import_by_keyboard", {
    steps: () => [
        {
            content: "Choose the switch",
            trigger: ".modal .o_field_widget[name=source_id] input",
            run: "edit Tour Switch",
        },
        {
            trigger: ".ui-autocomplete a:contains(Tour Switch)",
            run: "click",
        },
        {
            content: "Tab leads from the source to the file, and Enter chooses one",
            trigger: ".modal button.o_select_file_button",
            async run() {
                document.querySelector(".modal [name=source_id] input").focus();
                for (let tabs = 0; tabs < 3; tabs++) {
                    if (document.activeElement !== this.anchor) {
                        await press("Tab");
                    }
                }
                if (document.activeElement !== this.anchor) {
                    throw new Error("Tab does not reach the file");
                }
                let isAsked = false;
                const input = document.querySelector(".modal input[type=file]");
                input.addEventListener("click", (ev) => {
                    ev.preventDefault();
                    isAsked = true;
                });
                await press("Enter");
                if (!isAsked) {
                    throw new Error("Enter chooses no file");
                }
                if (!input.accept.includes(".csv")) {
                    throw new Error("Any file is offered");
                }
            },
        },
        {
            content: "Or it is dropped",
            trigger: ".modal .o_metered_drop",
            run() {
                for (const kind of ["dragover", "drop"]) {
                    this.anchor.dispatchEvent(
                        new DragEvent(kind, {
                            bubbles: true,
                            cancelable: true,
                            dataTransfer: aFile(),
                        })
                    );
                }
            },
        },
        {
            content: "It is read",
            trigger: ".modal .o_metered_preview tr:contains(Tour Customer)",
        },
        {
            content: "Nothing is imported",
            trigger: ".modal .modal-footer button:contains(Discard)",
            run: "click",
        },
        {trigger: "body:not(:has(.modal))"},
    ],
});

registry.category("web_tour.tours").add("metered_billing_open_invoice", {
    steps: () => [
        {
            content: "A call says on which invoice it is",
            trigger: ".o_list_view .o_data_row:contains(+12125550199) td[name=callee]",
            run: "click",
        },
        {
            content: "Open the invoice",
            trigger: ".o_form_view .o_field_widget[name=invoice_id] a",
            run: "click",
        },
        {
            content: "It has a line per call type",
            trigger:
                ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(National calls)",
        },
        {
            trigger:
                ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(International calls)",
        },
        {
            content: "And leads back to its calls",
            trigger: "button[name=action_view_metered_cdrs]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(+442079460120)",
        },
    ],
});
