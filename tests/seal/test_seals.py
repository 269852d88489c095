# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Seals: what changed with a reason says it, and what was changed is named."""

from datetime import date
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from ...models.seal import metered_seal
from ...models.seal.metered_seal_making import _slice
from ...stored.thin_samples import thin
from ..retention.test_retention import RetentionCase
from ..statement.test_statements import StatementCase
from ..support.seal_case import SealMakers


@tagged("post_install", "-at_install")
class TestSeals(SealMakers, StatementCase):
    def sealed(self):
        """A posted invoice of seven days of calls, all of it sealed."""
        invoice = self.invoice()
        self.seal()
        return invoice

    def verify(self):
        """What a verification finds: list of (what, number of the seal)."""
        answer = self.seals.verify()
        self.assertEqual(answer["ok"], not answer["findings"])
        return [
            (one["what"], one["day"] or one["invoice"]) for one in answer["findings"]
        ]

    def change(self, query, *values):
        """Change rows as somebody does who owns the database."""
        self.env.flush_all()
        self.env.cr.execute(query, values)
        self.assertTrue(self.env.cr.rowcount)
        self.env.invalidate_all()

    def a_call(self, invoice):
        return self.env["metered.cdr"].search(
            [("usage_id.invoice_line_id.move_id", "=", invoice.id)], limit=1
        )

    def test_days_and_the_invoice(self):
        invoice = self.sealed()
        days = self.seals.search([("kind", "=", "day")], order="day")
        self.assertEqual(days.mapped("records"), [1] * 7)
        self.assertEqual(set(days.mapped("reason")), {"closed"})
        [of_invoice] = self.seals.search([("kind", "=", "invoice")])
        self.assertEqual(of_invoice.records, 7)
        self.assertEqual(
            (of_invoice.invoice_id, of_invoice.invoice_name), (invoice, invoice.name)
        )
        self.assertIn("7 records", of_invoice.sums_text)
        self.assertEqual(self.company.metered_seal_count, 8)
        self.assertEqual(
            self.company.metered_seal_head, self.seals.search([], limit=1).seal
        )
        self.assertEqual(self.verify(), [])
        # A second run has nothing to seal.
        self.seal()
        self.assertEqual(self.seals.search_count([]), 8)

    def test_any_byte_of_a_record(self):
        invoice = self.sealed()
        call = self.a_call(invoice)
        day = call.usage_id.day.isoformat()
        found = [("differs", day), ("differs", invoice.name)]
        for column, value in (
            ("charge", "charge + 0.000001"),
            ("callee", "callee || '1'"),
            ("caller", "NULL"),
            ("quantity", "quantity + 1"),
            ("billed_quantity", "billed_quantity + 1"),
            ("start_time", "start_time + interval '1 microsecond'"),
            ("duration", "duration + 1"),
            ("direction", "'inbound'"),
            ("rate_id", "NULL"),
            ("destination_id", "destination_id + 1000000"),
            ("properties", "jsonb_build_object('device', 'other')"),
        ):
            with self.subTest(column=column), self.env.cr.savepoint() as savepoint:
                self.change(
                    f"UPDATE metered_cdr SET {column} = {value} WHERE id = %s",
                    call.id,
                )
                self.assertEqual(self.verify(), found)
                savepoint.rollback()
                self.env.invalidate_all()
        self.assertEqual(self.verify(), [])

    def test_usage_and_the_lines_of_the_invoice(self):
        invoice = self.sealed()
        usage = self.a_call(invoice).usage_id
        day = usage.day.isoformat()
        line = usage.invoice_line_id
        for query, key, found in (
            (
                "UPDATE metered_usage SET amount = amount + 1 WHERE id = %s",
                usage.id,
                [("differs", day), ("differs", invoice.name)],
            ),
            (
                "UPDATE metered_usage SET currency_id = currency_id + 1 WHERE id = %s",
                usage.id,
                [("differs", day), ("differs", invoice.name)],
            ),
            (
                "UPDATE metered_usage SET billed_quantity = 1 WHERE id = %s",
                usage.id,
                [("differs", day), ("differs", invoice.name)],
            ),
            (
                "UPDATE metered_usage SET invoice_line_id = NULL WHERE id = %s",
                usage.id,
                [("differs", invoice.name)],
            ),
            (
                "UPDATE account_move_line SET price_subtotal = price_subtotal + 1"
                " WHERE id = %s",
                line.id,
                [("differs", invoice.name)],
            ),
            (
                "DELETE FROM metered_cdr WHERE usage_id = %s",
                usage.id,
                [("differs", day), ("differs", invoice.name)],
            ),
        ):
            with self.subTest(query=query), self.env.cr.savepoint() as savepoint:
                self.change(query, key)
                self.assertEqual(self.verify(), found)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_late_records_say_why(self):
        self.sealed()
        late = ("late", "2026-10-03 11:00:00", 60, "+14045550100", "+12125550000")
        batch = self.import_calls(self.source, late)
        answer = self.seals.verify()
        self.assertEqual((answer["ok"], answer["waiting"]), (True, 1))
        self.seal()
        latest = self.seals.search([], limit=1)
        self.assertEqual((latest.reason, latest.records), ("imported", 2))
        self.assertEqual(fields.Date.to_string(latest.day), "2026-10-03")
        self.assertIn(str(batch.id), latest.about)
        answer = self.seals.verify()
        self.assertEqual((answer["ok"], answer["waiting"]), (True, 0))
        # Taken back, it is as it was, and that is a change as well.
        batch.action_undo()
        self.seal()
        latest = self.seals.search([], limit=1)
        self.assertEqual((latest.reason, latest.records), ("undone", 1))
        self.assertEqual(self.verify(), [])

    def test_records_that_come_while_their_day_is_sealed(self):
        """Who stores them does not see yet how far usage is sealed."""
        self.sealed()
        until = self.company.metered_sealed_until
        query = "UPDATE res_company SET metered_sealed_until = %s WHERE id = %s"
        self.change(query, "2026-10-02", self.company.id)
        late = ("late", "2026-10-03 11:00:00", 60, "+14045550100", "+12125550000")
        self.import_calls(self.source, late)
        self.change(query, until, self.company.id)
        answer = self.seals.verify()
        self.assertEqual((answer["ok"], answer["waiting"]), (True, 1))
        self.seal()
        self.assertEqual(self.seals.search([], limit=1).reason, "imported")

    def test_an_invoice_that_was_deleted(self):
        invoice = self.sealed()
        name = invoice.name
        invoice.with_context(force_delete=True).unlink()
        self.assertIn(("differs", name), self.verify())
        finding = self.env["metered.seal.finding"].search([("invoice_name", "=", name)])
        self.assertFalse(finding.invoice_id)

    def test_an_invoice_of_usage_without_records(self):
        invoice = self.sealed()
        invoice.button_draft()
        self.seal()
        self.change(
            "UPDATE metered_usage SET records = 0 WHERE invoice_line_id = ANY(%s)",
            invoice.invoice_line_ids.ids,
        )
        invoice.action_post()
        self.seal()
        self.assertEqual(self.seals.search([], limit=1).reason, "posted")

    def test_an_invoice_with_another_number(self):
        invoice = self.sealed()
        invoice.name += "7"
        self.assertEqual(self.verify(), [])
        self.seal()
        latest = self.seals.search([], limit=1)
        self.assertEqual(
            (latest.reason, latest.invoice_name), ("renumbered", invoice.name)
        )
        self.assertEqual(self.verify(), [])
        # What a line is booked on is no matter of usage.
        lines = invoice.invoice_line_ids.filtered("metered_usage_ids")
        lines[0].account_id = lines[0].account_id.copy({"code": "404040"})
        self.assertEqual(self.verify(), [])

    def test_merged_payers(self):
        """The usage is somebody else's, and stays as it is."""
        invoice = self.invoice()
        payer, other = self.make_customer("Payer"), self.make_customer("Other")
        self.change(
            "UPDATE account_move SET partner_id = %s WHERE id = %s",
            payer.id,
            invoice.id,
        )
        self.seal()
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._merge([payer.id, other.id], other)
        self.assertEqual(invoice.partner_id, other)
        self.assertEqual(self.verify(), [])
        self.seal()
        self.assertEqual(self.seals.search([], limit=1).reason, "merged")

    def test_thinned_samples(self):
        meter = self.make_meter("Seats", kind="gauge", aggregation="max")
        source = self.make_source("usage", name="Seats", meter_id=meter.id)
        self.use(meter, "2026-10-09", 5, source_id=source.id, call_id="a")
        self.seal()
        usage = self.env["metered.usage"].search([("meter_id", "=", meter.id)])
        self.assertEqual(thin(self.env.cr, source.id, usage.ids, ""), 1)
        self.env.invalidate_all()
        self.assertEqual(self.verify(), [])
        self.seal()
        self.assertEqual(self.seals.search([], limit=1).reason, "thinned")
        self.assertEqual(self.verify(), [])
        self.change("UPDATE metered_level_kept SET kept_quantity = ARRAY[4]")
        self.assertEqual(self.verify(), [("differs", "2026-10-09")])

    def test_sealing_that_was_off(self):
        invoice = self.sealed()
        self.company.metered_sealing = False
        late = ("late", "2026-10-03 11:00:00", 60, "+14045550100", "+12125550000")
        self.import_calls(self.source, late)
        invoice.button_draft()
        self.company.metered_sealing = True
        self.assertEqual(self.verify(), [])
        before = self.company.metered_seal_count
        self.seal()
        latest = self.seals.search([("position", ">", before)])
        self.assertEqual(latest.mapped("reason"), ["resumed"] * 2)
        self.assertEqual(self.verify(), [])

    def test_how_much_is_sealed_together(self):
        notes = [(at, date(2026, 10, at % 9 + 1), None, "plan", "") for at in range(27)]
        days = [day for _id, day, *_why in _slice(notes)]
        self.assertEqual((len(days), len(set(days))), (21, 7))
        notes = [(at, None, at // 2, "posted", "") for at in range(900)]
        self.assertEqual(_slice(notes), notes[:200])

    def test_usage_of_a_day_without_any(self):
        self.sealed()
        call = self.env["metered.cdr"].search([], limit=1)
        self.change(
            "UPDATE metered_usage SET day = '2026-10-20' WHERE id = %s",
            call.usage_id.id,
        )
        self.assertEqual(
            {what for what, _key in self.verify()}, {"differs", "unsealed"}
        )

    def test_invoices_that_are_drafted_and_posted(self):
        invoice = self.sealed()
        invoice.button_draft()
        self.seal()
        latest = self.seals.search([], limit=1)
        self.assertEqual((latest.reason, latest.records), ("drafted", 0))
        self.assertEqual(self.verify(), [])
        invoice.action_post()
        self.seal()
        latest = self.seals.search([], limit=1)
        self.assertEqual((latest.reason, latest.records), ("posted", 7))
        self.assertEqual(self.verify(), [])

    def test_merged_customers(self):
        self.sealed()
        other = self.make_customer("Other")
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._merge([self.customer.id, other.id], other)
        self.assertEqual(self.verify(), [])
        self.seal()
        latest = self.seals.search([("kind", "=", "day")], limit=1)
        self.assertEqual(latest.reason, "merged")
        self.assertEqual(self.verify(), [])

    def test_rerated_usage(self):
        self.sealed()
        late = ("late", "2026-10-03 11:00:00", 60, "+14045550100", "+12125550000")
        self.import_calls(self.source, late)
        self.seal()
        self.make_rate(self.deck, "1212555", 0.5)
        usage = self.env["metered.usage"].search([("invoice_line_id", "=", False)])
        self.assertEqual(usage._rerate().changed, 1)
        self.seal()
        latest = self.seals.search([], limit=1)
        self.assertEqual(latest.reason, "rerated")
        self.assertEqual(self.verify(), [])

    def test_no_seal_is_changed(self):
        self.sealed()
        seal = self.seals.search([], limit=1)
        with self.assertRaises(UserError):
            seal.sudo().write({"reason": "merged"})
        with self.assertRaises(UserError):
            seal.sudo().unlink()
        for query in (
            "UPDATE metered_seal SET digest = '' WHERE id = %s",
            "DELETE FROM metered_seal WHERE id = %s",
        ):
            with (
                self.subTest(query=query),
                self.assertLogs("odoo.sql_db", "ERROR"),
                self.assertRaisesRegex(Exception, "only ever added"),
                self.env.cr.savepoint(flush=False),
            ):
                self.env.cr.execute(query, (seal.id,))

    def test_who_takes_the_trigger_away(self):
        self.sealed()
        first, last = self.seals.search([], order="position")[::7]
        self.env.cr.execute("ALTER TABLE metered_seal DISABLE TRIGGER USER")
        for query, seal, found in (
            ("UPDATE metered_seal SET records = 99 WHERE id = %s", first, "changed"),
            ("DELETE FROM metered_seal WHERE id = %s", last, "missing"),
        ):
            with (
                self.subTest(query=query),
                # As if there were many: read in portions.
                patch.object(metered_seal, "CHAIN_PORTION", 3),
                self.env.cr.savepoint() as savepoint,
            ):
                self.assertFalse(self.verify())
                self.change(query, seal.id)
                self.assertIn(found, [what for what, _key in self.verify()])
                savepoint.rollback()
                self.env.invalidate_all()

    def test_texts_are_hashed_as_ever(self):
        """The quicker function writes what the first seals were made with."""
        odd = ["", '"', "\\", "\x01\x1f\x7f", "\n\t/", "\u2028é😀", "null", "1.50"]
        values = [odd, [None] * 3, [1, 20_000_000_000], [date(2026, 2, 3)]]
        for row in values:
            arguments = SQL(", ").join(SQL("%s", value) for value in row)
            if isinstance(row[0], str):
                arguments = SQL(", ").join(SQL("%s::text", value) for value in row)
            [[now, before]] = self.env.execute_query(
                SQL(
                    "SELECT json_build_array(%s)::text, jsonb_build_array(%s)::text",
                    arguments,
                    arguments,
                )
            )
            self.assertEqual(now, before)

    def test_off_or_on(self):
        self.company.metered_sealing = False
        self.invoice()
        self.assertFalse(self.env["metered.seal.note"].sudo().search_count([]))
        with self.assertRaises(ValidationError):
            self.company.metered_seal_days = 0

    def test_who_may_verify(self):
        self.sealed()
        user = new_test_user(
            self.env, "seal_user", "metered_billing.group_metered_user"
        )
        with self.assertRaises(AccessError):
            self.seals.with_user(user).verify()
        with self.assertRaises(AccessError):
            self.seals.with_user(user).action_verify()
        administrator = new_test_user(
            self.env, "seal_admin", "metered_billing.group_metered_administrator"
        )
        self.assertTrue(self.seals.with_user(administrator).verify()["ok"])
        action = self.seals.with_user(administrator).action_verify()
        check = self.env["metered.seal.check"].browse(action["res_id"])
        check._process()
        self.assertEqual((check.state, check.finding_count), ("done", 0))

    def test_a_verification_that_stopped_goes_on(self):
        self.sealed()
        check = self.env["metered.seal.check"]._start(self.company)
        check._fail("The server was stopped.")
        check.action_resume()
        self.assertEqual(check.state, "queued")
        check._process()
        self.assertEqual((check.state, check.seals, check.progress), ("done", 8, 100))


@tagged("post_install", "-at_install")
class TestSealsAndRetention(RetentionCase):
    def test_deleted_calls_are_as_sealed(self):
        self.company.write({"metered_sealing": True})
        self.env["metered.seal.note"]._note_invoices(self.invoice, "posted")
        seals = self.env["metered.seal"]
        while seals._seal_slice(self.company):
            pass
        self.assertEqual(seals.search_count([]), 4)
        self.purge()
        self.assertFalse(self.left())
        answer = seals.verify()
        self.assertEqual((answer["ok"], answer["seals"]), (True, 4))
        self.env.flush_all()
        self.env.cr.execute("UPDATE metered_retention_sum SET seal = 'x'")
        self.env.invalidate_all()
        self.assertEqual(len(seals.verify()["findings"]), 4)
