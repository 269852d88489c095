# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Markup in texts of files, switches and users is shown as text, on every screen.

The screens are those of the registry: each view and action of this module, and the
forms that it adds to. What is added next month is looked at as well.
"""

import json
from pathlib import Path

from lxml import html

from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import SQL

from ..support.every_record import OTHERS, EveryRecord, our_models

LOOK_AROUND = Path(__file__).resolve().parent.parent / "data" / "every_screen.js"
MARKS = (
    "<img src=x onerror=\"window.__xss='%s'\">",
    "\"><script>window.__xss='%s'</script>",
)
#: what the texts are in a document where they are more than texts
INJECTED = "//img[@src='x'] | //script[contains(., '__xss')]"


def marked(model, field, id_):
    """A text with markup that says where it came from."""
    return MARKS[id_ % 2] % f"{model}.{field} {id_}"


class Marked(EveryRecord):
    """Every record, with markup in every text."""

    mark = MARKS[0] % "mark"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What was there before is the database's own.
        cls.first = {
            name: cls.env[name].search([], order="id desc", limit=1).id or 0
            for name in OTHERS
        }
        cls.set_up_rates()
        cls.make_every_record()
        for name in OTHERS:
            cls.every[name] = cls.env[name].search([("id", ">", cls.first[name])])
            cls.write_texts(marked, [name], cls.first[name] + 1)
        cls.write_texts(marked, our_models(cls.env))
        # Dialogs belong to who opens them.
        for name in our_models(cls.env):
            if cls.registry[name]._transient:
                cls.env.cr.execute(
                    SQL(
                        "UPDATE %s SET create_uid = %s",
                        SQL.identifier(cls.env[name]._table),
                        cls.env.ref("base.user_admin").id,
                    )
                )
        cls.env.invalidate_all()


def html_fields(env):
    """All Html fields of this module."""
    return [
        field
        for model in env.registry.values()
        for field in model._fields.values()
        if field.type == "html" and field._module == "metered_billing"
    ]


@tagged("post_install", "-at_install")
class TestHtmlFields(Marked, TransactionCase):
    def test_what_is_stored_is_sanitized(self):
        fields = html_fields(self.env)
        self.assertGreater(len(fields), 5)
        wrong = [
            str(field)
            for field in fields
            if not field.sanitize and (field.store or not field.compute)
        ]
        self.assertFalse(wrong, "Compute them, or have them sanitized")

    def test_what_is_computed_escapes(self):
        """Whatever is in it: the names and texts of other records, above all."""
        shown = 0
        for field in html_fields(self.env):
            if field.sanitize or field.store:
                continue
            for record in self.every.get(field.model_name, ())[:20]:
                value = record[field.name]
                if not value:
                    continue
                shown += "__xss" in value
                found = html.fragment_fromstring(value, "div").xpath(INJECTED)
                self.assertFalse(found, f"{field} of {record}: {value}")
        self.assertTrue(shown, "Nothing with markup was shown")


@tagged("post_install", "-at_install")
class TestMarkupScreens(Marked, HttpCase):
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

    def test_no_script_runs(self):
        screens = list(self.screens())
        self.assertGreater(len(screens), 100)
        invoice = self.invoice
        invoice.action_post()
        given = {"SCREENS": screens, "PORTAL": invoice.get_portal_url()}
        code = "".join(f"const {name} = {json.dumps(given[name])};" for name in given)
        self.browser_js(
            "/odoo/action-metered_billing.action_metered_dashboard",
            code + LOOK_AROUND.read_text(encoding="utf-8"),
            "odoo.isReady",
            login="admin",
            timeout=900,
        )
