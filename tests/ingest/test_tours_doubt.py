# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a person says about calls that are in doubt, in a real browser."""

from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers

START = "2026-10-05 10:00:00"
NUMBERS = ("+14045550100", "+12125550199")


@tagged("post_install", "-at_install")
class TestToursDoubt(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source(name="First Switch")
        cls.customer = cls.make_customer("Tour Customer", NUMBERS[0])
        new_test_user(
            cls.env,
            login="doubting",
            groups="metered_billing.group_metered_administrator",
        )

    def look_at(self, record, tour):
        self.env.flush_all()
        action = {
            "metered.exception": "metered_billing.action_metered_exception",
            "metered.batch": "metered_billing.action_metered_batch",
            "metered.source": "metered_billing.action_metered_source",
        }[record._name]
        self.start_tour(f"/odoo/action-{action}/{record.id}", tour, login="doubting")
        record.invalidate_recordset()

    def test_it_is_a_different_call(self):
        self.import_calls(self.source, ("7", START, 60, *NUMBERS))
        batch = self.import_calls(self.source, ("7", START, 90, *NUMBERS))
        waiting = self.exceptions(batch)
        self.assertEqual((waiting.reason, batch.rated), ("same_id", 0))
        self.look_at(waiting, "metered_billing_different_call")
        self.assertEqual((waiting.state, batch.rated), ("resolved", 1))
        self.assertEqual(self.cdrs(batch).quantity, 90)

    def test_direction_words(self):
        batch = self.import_text(
            self.source,
            "call_id,start_time,duration,caller,callee,direction\n"
            f"1,{START},60,{','.join(NUMBERS)},Local\n",
        )
        self.assertEqual(self.exceptions(batch).reason, "unknown_direction")
        self.look_at(self.source, "metered_billing_direction_words")
        self.assertEqual(self.source._remembered_words(), {"local": "outbound"})
        self.assertEqual(self.cdrs(batch).direction, "outbound")

    def test_charged_twice(self):
        calls = [(str(n), f"2026-10-05 10:0{n}:00", 60, *NUMBERS) for n in range(2)]
        self.import_calls(self.source, *calls)
        batch = self.import_calls(self.make_source(name="Second Switch"), *calls)
        self.assertEqual((batch.rated, batch.elsewhere), (2, 2))
        self.look_at(batch, "metered_billing_charged_twice")
