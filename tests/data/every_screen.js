// Copyright 2026 Metered Billing contributors
// License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
// Opens screens, with each of their tabs.
/* exported everyScreen */
/* global odoo */
/**
 * @param {Array} screens pairs of a name and an action
 * @param {Function} look called with the name of what is open; may be asynchronous
 * @param {Function} opened called when a screen was looked at, before dialogs close
 * @returns {Array} what went wrong with opening them, to be added to
 */
async function everyScreen(screens, look, opened = () => {}) {
    const env = odoo.__WOWL_DEBUG__.root.env;
    const { rpcBus } = odoo.loader.modules.get("@web/core/network/rpc");
    let pending = 0;
    rpcBus.addEventListener("RPC:REQUEST", () => pending++);
    rpcBus.addEventListener("RPC:RESPONSE", () => pending--);
    const frame = () =>
        new Promise((done) => setTimeout(() => requestAnimationFrame(done)));
    // What is not drawn yet, whatever it waits for, is a task of Owl.
    const {scheduler} = odoo.__WOWL_DEBUG__.root.__owl__.app;
    const idle = async () => {
        let quiet = 0;
        while (quiet < 3) {
            await frame();
            quiet = pending > 0 || scheduler.tasks.size ? 0 : quiet + 1;
        }
    };
    const problems = [];
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
    for (const [name, action] of screens) {
        try {
            await env.services.action.doAction(action, { clearBreadcrumbs: true });
            await idle();
            for (const tab of document.querySelectorAll(".o_notebook .nav-link")) {
                tab.click();
                await idle();
                await look(name + ", " + tab.innerText, problems);
            }
        } catch (error) {
            problems.push(name + " does not open: " + (error.data?.message || error));
        }
        await look(name, problems);
        opened();
        await closeDialogs(name);
    }
    return problems;
}
