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

    def test_what_is_invoiced(self):
        """Plans, prices, and another currency, from records to invoice lines."""
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": "2020-01-01", "rate": 0.7}
        )
        meter = self.make_meter("Texts", unit="texts")
        price = self.make_price(
            meter, (3, 0.0111), (0, 0.005), currency_id=euro.id, free_units=1
        )
        plan = self.env["metered.calling.plan"].create(
            {
                "name": "Plan",
                "allowance_ids": [
                    Command.create(
                        {
                            "name": "Minutes",
                            "unit": "minutes",
                            "amount": 15,
                            "overage": "own",
                            "overage_price": 0.0123,
                            "factor": 2,
                            "rollover_periods": 1,
                        }
                    ),
                    Command.create(
                        {"name": "Money", "sequence": 9, "unit": "money", "amount": 0.1}
                    ),
                ],
            }
        )
        product = self.env["product.product"].create(
            {"name": "Plan", "type": "service", "metered_plan_id": plan.id}
        )
        subscription = self.make_subscription(self.customer, "2026-03-01", "2026-04-01")
        subscription.sale_subscription_line_ids = [
            Command.create({"product_id": product.id, "product_uom_qty": 1}),
            Command.create(
                {"product_id": self.make_metered_product("Texts", price).id}
            ),
        ]
        self._import("plan")
        texts = self.make_source("usage", meter_id=meter.id)
        self.import_text(
            texts,
            "id,time,identifier,quantity\n"
            + "".join(
                f"t{day},2026-03-{day:02} 10:00:00,+12125550100,2\n"
                for day in range(1, 9)
            ),
        )
        subscription.generate_invoice()
        self.env.flush_all()
        found, report = self._tallies()
        for subject in ("calls", "plans", "billed periods", "invoice lines"):
            self.assertGreater(found[subject][0], 0, subject)
        self.assertEqual({of[1] for of in found.values()}, {0}, report)
        self.assertNotIn("left out: ", report.replace("0 left out", ""))
        with self.subTest("an invoice line that was changed"):
            line = subscription.invoice_ids.invoice_line_ids.filtered(
                "metered_price_id"
            )[:1]
            self.env.cr.execute(
                "UPDATE metered_usage SET amount = amount + 1"
                " WHERE id = (SELECT min(id) FROM metered_usage"
                " WHERE invoice_line_id = %s)",
                [line.id],
            )
            self.assertEqual(self._tallies()[0]["billed periods"][1], 1)

    def test_late_calls(self):
        """They take what the billed ones left of an allowance, whenever they were."""
        plan = self.env["metered.calling.plan"].create(
            {
                "name": "Plan",
                "allowance_ids": [
                    Command.create({"name": "A", "unit": "minutes", "amount": 75})
                ],
            }
        )
        product = self.env["product.product"].create(
            {"name": "Plan", "type": "service", "metered_plan_id": plan.id}
        )
        subscription = self.make_subscription(self.customer, "2026-03-01", "2026-04-01")
        subscription.sale_subscription_line_ids = [
            Command.create({"product_id": product.id, "product_uom_qty": 1})
        ]
        self._import("billed")
        subscription.generate_invoice()
        late = ("2026-03-02 06:00:00", 3000, "+12125550100", "+33123456789")
        self.import_calls(self.source, ("late", *late), ("later", *late), name="l.csv")
        self.env["metered.plan.mark"]._apply_plans()
        self.env.flush_all()
        found, report = self._tallies()
        self.assertEqual(found["plans"], [32, 0], report)
        taken = self.env["metered.cdr"].search([("call_id", "in", ["late", "later"])])
        self.assertTrue(any(taken.mapped("plan_taken")))

    def test_a_counter(self):
        """A register that goes over its last digit, with a factor that changes."""
        meter = self.make_meter(
            "Power", kind="counter", at_period_end="interpolate", digits=4, factor=1.5
        )
        source = self.make_source("usage", meter_id=meter.id)
        self.make_identifier(self.customer, "4711", kind="meter")
        self.customer.metered_tz = "Asia/Kolkata"
        self.import_text(
            source,
            "time,identifier,quantity,serial\n"
            "2026-03-01 07:00:00,4711,9990.5,4711\n"
            "2026-03-04 10:00:00,4711,9999,4711\n"
            "2026-03-09 11:11:11,4711,100.25,4711\n",
        )
        register = self.env["metered.register"].search([("serial", "=", "4711")])
        self.env["metered.register.factor"].create(
            {"register_id": register.id, "date_from": "2026-03-06", "factor": 2}
        )
        self.env["metered.register"]._book()
        self.env.flush_all()
        found, report = self._tallies()
        self.assertEqual(found["days of registers"], [9, 0], report)

    def test_a_fault_of_the_engine(self):
        """Half up that never rounds up."""
        wrong = {money.HALF_UP: lambda _quotient, rest, _denominator: rest < 0}
        with patch.dict(money._CARRIES, wrong):
            batch = self._import("wrong")
        found, report = self._tallies()
        self.assertGreater(found["calls"][1], 0)
        self.assertEqual(sum(found["calls"]), batch.rated)
        self.assertIn("rounded half_up to 4", report)
