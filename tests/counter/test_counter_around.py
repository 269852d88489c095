# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Counters and everything around them: order, rights, what is priced again."""

import random
from decimal import Decimal

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import html2plaintext

from .test_counter_readings import CounterCase


@tagged("post_install", "-at_install")
class TestCounterAround(CounterCase):
    def test_any_order_and_portions(self):
        """Files in any order, cut in any way, partly twice: the same usage."""
        self.meter.write({"digits": 5, "at_period_end": "interpolate"})
        generator = random.Random(4711)
        wanted = None
        for turn in range(4):
            serial = f"S{turn}"
            partner = self.make_customer(serial)
            self.make_identifier(partner, serial, kind="meter")
            value, rows = 99_000, []
            fixed = random.Random(17)
            for day in range(1, 29, 3):
                value = (value + fixed.randint(0, 900)) % 100_000
                hour, estimated = fixed.randint(0, 23), day % 9 == 4
                rows.append(
                    f"2026-10-{day:02} {hour:02}:00:00,{serial},{value},,"
                    f"{'e' if estimated else ''},\n"
                )
            last = rows[-1]
            if turn:
                generator.shuffle(rows)
            while rows:
                size = generator.randint(1, len(rows)) if turn else len(rows)
                some, rows = rows[:size], rows[size:]
                text = "time,identifier,quantity,serial,estimated,reading_kind\n"
                again = [last] if last in some else []
                self.import_text(
                    self.source,
                    text + "".join(some + again),
                    name=f"{serial} {len(rows)}.csv",
                )
            found = self.by_day(partner)
            wanted = wanted or found
            self.assertEqual(found, wanted)
        self.assertGreater(sum(wanted.values()), 1000)
        self.assert_usage_is_its_records()

    def test_what_came_between_tries_again(self):
        """A reading that seemed to go back waits for the one that explains it."""
        self.take(("2026-10-01 10:00:00", 500))
        batch = self.take(("2026-10-20 10:00:00", 10))
        self.assertEqual(self.exceptions(batch).reason, "negative_increase")
        self.take(("2026-10-10 10:00:00", 3, "", "", "opening"))
        self.env["metered.exception.job"].search([])._process()
        self.assertEqual(self.exceptions(batch).state, "resolved")
        self.assertEqual(self.by_day(), {"2026-10-20": 7})

    def test_corrected_by_hand_in_the_exception(self):
        self.take(("2026-10-01 10:00:00", 500))
        batch = self.take(("2026-10-20 10:00:00", 51))
        exception = self.exceptions(batch)
        self.env["metered.exception.job"]._start(
            "correct",
            {"ids": exception.ids},
            {"changes": [{"column": "quantity", "replace": "510"}]},
        )
        self.assertEqual(exception.state, "resolved")
        self.assertEqual(self.by_day(), {"2026-10-20": 10})

    def test_rights(self):
        """A Biller enters and corrects readings; others do not."""
        self.take(("2026-10-01 10:00:00", 100))
        biller = new_test_user(
            self.env, "biller", groups="metered_billing.group_metered_user"
        )
        nobody = new_test_user(self.env, "nobody", groups="base.group_user")
        readings = self.env["metered.reading"]
        values = {
            "register_id": self.register().id,
            "time": "2026-10-31 10:00:00",
            "value": 130,
        }
        with self.assertRaises(AccessError):
            readings.with_user(nobody).create(values)
        reading = readings.with_user(biller).create(values)
        reading.value = 140
        self.settle()
        self.assertEqual(self.used(), 40)
        with self.assertRaises(AccessError):
            reading.batch_id = self.batches()[:1]
        imported = self.register().reading_ids - reading.sudo()
        with self.assertRaises(UserError):
            imported.with_user(self.env.ref("base.user_admin")).unlink()
        dialog = self.env["metered.meter.replace"].with_user(biller)
        dialog = dialog.with_context(default_register_id=self.register().id).create(
            {
                "time": "2026-11-10 10:00:00",
                "old_value": 150,
                "serial": "N",
            }
        )
        dialog.action_replace()
        self.settle()
        self.assertEqual(self.used(), 50)

    def test_corrections_are_told(self):
        tracking = self.env["metered.reading"].with_context(tracking_disable=False)
        self.take(("2026-10-01 10:00:00", 100))
        reading = tracking.browse(self.register().reading_ids.id)
        reading.value = 90
        self.flush_tracking()
        told = reading.message_ids.tracking_value_ids
        self.assertEqual(
            [(one.old_value_float, one.new_value_float) for one in told], [(100, 90)]
        )

    def flush_tracking(self):
        self.env.flush_all()
        self.env.cr.flush()

    def test_explained(self):
        batch = self.take(("2026-10-01 10:00:00", 100), ("2026-10-31 10:00:00", 130))
        usage = self.usage(self.customer)
        line = "4711: 100 (10/01/2026, read) → 130 (10/31/2026, read)"
        self.assertEqual(usage.readings, line)
        record = self.env["metered.cdr"].search([("usage_id", "=", usage.id)])
        self.assertIn(line, html2plaintext(record._explain()))
        told = html2plaintext(self.cdrs(batch)[0]._explain())
        self.assertIn("the value the counter showed", told)
        self.assertNotIn("not charged", told)

    def test_an_identifier_of_one_source_keeps_its_register(self):
        """The increase since the reading before is not lost by that."""
        self.take(("2026-10-01 10:00:00", 100))
        identifier = self.env["metered.identifier"].search([("value", "=", "4711")])
        identifier.source_id = self.source
        self.take(("2026-10-31 10:00:00", 130))
        identifier.kind = "device"
        self.take(("2026-11-10 10:00:00", 135))
        self.assertEqual(len(self.register()), 1)
        self.assertEqual(self.used(), 35)

    def test_another_value_is_asked(self):
        """It may be a correction, or another device: neither loses the increase."""
        self.take(("2026-10-01 10:00:00", 100))
        identifier = self.env["metered.identifier"].search([("value", "=", "4711")])
        with self.assertRaisesRegex(UserError, "Replace Meter"):
            identifier.value = "4712"
        register = self.register()
        register.write({"identifier_value": "4712", "serial": "4712"})
        identifier.value = "4712"
        text = "time,identifier,quantity\n2026-10-31 10:00:00,4712,130\n"
        self.import_text(self.source, text)
        self.assertEqual(len(register.reading_ids), 2)
        self.assertEqual(self.used(), 30)

    def test_so_far(self):
        self.make_plan()
        self.take(("2026-10-01 10:00:00", 100), ("2026-10-31 10:00:00", 130))
        self.assertEqual(self.usage(self.customer).so_far, "$\N{NO-BREAK SPACE}15.00")

    def test_priced_again(self):
        """A dearer price from before: the invoiced period's difference is found."""
        plan = self.make_plan()
        self.take(("2026-10-01 10:00:00", 100), ("2026-10-31 10:00:00", 200))
        invoice = plan._metered_renew()
        invoice.action_post()
        self.price.with_context(metered_golden_reason="test").unit_price = 0.6
        run = self.env["metered.rerate"].create(
            {"scope": "invoiced", "company_id": self.company.id}
        )
        run._enqueue()
        run._process()
        self.assertEqual(sum(run.line_ids.mapped("difference")), 10)

    def test_all_that_is_taken_back(self):
        """What is more than an invoice charges waits for the next one."""
        plan = self.make_plan()
        plan.sale_subscription_line_ids.filtered(
            lambda line: not line.product_id.metered_meter_id
        ).unlink()
        self.take(("2026-10-01 10:00:00", 1000), ("2026-10-31 10:00:00", 1100, "", "e"))
        plan._metered_renew().action_post()
        self.take(("2026-11-30 10:00:00", 1080))
        self.assertFalse(plan._metered_renew())
        self.assertEqual(self.used(open=True), -20)
        self.assertEqual(sum(self.usage(self.customer).mapped("amount")), 50)
        self.take(("2026-12-30 10:00:00", 1140))
        invoice = plan._metered_renew()
        self.assertEqual([amount for _name, amount in self.lines(invoice)], [-10, 30])
        invoice.action_post()
        self.assertEqual(self.used(), 140)

    def test_moved_out_bills_its_own_end(self):
        """Whoever moved out is billed to that day, and no further."""
        self.meter.at_period_end = "interpolate"
        plan = self.make_plan()
        self.take(("2026-10-01 00:00:00", 0), ("2026-10-11 00:00:00", 100))
        identifier = self.env["metered.identifier"].search([("value", "=", "4711")])
        identifier.date_to = "2026-10-21 00:00:00"
        self.settle()
        self.assertEqual(self.lines(plan._metered_renew())[0][1], 100)

    def test_a_factor_has_nine_decimals(self):
        self.take(("2026-10-01 10:00:00", 100))
        for factor in (0, -1, 1e-10):
            with self.assertRaises(UserError):
                self.register().factor_ids = [Command.create({"factor": factor})]

    def test_the_meter_stays_a_counter(self):
        self.take(("2026-10-01 10:00:00", 100))
        with self.assertRaises(UserError):
            self.meter.kind = "event"

    def test_tiers_over_what_came_late(self):
        """The period is priced as a whole, with what came after its invoice."""
        self.price.write(
            {
                "charge_model": "graduated",
                "tier_ids": [
                    Command.create({"up_to": 100, "unit_price": 1}),
                    Command.create({"up_to": 0, "unit_price": 0.1}),
                ],
            }
        )
        plan = self.make_plan()
        self.take(("2026-10-01 10:00:00", 0), ("2026-10-20 10:00:00", 90))
        self.assertEqual(self.lines(plan._metered_renew())[0][1], 90)
        self.take(("2026-10-31 10:00:00", 190))
        lines = self.lines(plan._metered_renew())
        self.assertEqual([amount for _name, amount in lines], [19])
        self.assertEqual(self.used(), Decimal(190))
