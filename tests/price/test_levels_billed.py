# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Levels from the file to the invoice: what is held is billed, told again or not."""

from datetime import date

from psycopg2 import IntegrityError

from odoo import Command
from odoo.tests import tagged
from odoo.tools import html2plaintext, mute_logger

from ..billing.test_metered_invoice import MeteredInvoiceCase


@tagged("post_install", "-at_install")
class TestLevelsBilled(MeteredInvoiceCase):
    def set_up_level(self, aggregation, unit_price=12, **values):
        """A customer with a plan for a level, and the source of its samples."""
        name = f"Level {aggregation} {values.get('gap_policy')}"
        self.level = self.make_meter(
            name,
            kind="gauge",
            aggregation=aggregation,
            level_holds=True,
            unit="seats",
            **values,
        )
        price = self.make_price(
            self.level, unit_price=unit_price, charge_model="standard"
        )
        product = self.make_metered_product(name, price)
        partner = self.make_customer(name, tz="UTC")
        self.make_identifier(partner, name, kind="key")
        source = self.make_source("usage", name=name, meter_id=self.level.id)
        return source, partner, self.make_plan(product, partner=partner)

    def import_samples(self, source, partner, *samples):
        key = partner.metered_identifier_ids.value
        rows = [f"{at},{key},{value}" for at, value in samples]
        text = "\n".join(["time,identifier,quantity", *rows, ""])
        batch = self.import_text(source, text, name=f"{samples[0][0][:10]}.csv")
        self.assertEqual(batch.rated, len(samples))
        return batch

    def charged(self, invoice):
        """(what each line of usage is charged)"""
        self.assert_lines_are_their_usage(invoice)
        lines = invoice.invoice_line_ids.filtered("metered_price_id").sorted("id")
        return lines.mapped("price_subtotal")

    def test_seats_that_nobody_reports_again_are_billed_again(self):
        source, partner, plan = self.set_up_level("max")
        self.import_samples(
            source, partner, ("2026-10-03 09:00:00", 10), ("2026-10-20 09:00:00", 7)
        )
        self.assertEqual(self.charged(self.renew(plan)), [120])
        # November has no sample: 7 seats from October.
        self.assertEqual(self.charged(self.renew(plan)), [84])
        self.import_samples(source, partner, ("2026-12-31 12:00:00", 30))
        december = self.renew(plan)
        self.assertEqual(self.charged(december), [360])
        line = december.invoice_line_ids.filtered("metered_price_id")
        self.assertIn("30, first reached on", html2plaintext(line.metered_explanation))

    def test_time_average(self):
        """20 of 31 days with 31, and the rest with 62."""
        source, partner, plan = self.set_up_level("time_average")
        self.import_samples(
            source, partner, ("2026-09-30 12:00:00", 31), ("2026-10-21 00:00:00", 62)
        )
        # September had half a day of them, in 30.
        october = (20 + 2 * 11) * 12
        self.assertEqual(sorted(self.charged(self.renew(plan))), [6.2, october])
        self.assertEqual(self.charged(self.renew(plan)), [62 * 12])

    def test_percentile(self):
        source, partner, plan = self.set_up_level("percentile", unit_price=1)
        # 36 of 744 hours are below 5 %; 40 are not
        self.import_samples(
            source,
            partner,
            ("2026-10-01 00:00:00", 3),
            ("2026-10-10 00:00:00", 90),
            ("2026-10-11 12:00:00", 3),
        )
        self.assertEqual(self.charged(self.renew(plan)), [3])
        self.import_samples(
            source, partner, ("2026-11-10 00:00:00", 90), ("2026-11-11 16:00:00", 4)
        )
        self.assertEqual(self.charged(self.renew(plan)), [90])

    def test_late_sample_reaches_into_the_following_periods(self):
        source, partner, plan = self.set_up_level("last", unit_price=1)
        self.import_samples(source, partner, ("2026-10-03 09:00:00", 10))
        self.assertEqual(self.charged(self.renew(plan)), [10])
        self.assertEqual(self.charged(self.renew(plan)), [10])
        # It came in December: from October 20 on there were 15.
        self.import_samples(source, partner, ("2026-10-20 09:00:00", 15))
        self.assertEqual(sorted(self.charged(self.renew(plan))), [5, 5, 15])
        self.assertEqual(self.charged(self.renew(plan)), [15])

    def test_undone_import_is_no_level(self):
        source, partner, plan = self.set_up_level("last", unit_price=1)
        self.import_samples(source, partner, ("2026-10-03 09:00:00", 10))
        wrong = self.import_samples(source, partner, ("2026-10-04 09:00:00", 1000))
        wrong.action_undo()
        self.assertEqual(self.charged(self.renew(plan)), [10])

    def test_gap(self):
        """A day of 31 reported, in a month of 31 days."""
        for policy, expected in (("hold", 31), ("zero", 1), ("leave_out", 31)):
            with self.subTest(policy):
                source, partner, plan = self.set_up_level(
                    "time_average",
                    unit_price=1,
                    most_hours_held=24,
                    gap_policy=policy,
                )
                self.import_samples(source, partner, ("2026-10-01 00:00:00", 31))
                invoice = self.renew(plan)
                self.assertEqual(self.charged(invoice), [expected])
                line = invoice.invoice_line_ids.filtered("metered_price_id")
                text = html2plaintext(line.metered_explanation)
                self.assertIn("720 hours without a sample", text)

    def test_levels_of_devices_and_contacts_add_up(self):
        source, partner, plan = self.set_up_level(
            "max", unit_price=1, level_property="device"
        )
        contact = self.make_customer("Branch", parent_id=partner.id, tz="UTC")
        self.make_identifier(contact, "branch", kind="key")
        key = partner.metered_identifier_ids.value
        rows = [
            f'2026-10-02 10:00:00,{key},4,"{{""device"": ""a""}}"',
            f'2026-10-03 10:00:00,{key},5,"{{""device"": ""b""}}"',
            f'2026-10-04 10:00:00,{key},1,"{{""device"": ""a""}}"',
            "2026-10-05 10:00:00,branch,20,",
        ]
        text = "\n".join(["time,identifier,quantity,properties", *rows, ""])
        self.assertEqual(self.import_text(source, text).rated, 4)
        # a: 4, 1; b: 5; branch: 20
        self.assertEqual(self.charged(self.renew(plan)), [26])
        self.assertEqual(self.charged(self.renew(plan)), [26])

    def test_period_is_the_customers(self):
        """Midnight in New York, in a month with an hour more (November 1)."""
        source, partner, plan = self.set_up_level("time_average", unit_price=1)
        partner.tz = partner.metered_tz = "America/New_York"
        source.timezone = "UTC"
        self.import_samples(
            source, partner, ("2026-10-01 04:00:00", 1), ("2026-11-01 04:00:00", 721)
        )
        self.assertEqual(self.charged(self.renew(plan)), [1])
        self.import_samples(source, partner, ("2026-12-01 04:00:00", 0))
        # 23:00 on November 30: for 720 of the month's 721 hours there were 721.
        self.assertEqual(self.charged(self.renew(plan)), [720])

    def test_two_subscriptions_bill_a_level_once(self):
        source, partner, plan = self.set_up_level("max", unit_price=1)
        self.import_samples(source, partner, ("2026-10-03 09:00:00", 10))
        product = plan._metered_lines().product_id
        other = self.make_plan(product, partner=partner)
        self.assertEqual(self.charged(self.renew(plan)), [10])
        self.assertEqual(self.charged(self.renew(other)), [])
        self.assertEqual(self.charged(self.renew(plan)), [10])
        self.assertEqual(self.charged(self.renew(other)), [])

    def test_what_is_not_invoiced_yet(self):
        source, partner, _plan = self.set_up_level("max", unit_price=1)
        self.import_samples(source, partner, ("2026-10-03 09:00:00", 10))
        [found] = self.usage(partner)._price_meters(
            self.company, date(2026, 10, 1), date(2026, 11, 1)
        )
        self.assertEqual(found.priced.amount, 10)


@tagged("post_install", "-at_install")
class TestCallsAtOnce(MeteredInvoiceCase):
    """Channels: the most calls at one time, from the calls themselves."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.phones = cls.make_customer("Phones", "+14045550100", tz="UTC")
        cls.switch = cls.make_source(name="Switch")

    def set_up_channels(self, source="calls", aggregation="max"):
        channels = self.make_meter(
            "Channels",
            kind="gauge",
            aggregation=aggregation,
            level_source=source,
            unit="channels",
        )
        price = self.make_price(channels, unit_price=4, charge_model="standard")
        price.free_units = 1
        product = self.make_metered_product("Channels", price)
        return self.make_plan(product, partner=self.phones)

    def import_at(self, *times, callee="+12125550199"):
        return self.import_calls(
            self.switch,
            *((f"{time}-{callee}", time, 60, "+14045550100", callee) for time in times),
        )

    def channels(self, invoice):
        lines = invoice.invoice_line_ids.filtered("metered_price_id")
        return lines.sorted("id").mapped("price_subtotal")

    def test_most_calls_at_one_time(self):
        plan = self.set_up_channels()
        self.import_at(
            "2026-10-05 10:00:00",
            "2026-10-05 10:00:30",
            "2026-10-05 10:00:59",
            # when the first one has just ended
            "2026-10-05 10:01:00",
        )
        invoice = self.renew(plan)
        self.assertEqual(self.channels(invoice), [8])
        line = invoice.invoice_line_ids.filtered("metered_price_id")
        explained = html2plaintext(line.metered_explanation)
        self.assertIn("3, first reached on 10/05/2026 10:00:59 AM", explained)
        # November is quiet: nothing is owed, and nothing is given back.
        self.assertEqual(self.channels(self.renew(plan)), [])

    def test_calls_across_midnight_of_the_period(self):
        plan = self.set_up_channels()
        self.import_at("2026-10-31 23:59:30", "2026-10-31 23:59:40")
        self.assertEqual(self.channels(self.renew(plan)), [4])
        self.assertEqual(self.channels(self.renew(plan)), [4])

    def test_late_calls_raise_the_peak_of_their_period(self):
        plan = self.set_up_channels()
        self.import_at("2026-10-05 10:00:00", "2026-10-05 10:00:30")
        self.assertEqual(self.channels(self.renew(plan)), [4])
        self.env.cr.execute("UPDATE metered_period SET create_date = '2026-11-01'")
        self.env.invalidate_all()
        late = self.import_at("2026-10-05 10:00:10", "2026-10-05 10:00:20")
        self.assertEqual(self.channels(self.renew(plan)), [8])
        self.assertTrue(late)
        # Looked at again, and nothing more is owed.
        self.assertEqual(self.channels(self.renew(plan)), [])

    def import_legs(self, *legs):
        """Legs of calls of a minute each: (begin, which call)."""
        rows = [
            f"{at}-{call},{at},60,+14045550100,+12125550199,{call}" for at, call in legs
        ]
        header = "call_id,start_time,duration,caller,callee,linked_id"
        return self.import_text(self.switch, "\n".join([header, *rows, ""]))

    def test_legs_of_a_call_count_once(self):
        plan = self.set_up_channels()
        self.import_legs(
            ("2026-10-05 10:00:00", "x"),
            ("2026-10-05 10:00:20", "x"),
            ("2026-10-05 10:00:30", "y"),
        )
        # one that does not tell its call is one of its own
        wrong = self.import_legs(("2026-10-05 10:00:35", ""))
        wrong.action_undo()
        # two calls, of which one is free
        self.assertEqual(self.channels(self.renew(plan)), [4])
        self.env.cr.execute("UPDATE metered_period SET create_date = '2026-11-01'")
        self.env.invalidate_all()
        self.import_legs(("2026-10-05 10:00:40", "y"))
        self.assertEqual(self.channels(self.renew(plan)), [])
        self.import_legs(("2026-10-05 10:00:45", ""))
        self.assertEqual(self.channels(self.renew(plan)), [4])

    def test_a_line_that_is_added_charges_no_past_period(self):
        plan = self.set_up_channels()
        [line] = plan._metered_lines()
        product = line.product_id
        line.unlink()
        self.import_at("2026-10-05 10:00:00", "2026-10-05 10:00:30")
        self.import_at("2026-11-05 10:00:00", "2026-11-05 10:00:30")
        self.renew(plan)
        plan.sale_subscription_line_ids = [Command.create({"product_id": product.id})]
        self.env.cr.execute("UPDATE metered_period SET create_date = '2026-11-01'")
        self.env.invalidate_all()
        self.assertEqual(self.channels(self.renew(plan)), [4])

    def test_two_subscriptions_bill_calls_once(self):
        plan = self.set_up_channels()
        other = self.make_plan(plan._metered_lines().product_id, partner=self.phones)
        self.import_at("2026-10-05 10:00:00", "2026-10-05 10:00:30")
        self.assertEqual(self.channels(self.renew(plan)), [4])
        self.assertEqual(self.channels(self.renew(other)), [])

    def test_a_trunk_with_a_subscription_of_its_own(self):
        """Its calls are its subscription's, and no one else's."""
        plan = self.set_up_channels()
        trunk = self.make_plan(plan._metered_lines().product_id, partner=self.phones)
        identifier = self.make_identifier(self.phones, "+14045550111")
        identifier.subscription_id = trunk
        self.import_at("2026-10-05 10:00:00", "2026-10-05 10:00:30")
        self.import_calls(
            self.switch,
            *(
                (f"t{at}", f"2026-10-05 10:00:{at}", 60, "+14045550111", "+12125550199")
                for at in (10, 20, 40)
            ),
        )
        self.assertEqual(self.channels(self.renew(plan)), [4])
        self.assertEqual(self.channels(self.renew(trunk)), [8])

    def test_calls_that_are_not_charged(self):
        free = self.set_up_channels()
        calls = ("2026-10-05 10:00:00", "2026-10-05 10:00:30")
        self.import_at(*calls)
        self.import_at(*calls, callee="+18005550199")
        cdrs = self.env["metered.cdr"].search([("partner_id", "=", self.phones.id)])
        charged = len(cdrs.filtered("usage_id"))
        self.assertEqual(len(cdrs), 4)
        self.assertEqual(self.channels(self.renew(free)), [12])
        meter = free._metered_lines().metered_meter_id
        meter.level_source = "charged_calls"
        self.assertEqual(self.channels(self.renew(free)), [])
        self.assertLessEqual(charged, 4)

    def test_calls_are_a_level(self):
        with (
            self.assertRaisesRegex(IntegrityError, "calls_are_a_level"),
            mute_logger("odoo.sql_db"),
        ):
            self.set_up_channels(aggregation="sum")
