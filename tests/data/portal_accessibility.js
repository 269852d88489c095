// Copyright 2026 Metered Billing contributors
// License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
// Has axe-core, whose source is AXE, look at PAGES of the portal, in frames as wide as a
// desk's screen and as a phone's. Head and foot of the page are Odoo's, and so is all of
// the invoice but the card of usage.
/* global AXE, PAGES */
(async () => {
    const problems = [];
    const loaded = (frame) => new Promise((done) => (frame.onload = done));
    for (const [path, click] of PAGES) {
        for (const width of [1200, 390]) {
            const frame = document.createElement("iframe");
            frame.style.cssText = `width: ${width}px; height: 900px; border: 0`;
            const ready = loaded(frame);
            frame.src = path;
            document.body.append(frame);
            await ready;
            if (click) {
                const again = loaded(frame);
                frame.contentDocument.querySelector(`.o_metered_portal ${click}`).click();
                await again;
            }
            const page = frame.contentWindow;
            const name = `${path} ${click} at ${width}`;
            const isInvoice = path.includes("/invoices/");
            page.eval(AXE);
            const { violations } = await page.axe.run(
                isInvoice
                    ? { include: [[".o_metered_invoice_usage"]] }
                    : { exclude: [["header"], ["footer"]] },
                { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa"] }
            );
            for (const { id, impact, nodes } of violations) {
                if (["serious", "critical"].includes(impact)) {
                    const found = nodes.map(({ html }) => html.slice(0, 200));
                    problems.push([name, id, ...found.slice(0, 3)].join(" | "));
                }
            }
            const root = page.document.documentElement;
            if (root.scrollWidth > width) {
                problems.push(`${name}: ${root.scrollWidth} pixels wide`);
            }
            for (const box of page.document.querySelectorAll(".table-responsive")) {
                // What scrolls aside is reached by keyboard only where it has the focus.
                if (box.scrollWidth > box.clientWidth && box.tabIndex < 0) {
                    problems.push(`${name}: a table is cut off: ${box.innerText}`);
                }
            }
            if (!isInvoice && page.document.title === "Odoo") {
                problems.push(`${name}: has no title`);
            }
            frame.remove();
        }
    }
    if (problems.length) {
        console.error(problems.length + " findings:\n" + problems.join("\n"));
    } else {
        console.log("test successful");
    }
})();
