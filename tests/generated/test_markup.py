# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Markup in texts of files, switches and users is shown as text, on every screen.

The screens are those of the registry: each view and action of this module, and the
forms that it adds to. What is added next month is looked at as well.
"""

from lxml import html

from odoo.tests import HttpCase, TransactionCase, tagged

from ..support.every_record import OTHERS, EveryRecord, our_models
from ..support.every_screen import EveryScreen

MARKS = (
    "<img src=x onerror=\"window.__xss='%s'\">",
    "\"><script>window.__xss='%s'</script>",
)
#: what the texts are in a document where they are more than texts
INJECTED = "//img[@src='x'] | //script[contains(., '__xss')]"


def marked(model, field, id_):
    """A text with markup that says where it came from."""
    return "".join(MARKS) % ((f"{model}.{field} {id_}",) * 2)


class Marked(EveryRecord):
    """Every record, with markup in every text."""

    mark = MARKS[0] % "mark"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What was there before is the database's own. Odoo finds the attachments of
        # binary fields only where an id is asked for.
        cls.first = {
            name: cls.env[name].search([("id", ">", 0)], order="id desc", limit=1).id
            or 0
            for name in OTHERS
        }
        cls.set_up_rates()
        cls.make_every_record()
        for name in OTHERS:
            cls.every[name] = cls.env[name].search([("id", ">", cls.first[name])])
            cls.write_texts(marked, [name], cls.first[name] + 1)
        cls.write_texts(marked, our_models(cls.env))
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
class TestMarkupScreens(Marked, EveryScreen, HttpCase):
    def test_no_script_runs(self):
        screens = list(self.screens())
        self.assertGreater(len(screens), 100)
        invoice = self.invoice
        invoice.action_post()
        self.look_at_every_screen("markup.js", PORTAL=invoice.get_portal_url())
