# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Disputes: decided by line, credited once, by two where it is much, and logged."""

from datetime import date, timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError
from psycopg2.errors import RestrictViolation

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..statement.test_statements import StatementCase

GROUPS = "metered_billing.group_metered_user"
CHIEF = "metered_billing.group_metered_administrator"


class DisputeCase(StatementCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent = new_test_user(cls.env, "agent", GROUPS)
        cls.chief = new_test_user(cls.env, "chief", CHIEF)
        cls.company.metered_responsible_id = False
        cls.customer.lang = "en_US"

    def calls_of(self, invoice):
        usage = invoice.invoice_line_ids.metered_usage_ids
        return self.env["metered.cdr"].search(
            [("usage_id", "in", usage.ids)], order="start_time, id"
        )

    def dispute(self, records, user=None, partner=None, channel="phone", **values):
        """A dispute about calls or usage, in which work has begun."""
        is_calls = records._name == "metered.cdr"
        dispute = self.env["metered.dispute"]._dispute_calls(
            partner or self.customer,
            records.ids if is_calls else [],
            [] if is_calls else records.ids,
            values.get("reason", "not_mine"),
            values.get("text", "We were closed"),
            channel,
        )
        mine = dispute.with_user(user or self.agent)
        mine.action_start()
        return mine

    def decide(self, dispute, *shares):
        """Credit parts of the lines: numbers from 0 to 1; 0 refuses."""
        for line, share in zip(dispute.line_ids, shares, strict=True):
            line.write(
                {
                    "outcome": "credit" if share else "refuse",
                    "approved": line.charge * share,
                    "answer": "Your line was faulty." if share else "It was connected.",
                }
            )
        dispute.action_decide()

    def billed(self, invoice):
        return sum(invoice.invoice_line_ids.metered_usage_ids.mapped("records"))


@tagged("post_install", "-at_install")
class TestDisputes(DisputeCase):
    def test_credited_whatever_the_context_says(self):
        """A credit note has its sums and its receivable, whoever leaves them out."""
        invoice = self.invoice()
        keys = {"skip_invoice_sync": True, "check_move_validity": False}
        dispute = self.dispute(self.calls_of(invoice)[5:6])
        self.decide(dispute.with_context(**keys), 1)
        self.env.invalidate_all()
        [credit] = self.env["account.move"].search([("move_type", "=", "out_refund")])
        amount = round(dispute.line_ids.charge, 2)
        self.assertEqual(credit.amount_untaxed, amount)
        types = credit.line_ids.mapped("display_type")
        self.assertEqual(sorted(types), ["payment_term", "product", "tax"])
        self.assertAlmostEqual(sum(credit.line_ids.mapped("balance")), 0)

    def test_partly_upheld(self):
        """What is right is credited; nothing is billed twice, whatever is freed."""
        self.company.metered_hidden_digits = "3"
        invoice = self.invoice()
        calls = self.calls_of(invoice)
        dispute = self.dispute(calls[5:7])
        self.assertRegex(dispute.name, r"^DSP/\d{4}/\d{5}$")
        self.assertEqual(dispute.state, "in_progress")
        self.assertEqual(dispute.line_ids[0].number, "+12125550xxx")
        opened = dispute.action_view_invoices()
        self.assertEqual(self.env["account.move"].search(opened["domain"]), invoice)
        opened = dispute.line_ids[0].action_explain()
        self.assertEqual(opened["type"], "ir.actions.act_window")
        self.assertTrue(invoice.no_followup)
        held = self.env["metered.dispute"]._held_records()
        self.assertEqual(
            {row[0] for row in self.env.execute_query(held)}, {*calls[5:7].ids}
        )
        self.assertEqual(
            self.env["metered.dispute"]._open_cdr_ids(calls.ids), {*calls[5:7].ids}
        )
        # Nothing that is disputed is freed.
        with self.assertRaisesRegex(UserError, "Decide or cancel"):
            with self.env.cr.savepoint():
                invoice.button_draft()
                invoice.button_cancel()
        dispute.line_ids[0].write({"outcome": "credit", "approved": 0.03})
        with self.assertRaisesRegex(UserError, "enter the reason"):
            dispute.action_decide()
        self.decide(dispute, 1, 0)
        self.assertEqual(dispute.state, "resolved")
        charge = dispute.line_ids[0].charge
        credit = dispute.sudo().line_ids.credit_id
        self.assertEqual(credit.state, "posted")
        self.assertEqual(credit.amount_untaxed, round(charge, 2))
        self.assertEqual(dispute.credited, credit.amount_untaxed)
        [line] = credit.invoice_line_ids
        [origin] = dispute.sudo().line_ids[0].invoice_line_id
        for name in ("product_id", "account_id", "tax_ids", "discount"):
            self.assertEqual(line[name], origin[name], name)
        self.assertIn(dispute.name, line.name)
        # The invoice is paid less, and reminded of again.
        self.assertFalse(invoice.no_followup)
        self.assertAlmostEqual(
            invoice.amount_residual, invoice.amount_total - credit.amount_total
        )
        # The usage stays where it is.
        self.assertEqual(self.billed(invoice), 7)
        self.assertFalse(invoice._metered_is_void())
        for free in (
            lambda: (invoice.button_draft(), invoice.button_cancel()),
            lambda: (invoice.button_draft(), invoice.unlink()),
            lambda: self.reverse(invoice),
        ):
            with self.assertRaisesRegex(UserError, "credits disputed charges"):
                with self.env.cr.savepoint():
                    free()
        self.assertEqual(self.billed(invoice), 7)
        self.assertFalse(self.usage(self.customer).filtered(lambda u: not u.invoice_id))
        # With the credit withdrawn it can be billed again, once and in full.
        credit.button_draft()
        credit.button_cancel()
        self.assertEqual(dispute.credited, 0)
        invoice.button_draft()
        invoice.button_cancel()
        self.assertEqual(self.billed(invoice), 0)

    def reverse(self, invoice):
        wizard = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids
        )
        wizard = wizard.create({"journal_id": invoice.journal_id.id})
        action = wizard.reverse_moves()
        self.env["account.move"].browse(action["res_id"]).action_post()

    def test_a_whole_call_and_a_whole_line(self):
        """Crediting all of a line takes none of its usage back."""
        invoice = self.invoice(1, 600)
        [line] = self.usage_lines(invoice)
        dispute = self.dispute(line.metered_usage_ids, reason="fault")
        self.assertEqual(dispute.line_ids.charge, self.calls_of(invoice).charge)
        self.decide(dispute, 1)
        self.assertEqual(self.billed(invoice), 1)
        self.assertFalse(line.metered_freed)
        again = self.dispute(self.calls_of(invoice))
        with self.assertRaisesRegex(UserError, "cannot exceed this charge|already"):
            self.decide(again, 1)

    def test_usage_as_a_whole_and_its_calls(self):
        """What is credited of a day's usage is not credited of its calls once more."""
        invoice = self.invoice(29)
        first = self.calls_of(invoice)[0].usage_id
        calls = self.calls_of(invoice).filtered(lambda cdr: cdr.usage_id == first)
        self.assertEqual(len(calls), 2)
        for one, other in ((first, calls[1]), (calls[1], first)):
            with self.subTest(one._name), self.env.cr.savepoint() as savepoint:
                self.decide(self.dispute(one), 1)
                again = self.dispute(other)
                with self.assertRaisesRegex(UserError, "already credits it"):
                    self.decide(again, 1)
                savepoint.rollback()
        self.decide(self.dispute(calls[1]), 1)
        rest = self.dispute(first)
        self.decide(rest, calls[0].charge / rest.line_ids.charge)

    def test_credited_otherwise(self):
        """A credit note for part of a line leaves less of it to credit."""
        invoice = self.invoice(1, 600)
        [line] = self.usage_lines(invoice)
        refund = invoice._reverse_moves()
        [part] = refund.invoice_line_ids.filtered("metered_date_from")
        part.price_unit = 0.2
        refund.action_post()
        self.assertEqual(self.billed(invoice), 1)
        dispute = self.dispute(line.metered_usage_ids)
        self.assertAlmostEqual(dispute.line_ids.charge, 0.333)
        with self.assertRaisesRegex(UserError, "cannot exceed this charge"):
            self.decide(dispute, 1)
        self.decide(dispute, 0.3)
        self.assertEqual(dispute.credited, 0.1)

    def test_several_decisions_are_one_credit_note(self):
        invoice = self.invoice()
        calls = self.calls_of(invoice)
        disputes = self.dispute(calls[2]) | self.dispute(calls[5:7])
        for line in disputes.line_ids:
            line.write({"outcome": "credit", "approved": line.charge, "answer": "Yes."})
        disputes.action_decide()
        credit = disputes.sudo().line_ids.credit_id
        self.assertEqual(len(credit), 1)
        self.assertEqual(set(disputes.mapped("state")), {"resolved"})
        self.assertAlmostEqual(credit.amount_untaxed, sum(disputes.mapped("credited")))
        self.assertEqual(len(credit.invoice_line_ids), 2)

    def test_a_second_person(self):
        self.company.metered_dispute_limit = 0.01
        calls = self.calls_of(self.invoice())
        dispute = self.dispute(calls[6], self.chief)
        self.decide(dispute, 1)
        self.assertEqual((dispute.state, dispute.needs_approval), ("held", True))
        self.assertFalse(dispute.sudo().line_ids.credit_id)
        with self.assertRaisesRegex(AccessError, "Another"):
            dispute.action_approve()
        with self.assertRaisesRegex(AccessError, "Only an administrator"):
            dispute.with_user(self.agent).action_approve()
        with self.assertRaisesRegex(UserError, "Change the decision first"):
            dispute.line_ids.approved = 0.01
        seen = dispute.event_count
        dispute.action_decide_again()
        self.decide(dispute, 1)
        other = new_test_user(self.env, "other", CHIEF)
        theirs = dispute.with_user(other)
        # What was decided anew is not approved by a page that shows what was before.
        with self.assertRaisesRegex(UserError, "has changed since"):
            theirs.with_context(metered_seen_events=seen).action_approve()
        theirs.with_context(metered_seen_events=dispute.event_count).action_approve()
        self.assertEqual(dispute.state, "resolved")
        self.assertEqual(
            (dispute.decided_uid, dispute.approved_uid), (self.chief, other)
        )
        self.assertEqual(dispute.credited, round(dispute.line_ids.charge, 2))

    def test_a_second_person_for_many_small_ones(self):
        self.company.metered_dispute_limit = 0.08
        calls = self.calls_of(self.invoice())
        first, second, third = (self.dispute(call) for call in calls[4:7])
        self.decide(first, 1)
        self.assertEqual(first.state, "resolved")
        self.decide(second, 1)
        self.assertEqual((second.state, second.needs_approval), ("held", True))
        self.decide(third.with_user(self.chief), 1)
        self.assertEqual(third.state, "resolved")

    def test_decided_at_once(self):
        """Who decides locks what the customer's other decisions, and lines, change."""
        calls = self.calls_of(self.invoice())
        first, second = (self.dispute(call) for call in calls[5:7])
        locked = []

        def lock(records):
            locked.append((records._name, set(records.ids)))

        for model in (first, first.line_ids):
            self.patch(type(model), "_lock_rows", lock)
        first.line_ids.answer = "Your line was faulty."
        self.assertEqual(locked, [("metered.dispute", {first.id})])
        locked.clear()
        self.decide(first, 1)
        lines = locked.index(("metered.dispute.line", {first.line_ids.id}))
        self.assertIn(("metered.dispute", {first.id, second.id}), locked[:lines])

    def test_open_once(self):
        calls = self.calls_of(self.invoice())
        first = self.dispute(calls[0])
        with self.assertRaisesRegex(UserError, f"already disputed: {first.name}"):
            self.dispute(calls[:2])
        with self.assertRaisesRegex(UserError, "already disputed"):
            self.dispute(calls[0].usage_id)
        # Two at once: the database refuses who comes second.
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.env.cr.savepoint(),
        ):
            first.sudo().line_ids.copy()
            self.env.flush_all()
        first._change("cancelled", "The customer remembers it.")
        second = self.dispute(calls[:2])
        with self.assertRaisesRegex(UserError, f"already disputed: {second.name}"):
            first._change("in_progress", "Again")

    def test_places_of_currencies(self):
        """0, 2 and 3 decimals: the sum of the approved is rounded once."""
        for name, places in (("JPY", 0), ("EUR", 2), ("KWD", 3)):
            with self.subTest(name), self.env.cr.savepoint() as savepoint:
                currency = self.env["res.currency"].with_context(active_test=False)
                currency = currency.search([("name", "=", name)])
                currency.active = True
                self.assertEqual(currency.decimal_places, places)
                self.company.sudo().currency_id = currency
                self.deck.currency_id = currency
                self.deck.rate_ids.price = 0.1234
                invoice = self.invoice(9)
                self.assertEqual(invoice.currency_id, currency)
                dispute = self.dispute(self.calls_of(invoice)[6:9])
                exact = sum(line.charge for line in dispute.line_ids)
                self.decide(dispute, 0.5, 0.5, 0.5)
                self.assertEqual(dispute.disputed, round(exact, places))
                self.assertAlmostEqual(dispute.credited, round(exact / 2, places), 6)
                credit = dispute.sudo().line_ids.credit_id
                self.assertEqual(credit.amount_untaxed, dispute.credited)
                self.assertEqual(bool(credit), bool(places))
                savepoint.rollback()

    def test_what_cannot_be_disputed(self):
        invoice = self.invoice()
        calls = self.calls_of(invoice)
        other = self.make_customer("Other", "+14045550300")
        with self.assertRaisesRegex(UserError, "another customer"):
            self.dispute(calls[0], partner=other)
        with self.assertRaisesRegex(UserError, "Select the disputed charges"):
            self.dispute(calls.browse())
        with self.assertRaisesRegex(UserError, "no longer stored"):
            self.dispute(calls.browse(2**40))
        # Who rings the office is heard for longer than who uses the portal.
        with freeze_time(invoice.invoice_date + timedelta(days=91)):
            with self.assertRaisesRegex(UserError, "could be disputed until"):
                self.dispute(calls[0], channel="portal")
            self.dispute(calls[0])

    def test_not_invoiced_yet(self):
        self.call("2026-10-05", 600)
        [usage] = self.usage(self.customer)
        dispute = self.dispute(
            self.env["metered.cdr"].search([("usage_id", "=", usage.id)])
        )
        with self.assertRaisesRegex(UserError, "not on a posted invoice"):
            self.decide(dispute, 1)
        dispute._change("held", "It will be invoiced on November 1.")
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.template_id.invoicing_mode = "invoice"
        self.renew_due()
        # Its invoice is not reminded of, though it is younger than the dispute.
        [invoice] = self.invoices(subscription)
        self.env["metered.dispute"]._cron_age()
        self.assertTrue(invoice.no_followup)
        dispute.action_decide()
        self.assertFalse(invoice.no_followup)
        self.assertEqual(dispute.credited, round(dispute.line_ids.charge, 2))
        self.assertEqual(dispute.invoice_count, 1)

    def test_invoiced_otherwise_than_disputed(self):
        """No more is credited than was invoiced since, and in its currency."""
        self.call("2026-10-05", 600)
        usage = self.usage(self.customer)
        call = self.env["metered.cdr"].search([("usage_id", "=", usage.id)])
        dispute = self.dispute(call)
        charge = dispute.line_ids.charge
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.template_id.invoicing_mode = "invoice"
        with self.subTest("cheaper"), self.env.cr.savepoint() as savepoint:
            cheap = self.make_deck("Cheap")
            self.make_rate(cheap, "", price=0.01)
            self.company.metered_deck_id = cheap
            usage._rerate()
            self.renew_due()
            with self.assertRaisesRegex(UserError, "charges 0.1 "):
                self.decide(dispute, 1)
            self.decide(dispute, 0.1 / charge)
            self.assertEqual(dispute.credited, 0.1)
            savepoint.rollback()
        with self.subTest("another currency"), self.env.cr.savepoint() as savepoint:
            subscription.pricelist_id = self.env["product.pricelist"].create(
                {"name": "Yen", "currency_id": self.currency("JPY").id}
            )
            self.renew_due()
            with self.assertRaisesRegex(UserError, "the currency differs"):
                self.decide(dispute, 1)
            savepoint.rollback()

    def test_approved_amounts(self):
        dispute = self.dispute(self.calls_of(self.invoice())[6])
        [line] = dispute.line_ids
        for values in (
            {"outcome": "credit", "approved": line.charge + 0.0001},
            {"outcome": "credit", "approved": -0.01},
            {"outcome": "refuse", "approved": 0.01},
        ):
            with self.subTest(values), self.assertRaises(ValidationError):
                line.write(values)

    def test_rerated(self):
        """A wrong price: what re-rating finds is billed, and the dispute decided."""
        invoice = self.invoice()
        dispute = self.dispute(self.calls_of(invoice)[6], reason="price")
        dispute.line_ids.write({"outcome": "rerate", "answer": "Wrong price list."})
        dispute.action_decide()
        self.assertEqual(dispute.state, "held")
        with self.assertRaisesRegex(UserError, "cannot be changed"):
            dispute._change("rejected", "No")
        run = dispute.rerate_id
        self.assertEqual(
            (run.scope, run.phase, run.line_count), ("invoiced", "preview", 0)
        )
        self.assertEqual(dispute.action_view_rerate()["res_id"], run.id)
        dispute.action_rerated()
        self.assertEqual(dispute.state, "resolved")
        self.assertIn("the charges are the same", dispute.event_ids[-1].text)

    # === LOG === #

    def test_the_log(self):
        dispute = self.dispute(self.calls_of(self.invoice())[5:7])
        self.decide(dispute, 1, 0)
        dispute._change("closed", "Paid.")
        events = dispute.sudo().event_ids
        self.assertEqual(
            [(event.state_from, event.state_to) for event in events],
            [
                ("acknowledged", "acknowledged"),
                ("acknowledged", "in_progress"),
                ("in_progress", "resolved"),
                ("resolved", "closed"),
            ],
        )
        self.assertEqual(events[1].who, self.agent.partner_id.display_name)
        self.assertEqual(
            [line["outcome"] for line in events[2].details], ["credit", "refuse"]
        )
        self.assertEqual(dispute._verify(), [])
        self.assertEqual(dispute.action_verify()["params"]["type"], "success")
        # Nobody changes it, neither by Python nor by SQL.
        for do in (lambda: events[0].write({"text": "?"}), events[0].unlink):
            with self.assertRaisesRegex(UserError, "cannot be"):
                do()
        for sql in (
            "UPDATE metered_dispute_event SET text = '?' WHERE id = %s",
            "DELETE FROM metered_dispute_event WHERE id = %s",
        ):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(RestrictViolation),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(sql, (events[0].id,))
        # Who takes the trigger away is found out.
        self.env.cr.execute("ALTER TABLE metered_dispute_event DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE metered_dispute_event SET amounts = jsonb_set(amounts,"
            " '{credited,1}', '\"0.00\"') WHERE id = %s",
            (events[2].id,),
        )
        self.env.cr.execute("ALTER TABLE metered_dispute_event ENABLE TRIGGER USER")
        self.assertEqual(dispute._verify(), [f"{dispute.name}: event 3 was changed."])
        told = dispute.action_verify()["params"]
        self.assertEqual(told["type"], "danger")
        self.assertIn("event 3", told["message"])

    def test_nothing_is_deleted(self):
        dispute = self.dispute(self.calls_of(self.invoice())[0]).sudo()
        for records in (dispute, dispute.line_ids):
            with self.assertRaisesRegex(UserError, "cannot be deleted"):
                records.unlink()

    # === AGE === #

    def test_working_days(self):
        Dispute = self.env["metered.dispute"]
        self.company.resource_calendar_id.attendance_ids.filtered(
            lambda one: one.dayofweek in ("5", "6")
        ).unlink()
        friday = date(2026, 10, 30)
        self.company.metered_dispute_days = 3
        self.assertEqual(Dispute._due_date(self.company, friday), date(2026, 11, 4))
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.company.resource_calendar_id.id,
                "company_id": self.company.id,
                "date_from": "2026-11-02 00:00:00",
                "date_to": "2026-11-03 12:00:00",
            }
        )
        self.assertEqual(Dispute._due_date(self.company, friday), date(2026, 11, 5))
        calls = self.calls_of(self.invoice())
        with freeze_time("2026-10-30 12:00:00"):
            dispute = self.dispute(calls[0])
        for day, age in (("30", "3"), ("2026-11-06", "5"), ("2026-11-10", "15")):
            with freeze_time(f"{day if len(day) > 2 else '2026-10-30'} 12:00:00"):
                Dispute._cron_age()
            self.assertEqual(dispute.age_class, age, day)
        with freeze_time("2026-12-10 12:00:00"):
            Dispute._cron_age()
            self.assertEqual(dispute.age_class, "older")
            self.assertIn("overdue", dispute.sudo().activity_ids.summary)
            self.decide(dispute, 0)
        self.assertFalse(dispute.sudo().activity_ids)

    # === TOLD === #

    def test_mail_and_webhook(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.customer.lang = "de_DE"
        webhook = self.env["metered.webhook"].create(
            {
                "name": "CRM",
                "address": "https://example.com/hook",
                "tells_dispute_opened": True,
                "tells_dispute_decided": True,
            }
        )
        invoice = self.invoice()
        mails = self.env["mail.mail"].sudo().search([])
        dispute = self.dispute(self.calls_of(invoice)[5:7])
        self.decide(dispute, 1, 0)
        mails = self.env["mail.mail"].sudo().search([]) - mails
        self.assertEqual(mails.recipient_ids, self.customer)
        received, decided = mails.sorted("id")
        self.assertIn(dispute.name, received.subject)
        self.assertIn("It was connected.", decided.body_html)
        # German amounts, and how the refused charge came about.
        self.assertIn("0,10", received.body_html)
        [explanation] = decided.attachment_ids
        text = explanation.raw.decode()
        self.assertIn("It was connected.", text)
        self.assertNotIn(self.deck.name, text)
        opened, told = webhook.delivery_ids.sorted("id")
        self.assertEqual(opened.kind, "dispute.opened")
        self.assertEqual(told.kind, "dispute.decided")
        self.assertIn('"outcome": "refuse"', told.body)

    # === RIGHTS === #

    def test_rights(self):
        dispute = self.dispute(self.calls_of(self.invoice())[0])
        theirs = self.env["res.company"].create({"name": "Other Telecom"})
        stranger = new_test_user(
            self.env,
            "stranger",
            CHIEF,
            company_id=theirs.id,
            company_ids=[Command.set(theirs.ids)],
        )
        portal = new_test_user(self.env, "customer", "base.group_portal")
        portal.partner_id.parent_id = self.customer
        for user in (stranger, portal):
            for records in (dispute, dispute.line_ids, dispute.event_ids):
                with self.subTest(user.login, model=records._name):
                    with self.assertRaises(AccessError):
                        records.sudo(False).with_user(user).check_access("read")
        accountant = new_test_user(
            self.env, "accountant", "account.group_account_invoice"
        )
        seen = dispute.with_user(accountant)
        self.assertEqual(seen.state, "in_progress")
        with self.assertRaises(AccessError):
            seen.action_decide()
        with self.assertRaises(AccessError):
            dispute.write({"state": "resolved"})
        with self.assertRaises(AccessError):
            dispute.line_ids.write({"charge": 0.0})
        with self.assertRaises(AccessError):
            self.env["metered.dispute.event"].with_user(self.chief).create({})
