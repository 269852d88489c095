// Copyright 2026 Metered Billing contributors
// License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
// Looks whether anything of the texts that SCREENS and the page PORTAL show became a
// part of the document. After every_screen.js.
/* global SCREENS, PORTAL, everyScreen */
(async () => {
    let isShown = false;
    const look = (name, problems, page = document) => {
        isShown ||= Boolean(page.body?.innerText.includes("__xss"));
        const injected = [...page.querySelectorAll('img[src="x"], script')];
        const found = injected.find((el) => el.outerHTML.includes("__xss"));
        if (found || window.__xss) {
            problems.push(name + " runs " + (window.__xss || found.outerHTML));
            window.__xss = undefined;
            found && found.remove();
        }
    };
    let shown = 0;
    const problems = await everyScreen(SCREENS, look, () => {
        shown += isShown;
        isShown = false;
    });
    const page = await (await fetch(PORTAL)).text();
    look("portal", problems, new DOMParser().parseFromString(page, "text/html"));
    // Not all of them have texts: this many say that the texts are there at all.
    if (shown < SCREENS.length / 3) {
        problems.push("Only " + shown + " of " + SCREENS.length + " screens showed such texts.");
    }
    if (problems.length) {
        console.error(problems.join("\n"));
    } else {
        console.log("test successful");
    }
})();
