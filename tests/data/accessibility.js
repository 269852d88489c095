// Copyright 2026 Metered Billing contributors
// License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
// Has axe-core look at SCREENS, and at what of them is ours. What it finds at STOCK,
// screens of Odoo itself, of the same rule at an element of the same kind, is not ours to
// mend; contrast, labels and names of buttons are. After axe.min.js and every_screen.js.
/* global axe, everyScreen, SCREENS, STOCK */
(async () => {
    // What fades in has less contrast on its way.
    const still = document.createElement("style");
    still.textContent = "*, ::before, ::after { transition: none !important; }";
    document.head.append(still);
    // Parts of Odoo's that STOCK happens not to show.
    const ODOOS = [
        ".o-mail-Form-chatter",
        ".o_searchview",
        ".o_progress",
        ".o_list_record_selector",
        ".o_optional_columns_dropdown",
        ".o_boolean_toggle",
        ".o_field_boolean",
        ".o_field_daterange .fa-long-arrow-right",
        ".o_view_nocontent",
        ".form-check-input:disabled",
    ].join();
    // Screens, or parts of Odoo's, that this module makes.
    const OURS =
        ".o_metered_screen, [class*=o_metered], [name^=metered], [for^=metered]";
    const kindOf = (rule, html) => {
        const tag = html.match(/^<[^>]*>/)[0];
        const classes = (tag.match(/ class="([^"]*)"/)?.[1] || "").split(/\s+/);
        const kept = classes.filter((name) => !/active|focus|_selected$/.test(name));
        return [rule, tag.match(/^<([\w-]+)/)[1], ...kept.sort()].join(" ");
    };
    const collect = (found) => async (name) => {
        const root = document.querySelector(".modal") || ".o_action_manager";
        const { violations } = await axe.run(root, {
            resultTypes: ["violations"],
            runOnly: ["wcag2a", "wcag2aa"],
            elementRef: false,
        });
        for (const { id, impact, nodes } of violations) {
            if (!["serious", "critical"].includes(impact)) {
                continue;
            }
            for (const { html, any, all, target } of nodes) {
                const node = document.querySelector(target.join(" "));
                if (node?.closest(ODOOS)) {
                    continue;
                }
                const message = (any[0] || all[0])?.message || "";
                const text = html.replace(/\s+/g, " ").slice(0, 200);
                const kind = kindOf(id, html);
                const key = kind + text.replace(/\d+/g, "#");
                if (!found.has(key)) {
                    const isOurs = Boolean(node?.closest(OURS));
                    found.set(key, { kind, isOurs, told: [id, name, text, target, message] });
                }
            }
        }
    };
    const stock = new Map();
    const ours = new Map();
    const problems = await everyScreen(STOCK, collect(stock));
    problems.push(...(await everyScreen(SCREENS, collect(ours))));
    const kinds = new Set([...stock.values()].map((one) => one.kind));
    for (const { kind, isOurs, told } of ours.values()) {
        const isOdoos = /^(aria|role|image)-/.test(told[0]) && kinds.has(kind);
        if (isOurs && !isOdoos) {
            problems.push(told.join(" | "));
        }
    }
    if (problems.length) {
        console.error(problems.length + " findings:\n" + problems.join("\n"));
    } else {
        console.log("test successful");
    }
})();
