// Copyright 2026 Metered Billing contributors
// License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
// Opens SCREENS (pairs of a name and an action) and the page PORTAL, and looks whether
// anything of the texts that they show became a part of the document.
/* global SCREENS, PORTAL, odoo */
(async () => {
    const env = odoo.__WOWL_DEBUG__.root.env;
    const { rpcBus } = odoo.loader.modules.get("@web/core/network/rpc");
    let pending = 0;
    rpcBus.addEventListener("RPC:REQUEST", () => pending++);
    rpcBus.addEventListener("RPC:RESPONSE", () => pending--);
    const frame = () =>
        new Promise((done) => setTimeout(() => requestAnimationFrame(done)));
    const idle = async () => {
        let quiet = 0;
        while (quiet < 3) {
            await frame();
            quiet = pending > 0 ? 0 : quiet + 1;
        }
    };
    const problems = [];
    const look = (name, page = document) => {
        const injected = [...page.querySelectorAll('img[src="x"], script')];
        const found = injected.find((el) => el.outerHTML.includes("__xss"));
        if (found || window.__xss) {
            problems.push(name + " runs " + (window.__xss || found.outerHTML));
            window.__xss = undefined;
            found && found.remove();
        }
    };
    const closeDialogs = async (name) => {
        for (const error of document.querySelectorAll(".o_error_dialog")) {
            // A warning of the settings is none.
            if (error.innerText.trim().startsWith("Warning")) {
                continue;
            }
            problems.push(name + " shows an error: " + error.innerText.slice(0, 300));
        }
        env.services.dialog.closeAll();
        await idle();
    };
    let shown = 0;
    for (const [name, action] of SCREENS) {
        try {
            await env.services.action.doAction(action, { clearBreadcrumbs: true });
            await idle();
            for (const tab of document.querySelectorAll(".o_notebook .nav-link")) {
                tab.click();
                await idle();
                look(name + ", " + tab.innerText);
            }
        } catch (error) {
            problems.push(name + " does not open: " + (error.data?.message || error));
        }
        look(name);
        shown += document.body.innerText.includes("__xss");
        await closeDialogs(name);
    }
    const page = await (await fetch(PORTAL)).text();
    look("portal", new DOMParser().parseFromString(page, "text/html"));
    if (shown < SCREENS.length / 2) {
        problems.push("Only " + shown + " screens showed such texts.");
    }
    if (problems.length) {
        console.error(problems.join("\n"));
    } else {
        console.log("test successful");
    }
})();
