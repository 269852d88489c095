# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rate finder, re-rating, what if, margins, golden calls."""

from .screen import ACTION, Screen, click, form, listed

# Asks what a call of the customer with a calling plan costs.
FOUND = """
    (async () => {
        const {orm, action} = odoo.__WOWL_DEBUG__.root.env.services;
        const model = "metered.rate.finder";
        const domain = [["name", "=", "SecureWatch Alarms"]];
        const [partner] = await orm.search("res.partner", domain);
        const [id] = await orm.create(model, [
            {
                number: "2125550199",
                partner_id: partner,
                seconds: 900,
                moment: "2026-10-20 15:00:00",
            },
        ]);
        await action.doAction(await orm.call(model, "action_find", [[id]]));
    })()
"""
# Opens the check of the largest deck.
CHECKED = """
    (async () => {
        const {orm, action} = odoo.__WOWL_DEBUG__.root.env.services;
        const domain = [["name", "=", "A-Z termination"]];
        const [deck] = await orm.search("metered.rate.deck", domain);
        const check = await orm.call("metered.rate.deck", "action_check", [[deck]]);
        await action.doAction(check);
    })()
"""

SCREENS = [
    Screen(
        "rate_finder",
        ACTION + "rate_finder",
        wait=".modal .o_form_view",
        steps=(
            "(async () => {"
            " const input = document.querySelector('.modal [name=number] input');"
            " input.value = '+442079460120';"
            " input.dispatchEvent(new Event('input', {bubbles: true}));"
            " input.dispatchEvent(new Event('change', {bubbles: true}));"
            " await new Promise((done) => setTimeout(done, 2500));"
            " })()",
        ),
    ),
    Screen("rate_finder_plan", ACTION + "rate_deck", steps=(FOUND,)),
    listed("rerating", "rerate"),
    form("rerate", "rerate", "metered.rerate", [("state", "=", "done")]),
    form(
        "rerate_invoiced",
        "rerate",
        "metered.rerate",
        [("scope", "=", "invoiced"), ("phase", "=", "apply")],
    ),
    Screen(
        "rerate_credit",
        "/odoo/account.move/",
        record=("account.move", [("move_type", "=", "out_refund")]),
        wait=".o_form_view",
        steps=(click("button[name=action_metered_explain]"),),
    ),
    Screen("rerate_start", ACTION + "rerate_start", wait=".modal .o_form_view"),
    listed("what_if", "simulation_what_if"),
    form(
        "what_if_run",
        "simulation_what_if",
        "metered.simulation",
        [("kind", "=", "what_if")],
    ),
    Screen(
        "what_if_start",
        ACTION + "simulation_start",
        wait=".modal .o_form_view",
    ),
    Screen("check_deck", ACTION + "rate_deck", steps=(CHECKED,)),
    Screen(
        "check_deck_result",
        ACTION + "simulation_what_if/",
        record=("metered.simulation", [("golden_count", ">", 0)]),
        wait=".o_form_view",
    ),
    Screen(
        "what_if_pivot",
        ACTION + "simulation_what_if/",
        record=("metered.simulation", [("kind", "=", "what_if")]),
        steps=(
            "(async () => {"
            " await new Promise((done) => setTimeout(done, 2000));"
            " document.querySelector('button[name=action_view_lines]')?.click();"
            " await new Promise((done) => setTimeout(done, 3000));"
            " })()",
        ),
    ),
    listed("margins", "simulation_margin"),
    form(
        "margins_run",
        "simulation_margin",
        "metered.simulation",
        [("kind", "=", "margin")],
    ),
    listed("golden_calls", "golden_call"),
    form("golden_call", "golden_call", "metered.golden.call"),
]
