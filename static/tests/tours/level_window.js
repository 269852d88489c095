import {registry} from "@web/core/registry";

const OVERVIEW = ".o_metered_level_overview .o_metered_level_chart";

/** Move a pointer over the graph of the three months, from one day to another. */
function drag(from, until, pointerType = "mouse") {
    return ({anchor}) => {
        const canvas = anchor.querySelector("canvas");
        const {left, top, height} = canvas.getBoundingClientRect();
        const {x} = window.Chart.getChart(canvas).scales;
        const noon = (day) =>
            luxon.DateTime.fromISO(`${day}T12:00`, {
                zone: "America/New_York",
            }).toMillis();
        const send = (type, day) =>
            canvas.dispatchEvent(
                new PointerEvent(type, {
                    pointerId: 1,
                    pointerType,
                    clientX: left + x.getPixelForValue(noon(day)),
                    clientY: top + height / 2,
                    bubbles: true,
                })
            );
        // There is no such pointer that could be captured.
        anchor.setPointerCapture = () => {};
        send("pointerdown", from);
        send("pointermove", from);
        send("pointermove", until);
        send("pointerup", until);
    };
}

function press(key, shiftKey = false) {
    return ({anchor}) => {
        anchor.focus();
        anchor.dispatchEvent(
            new KeyboardEvent("keydown", {key, shiftKey, bubbles: true})
        );
    };
}

function date(name, value) {
    return {
        trigger: `.o_metered_level_${name}`,
        run: ({anchor}) => {
            anchor.value = value;
            anchor.dispatchEvent(new Event("change", {bubbles: true}));
        },
    };
}

const status = (text) => ({
    trigger: `.o_metered_level_status:contains(${text})`,
});

registry.category("web_tour.tours").add("metered_billing_level_window", {
    steps: () => [
        {
            content: "From the meter: a customer is chosen",
            trigger: "button[name=action_view_level]",
            run: "click",
        },
        {
            trigger: ".o_metered_level_customers button:contains(Acme)",
            run: "click",
        },
        {
            content: "What the period has come to, and what it costs",
            trigger: ".o_metered_level_so_far dd:contains(23 seats)",
        },
        {trigger: ".o_metered_level_so_far dd:contains(5 seats, used: 5)"},
        {trigger: ".o_metered_level_so_far dd:contains(72.00)"},
        {trigger: ".o_metered_level_head dd:contains(The last level continues)"},
        {
            content: "The last seven days are there at first",
            ...status("Nov 9, 2026 through Nov 15, 2026. Lowest: 8, highest: 8"),
        },
        {trigger: ".o_metered_level_overview:contains(Times in America/New_York)"},
        {
            content: "Nearly all of it with the mouse",
            trigger: OVERVIEW,
            run: drag("2026-08-20", "2026-11-15"),
        },
        status("Aug 20, 2026 through Nov 15, 2026. Lowest: 0, highest: 23"),
        {
            content: "A finger drags back",
            trigger: OVERVIEW,
            run: drag("2026-11-13", "2026-10-10", "touch"),
        },
        status("Oct 10, 2026 through Nov 13, 2026. Lowest: 8, highest: 23"),
        {
            content: "By the dates",
            ...date("first", "2026-11-01"),
        },
        date("last", "2026-11-03"),
        status("Nov 1, 2026 through Nov 3, 2026. Lowest: 12, highest: 23"),
        {
            content: "By the keys: a day later, and one more",
            trigger: OVERVIEW,
            run: press("ArrowRight"),
        },
        status("Nov 2, 2026 through Nov 4, 2026. Lowest: 8, highest: 23"),
        {trigger: OVERVIEW, run: press("ArrowRight", true)},
        status("Nov 2, 2026 through Nov 5, 2026"),
        {trigger: OVERVIEW, run: press("PageUp")},
        status("Oct 29, 2026 through Nov 1, 2026"),
        {trigger: OVERVIEW, run: press("End")},
        status("Nov 12, 2026 through Nov 15, 2026"),
        date("first", "2026-11-01"),
        status("Nov 1, 2026 through Nov 15, 2026"),
        {
            content: "As a table",
            trigger: ".o_metered_table_toggle",
            run: "click",
        },
        {
            trigger:
                ".o_metered_level_table_detail tr:contains(Nov 3, 2026, 4:30):contains(23)",
        },
        {
            trigger:
                ".o_metered_level_table_detail li:contains(No sample from Nov 11, 2026, 4:00)",
        },
        {trigger: ".o_metered_level_table_overview tr:contains(Nov 3, 2026)"},
        {
            content: "As a file: the browser is not asked where to",
            trigger: ".o_metered_export",
            run: async ({anchor}) => {
                const {downloadFile} = odoo.loader.modules.get(
                    "@web/core/network/download"
                );
                const saved = new Promise((done) => {
                    downloadFile._download = (...file) => done(file);
                });
                anchor.click();
                const [text, name] = await saved;
                const isRight =
                    text.includes("2026-11-03 04:30:00,-0500,23") &&
                    name.startsWith("seats-") &&
                    name.endsWith(".csv");
                if (!isRight) {
                    console.error(`${name}: ${text}`);
                }
            },
        },
        {
            content: "Three months earlier",
            trigger: ".o_metered_earlier",
            run: "click",
        },
        {trigger: ".o_metered_level_overview:contains(through Aug 15, 2026)"},
        {trigger: ".o_metered_later", run: "click"},
        {trigger: ".o_metered_later:disabled"},
        {
            content: "Another meter, of which there is nothing yet",
            trigger: ".o_metered_level_meter",
            run: "selectByLabel Bandwidth",
        },
        {
            trigger:
                ".o_metered_level_note:contains(There are no samples of Bandwidth for Acme)",
        },
        {trigger: ".o_metered_level_head:contains(Not billed)"},
    ],
});

registry.category("web_tour.tours").add("metered_billing_level_from_line", {
    steps: () => [
        {
            trigger:
                ".o_data_row:contains(Seats) button[name=action_metered_view_level]",
            run: "click",
        },
        {trigger: ".o_metered_level_head h4:contains(Acme)"},
        {trigger: OVERVIEW + " canvas"},
    ],
});

registry.category("web_tour.tours").add("metered_billing_level_from_customer", {
    steps: () => [
        {trigger: ".o_notebook .nav-link[name=metered_billing]", run: "click"},
        {trigger: "button[name=action_view_metered_levels]", run: "click"},
        {trigger: ".o_metered_level_head h4:contains(Seats)"},
        {trigger: OVERVIEW + " canvas"},
    ],
});
