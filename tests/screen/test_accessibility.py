# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What axe-core finds at the screens of this module.

The screens are those of the registry: what is added next month is looked at as well.
"""

from pathlib import Path

import axe_core_python

from odoo import fields
from odoo.tests import HttpCase, tagged

from ..support.every_record import EveryRecord
from ..support.every_screen import EveryScreen
from ..support.metered_case import MeteredMakers

AXE = Path(axe_core_python.__file__).with_name("axe.min.js")


@tagged("post_install", "-at_install")
class TestAccessibility(EveryRecord, EveryScreen, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.make_every_record()
        cls.level = cls.make_meter(
            "Seats", kind="gauge", aggregation="max", level_holds=True
        )
        cls.make_identifier(cls.customer, "seats", kind="key")
        source = cls.make_source("usage", meter_id=cls.level.id)
        now = fields.Datetime.now()
        cls.import_text(source, f"time,identifier,quantity\n{now},seats,5\n")

    def screens(self):
        """A graph is of a customer: no action of its own opens it."""
        yield from super().screens()
        yield "level", self.level.action_view_level()
        yield "level of a customer", self.level.action_view_level(self.customer)

    def test_nothing_serious_is_found(self):
        self.look_at_every_screen(
            AXE.read_text(encoding="utf-8"),
            "accessibility.js",
            STOCK=list(self.stock()),
        )

    def stock(self):
        """Screens of Odoo itself that have the same parts as ours."""
        product = self.env["product.template"].search([], limit=1)
        for model, kinds, id_ in (
            ("res.partner", ("list", "kanban", "form"), self.env.user.partner_id.id),
            ("account.move", ("list", "form", "pivot", "graph"), self.invoice.id),
            (
                "product.template",
                ("list", "form"),
                product.id,
            ),
        ):
            for kind in kinds:
                yield (
                    f"{model} {kind}",
                    {
                        "type": "ir.actions.act_window",
                        "res_model": model,
                        "views": [[False, kind]],
                        "res_id": id_ if kind == "form" else False,
                        "context": {"search_default_filter_group": 1},
                    },
                )


@tagged("post_install", "-at_install")
class TestKeyboard(MeteredMakers, HttpCase):
    """What a mouse does, the keyboard does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()

    def test_a_file_is_chosen_by_keyboard_or_dropped(self):
        self.make_source(name="Tour Switch")
        self.make_customer("Tour Customer", "+14045550100")
        batches = self.env["metered.batch"].search([])
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_import",
            "metered_billing_import_by_keyboard",
            login="admin",
        )
        self.assertEqual(self.env["metered.batch"].search([]), batches)
