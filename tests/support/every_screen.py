# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Every screen of this module: each view and action, and the forms that it adds to."""

import json
from pathlib import Path

from odoo.tools import SQL

from .every_record import OTHERS, our_models

DATA = Path(__file__).resolve().parent.parent / "data"
DASHBOARD = "/odoo/action-metered_billing.action_metered_dashboard"


class EveryScreen:
    """To be mixed into a HttpCase with every record, see ``every_record``."""

    def screens(self):
        """What is opened: list of (name, action as the client gets it)."""
        views = self.env["ir.model.data"].search(
            [("module", "=", "metered_billing"), ("model", "=", "ir.ui.view")]
        )
        for view in self.env["ir.ui.view"].browse(views.mapped("res_id")):
            if view.mode == "primary" and view.type not in ("search", "qweb"):
                yield from self.screens_of(view.model, view.type, view)
        for model in OTHERS:
            if self.env[model].get_views([(False, "form")]):
                yield from self.screens_of(model, "form", self.env["ir.ui.view"])
        actions = self.env["ir.model.data"].search(
            [
                ("module", "=", "metered_billing"),
                ("model", "in", ("ir.actions.act_window", "ir.actions.client")),
            ]
        )
        for action in actions:
            yield action.name, action.res_id

    def screens_of(self, model, kind, view):
        action = {
            "type": "ir.actions.act_window",
            "res_model": model,
            "views": [[view.id, kind]],
            "context": {"active_test": False},
        }
        name = f"{model} {kind} {view.name or ''}"
        if kind != "form":
            yield name, action
            return
        for record in self.every.get(model, ())[-2:]:
            target = "new" if record._transient else "current"
            yield (
                f"{name} {record.id}",
                {**action, "res_id": record.id, "target": target},
            )

    def look_at_every_screen(self, *scripts, **given):
        """Run scripts in a browser that use `everyScreen` of every_screen.js.

        :param scripts: names of files of tests/data, or whole scripts
        :param given: values that are constants for them, beside SCREENS
        """
        self.give_dialogs_to_admin()
        given["SCREENS"] = list(self.screens())
        code = "".join(f"const {name} = {json.dumps(given[name])};" for name in given)
        for script in ("every_screen.js", *scripts):
            if script.endswith(".js"):
                script = (DATA / script).read_text(encoding="utf-8")
            code += script + "\n"
        try:
            self.browser_js(DASHBOARD, code, "odoo.isReady", login="admin", timeout=900)
        except self.failureException as error:
            # Without the script, which is longer than what is shown of a failure.
            said = str(error).rpartition(code)[2]
        else:
            return
        self.fail(said)

    def give_dialogs_to_admin(self):
        """Dialogs are shown to who opened them."""
        for name in our_models(self.env):
            if self.registry[name]._transient:
                self.env.cr.execute(
                    SQL(
                        "UPDATE %s SET create_uid = %s",
                        SQL.identifier(self.env[name]._table),
                        self.env.ref("base.user_admin").id,
                    )
                )
        self.env.invalidate_all()
