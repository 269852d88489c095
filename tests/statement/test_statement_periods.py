# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Statements of a period: on demand, by the month, with or without an invoice."""

from decimal import Decimal

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user, tagged

from .test_statements import StatementCase


@tagged("post_install", "-at_install")
class TestStatementPeriods(StatementCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(
            cls.env, "operator", groups="metered_billing.group_metered_user"
        )

    def start(self, date_to="2026-10-31", date_from="2026-10-01"):
        """The statements that a user asks for, made."""
        user = self.user
        partner = self.customer.with_user(user)
        action = partner.action_metered_make_statement()
        wizard = (
            self.env[action["res_model"]]
            .with_user(user)
            .with_context(**action["context"])
            .create({"date_from": date_from, "date_to": date_to})
        )
        action = wizard.action_start()
        domain = action.get("domain") or [("id", "=", action["res_id"])]
        made = self.env["metered.statement"].search(domain)
        for statement in made:
            statement._process()
            self.assertEqual((statement.state, statement.error), ("done", False))
        return made

    def calls(self, *numbers):
        self.import_calls(
            self.source,
            *(
                (
                    f"{self.id()}-{number}",
                    f"2026-10-{number:02d} 10:00:00",
                    60 * number,
                    "+14045550101" if number % 2 else "+14045550100",
                    f"+1212555{number:04d}",
                )
                for number in numbers
            ),
        )

    def sentences(self, statement):
        return " ".join(statement._content().pages().closing)

    def test_open_usage(self):
        self.calls(1, 2, 3)
        statement = self.start()
        self.assertFalse(statement.invoice_id)
        rows = self.table(statement)
        self.assertEqual(len(rows), 3)
        charge = sum(Decimal(row["charge"]) for row in rows)
        self.assertEqual(charge, Decimal(repr(statement.usage_amount)))
        self.assertTrue(statement.adds_up)
        self.assertIn("Not invoiced yet", self.sentences(statement))
        titles = [one.title for one in statement._content().pages().sections]
        self.assertEqual(
            titles, ["Summary", "By Service", "+14045550100", "+14045550101"]
        )
        # Its invoice later charges the same, and another statement says so.
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.template_id.invoicing_mode = "invoice"
        self.renew_due()
        [invoice] = self.invoices(subscription)
        action = statement.action_make_again()
        again = statement.browse(action["res_id"])
        again._process()
        self.assertEqual((statement.is_current, again.is_current), (False, True))
        self.assertEqual(again.usage_amount, statement.usage_amount)
        self.assertNotIn("Not invoiced yet", self.sentences(again))
        summary = again._content().pages().sections[0]
        self.assertIn(invoice.name, summary.rows[0][0])
        self.assertTrue(again.adds_up)
        action = subscription.action_view_metered_statements()
        found = statement.search(action["domain"])
        self.assertEqual(found, statement + again)

    def test_nothing_to_pay(self):
        statement = self.start()
        self.assertEqual((statement.calls, statement.usage_amount), (0, 0))
        self.assertIn("Nothing to pay", self.sentences(statement))
        self.assertTrue(statement.adds_up)
        with self.assertRaisesRegex(UserError, "last day is before"):
            self.start(date_to="2026-09-30")

    def test_carried_forward(self):
        self.env["metered.invoice.floor"].create({"amount": 5.0})
        self.calls(1, 2, 3)
        subscription = self.make_subscription(
            self.customer, "2026-10-01", "2026-11-01", sale_subscription_line_ids=[]
        )
        subscription.template_id.invoicing_mode = "invoice"
        self.renew_due()
        self.assertFalse(self.invoices(subscription))
        statement = self.start()
        self.assertEqual(str(statement.carried_since), "2026-10-01")
        self.assertAlmostEqual(statement.carried_amount, statement.usage_amount, 2)
        self.assertRegex(
            self.sentences(statement), r"Carried forward: .*0\.20 since 10/01/2026\."
        )
        self.assertNotIn("Not invoiced yet", self.sentences(statement))
        # What is open beside it is told apart, in the summary and below: they add up.
        self.import_calls(
            self.source,
            ("after", "2026-11-05 10:00:00", 60, "+14045550100", "+12125550004"),
        )
        statement = self.start("2026-11-30")
        rows = statement._content().pages().sections[0].rows
        amounts = {row[0].split(", ")[1]: row[3] for row in rows}
        self.assertEqual(set(amounts), {"carried forward", "not invoiced yet"})
        self.assertEqual(amounts["not invoiced yet"], Decimal("0.0333"))
        self.assertEqual(sum(amounts.values()), Decimal(repr(statement.usage_amount)))
        self.assertRegex(self.sentences(statement), r"Not invoiced yet: .*0\.03\.")
        self.assertAlmostEqual(statement.carried_amount, 0.2)
        # Of earlier periods it says so, and has no row.
        statement = self.start("2026-11-30", "2026-11-01")
        self.assertIn("with usage of earlier periods", self.sentences(statement))
        [row] = statement._content().pages().sections[0].rows
        self.assertRegex(row[0], "not invoiced yet$")

        # What is given away is on no later invoice.
        subscription.metered_period_ids.action_waive()
        statement = self.start()
        self.assertFalse(statement.carried_amount)
        self.assertNotRegex(self.sentences(statement), "Not invoiced yet|Carried")
        summary = statement._content().pages().sections[0]
        self.assertRegex(summary.rows[0][0], "not billed$")
        self.assertTrue(statement.adds_up)

    def test_of_meters_at_their_price_so_far(self):
        meter = self.make_meter("Storage", unit="GB")
        product = self.make_metered_product("Storage", self.make_price(meter, (0, 0.5)))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.sale_subscription_line_ids = [
            Command.create({"product_id": product.id})
        ]
        self.use(meter, "2026-10-05", 3)
        statement = self.start()
        [line] = statement._content().lines
        self.assertEqual(line.charged, Decimal("1.5"))
        [row] = self.table(statement)
        self.assertEqual((row["call_type"], row["quantity"]), ("Storage", "3"))
        self.assertEqual(Decimal(row["charge"]), Decimal("1.5"))
        # What has no price is not said to be free.
        self.use(self.make_meter("Seats"), "2026-10-06", 2)
        statement = self.start()
        seats = self.table(statement)[0]
        self.assertEqual((seats["call_type"], seats["charge"]), ("Seats", ""))
        [line] = [one for one in statement._content().lines if "Seats" in one.title]
        self.assertIn("no price yet", line.title)

    def test_readings(self):
        meter = self.make_meter("Power", unit="kWh", kind="counter")
        register = self.env["metered.register"].create(
            {
                "meter_id": meter.id,
                "serial": "SN-1",
                "identifier_kind": "number",
                "identifier_value": "+14045550101",
            }
        )
        reading = {
            "serial": "SN-1",
            "from": "100.5",
            "from_time": "2026-10-01T00:00:00+00:00",
            "from_estimated": False,
            "to": "130.5",
            "to_time": "2026-10-31T12:00:00+00:00",
            "to_estimated": True,
        }
        self.use(meter, "2026-10-31", 30, properties=reading, register_id=register.id)
        statement = self.start()
        sections = {
            one.title: one.rows for one in statement._content().pages().sections
        }
        self.assertIn("Metered Consumption", sections)
        [row] = sections["Meter Readings"]
        self.assertEqual(row[1:4], ["SN-1", "100.5", "10/01/2026, read"])
        self.assertEqual(row[4:], ["130.5", "10/31/2026, estimated", 30, "kWh"])

    def test_once_a_month(self):
        self.company.metered_statement_monthly = "open"
        self.calls(5, 6)
        Statement = self.env["metered.statement"]
        mine = [("partner_id", "=", self.customer.id)]
        with freeze_time("2026-11-02 12:00:00"):
            Statement._cron_monthly()
        self.assertFalse(Statement.search(mine))
        for day in ("2026-11-03 12:00:00", "2026-11-04 12:00:00"):
            with freeze_time(day):
                Statement._cron_monthly()
        [statement] = Statement.search(mine)
        self.assertEqual(str(statement.date_from), "2026-10-01")
        self.assertEqual(str(statement.date_to), "2026-11-01")
        self.assertEqual(str(statement.last_day), "2026-10-31")
        self.assertEqual((statement.scope, statement.state), ("period", "queued"))
        with freeze_time("2026-12-03 12:00:00"):
            Statement._cron_monthly()
        self.assertEqual(len(Statement.search(mine)), 1)
        with self.assertRaisesRegex(ValidationError, "must be from 1 to 28"):
            self.company.metered_statement_day = 29
