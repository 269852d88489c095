# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The audit of a database: calls with all that decks can say, and a planted fault."""

from unittest.mock import patch

from odoo import Command

from odoo.addons.metered_billing.audit.run import audit
from odoo.addons.metered_billing.rating import money
from odoo.addons.metered_billing.tests.support.metered_case import MeteredCase


class TestAudit(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.deck.write(
            {"timezone": "America/New_York", "decimals": 4, "crossing": "split"}
        )
        peak = cls.env["metered.time.band"].create(
            {
                "name": "Peak",
                "slot_ids": [
                    Command.create(
                        {
                            **dict.fromkeys(("monday", "tuesday", "wednesday"), True),
                            "hour_from": 8,
                            "hour_to": 18,
                        }
                    )
                ],
            }
        )
        holiday = cls.env["metered.holiday"].create(
            {"name": "Day off", "date": "2026-03-03"}
        )
        cls.deck.holiday_ids = holiday
        benelux = cls.env["metered.destination"].create(
            {"name": "Benelux", "prefixes": "31, 32 352"}
        )
        cls.make_rate(cls.deck, "", 0.0777, band_id=peak.id, increment=6)
        cls.make_rate(cls.deck, "44", 0.05, connection_fee=0.01, min_charge=0.02)
        cls.make_rate(
            cls.deck, "", 0.0333, destination_id=benelux.id, initial_increment=60
        )
        cls.make_rate(cls.deck, "49", 0.011, date_to="2026-03-03", grace_seconds=6)
        cls.make_rate(cls.deck, "49", 0.023, date_from="2026-03-03")
        premium = cls.make_rate(
            cls.deck, "43", 1.2, has_max_charge=True, max_charge=3, increment=60
        )
        premium.tier_ids = [
            Command.create(
                {"from_second": 60, "price": 2.4, "per_seconds": 60, "increment": 7}
            )
        ]
        cls.customer = cls.make_customer("Ann", "+12125550100")
        own = cls.make_deck("Own", decimals=2, rounding="up")
        cls.make_rate(own, "81", 0.123456)
        cls.customer.metered_deck_id = own
        cls.source = cls.make_source()

    NUMBERS = (
        ("+4420712345678", 17),
        ("+31201234567", 61),
        ("+352123456", 59),
        ("+4930123456", 5),
        ("+4930123456", 77),
        ("+43123456789", 131),
        ("+43123456789", 500),
        ("+81312345678", 31),
        ("+33123456789", 333),
        ("+12125550199", 0),
    )
    #: Eastern time: peak ends in some of them; the first of March 3, a holiday
    STARTS = ("2026-03-02 12:59:00", "2026-03-02 22:58:00", "2026-03-03 05:00:00")

    def _import(self, name):
        calls = [
            (f"{name}-{at}-{place}", start, seconds, "+12125550100", number)
            for at, start in enumerate(self.STARTS)
            for place, (number, seconds) in enumerate(self.NUMBERS)
        ]
        batch = self.import_calls(self.source, *calls, name=f"{name}.csv")
        self.assertEqual(batch.rated, len(calls), self.exceptions(batch))
        self.env.flush_all()
        return batch

    def _tallies(self):
        findings = audit(self.env.cr, companies=[self.company.id])
        found = {}
        for (_company, subject, _meter), tally in findings.tallies.items():
            sums = found.setdefault(subject, [0, 0])
            sums[0] += tally.equal
            sums[1] += tally.different
        return found, "\n".join(findings.lines())

    def test_calls(self):
        batch = self._import("right")
        found, report = self._tallies()
        self.assertEqual(found["calls"], [batch.rated, 0], report)
        self.assertEqual(found["usage"][1], 0, report)
        rates = self.env["metered.cdr"].search([("batch_id", "=", batch.id)]).rate_id
        self.assertEqual(len(rates), 8, "Each of them is used")
        # A call may be read with another rate only where something was changed.
        cdr = self.env["metered.cdr"].search([("callee", "=like", "+43%")], limit=1)
        with self.subTest("a byte that was changed in the table"):
            self.env.cr.execute(
                "UPDATE metered_cdr SET charge = charge + 0.0001 WHERE id = %s",
                [cdr.id],
            )
            found, report = self._tallies()
            self.assertEqual(found["calls"], [batch.rated - 1, 1])
            self.assertIn(f"DIFFERS call {cdr.id}", report)

    def test_a_fault_of_the_engine(self):
        """Half up that never rounds up."""
        wrong = {money.HALF_UP: lambda _quotient, rest, _denominator: rest < 0}
        with patch.dict(money._CARRIES, wrong):
            batch = self._import("wrong")
        found, report = self._tallies()
        self.assertGreater(found["calls"][1], 0)
        self.assertEqual(sum(found["calls"]), batch.rated)
        self.assertIn("rounded half_up to 4", report)
