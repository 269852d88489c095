# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Old data is deleted or masked; what was billed still adds up, and is billed once."""

from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, html2plaintext

from ...models.retention import metered_retention_run
from ...statement.masking import hide
from ...stored.retention import hidden
from ..billing.test_renewal import RenewalCase
from ..plan.test_calling_plans import PlanCase

#: a year after the calls
TODAY = "2027-11-15"


class RetentionCase(RenewalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env, "keeper", "metered_billing.group_metered_administrator"
        )
        cls.deck.rate_ids.price = 0.0333
        cls.rows = [
            (
                f"old-{number}",
                f"2026-10-{number % 3 + 1:02d} 10:00:0{number % 10}",
                17 * number + 1,
                "+14045550100",
                f"+1212555{number:04d}",
            )
            for number in range(9)
        ]
        cls.batch = cls.import_calls(cls.source, *cls.rows)
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-10-01", "2026-11-01"
        )
        cls.subscription.template_id.invoicing_mode = "invoice"
        cls.renew_due(cls)
        [cls.invoice] = cls.subscription.metered_period_ids.invoice_id
        # The next ones are billed: no period of October runs anymore.
        cls.subscription.recurring_next_date = "2027-12-01"

    def rule(self, kind="calls", **values):
        return self.env["metered.retention.rule"].create(
            {"company_id": self.company.id, "kind": kind, "days": 365, **values}
        )

    def purge(self, rule=None, today=TODAY):
        """Run a rule to its end; the run."""
        rule = rule or self.rule()
        with freeze_time(f"{today} 03:00:00"):
            run = rule._turn_on()
            run._process()
        self.env.invalidate_all()
        self.assertEqual((run.state, run.error), ("done", False), run.waiting)
        return run

    def left(self):
        return self.env["metered.cdr"].search(
            [("partner_id", "=", self.customer.id)], order="id"
        )

    def ledger(self):
        """What the usage of the customer comes to, exactly."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT sum(records), sum(amount), sum(billed_quantity) FROM metered_usage"
            " WHERE partner_id = %s",
            (self.customer.id,),
        )
        return self.env.cr.fetchone()

    def sums(self):
        return self.env["metered.retention.sum"].search(
            [("company_id", "=", self.company.id)]
        )


@tagged("post_install", "-at_install")
class TestRetention(RetentionCase):
    def test_sums_and_seals_stay(self):
        before, lines = (
            self.ledger(),
            self.invoice.invoice_line_ids.mapped("price_unit"),
        )
        usage = self.usage(self.customer)
        seal = self.env["metered.retention.sum"]._seal_of(usage[0])
        self.env.cr.execute(
            "SELECT sum(charge) FROM metered_cdr WHERE partner_id = %s",
            (self.customer.id,),
        )
        [charge] = self.env.cr.fetchone()
        run = self.purge()
        self.assertFalse(self.left())
        self.assertEqual((run.records, run.usage, run.kept), (9, 3, 0))
        self.assertGreater(run.bytes, 9 * 100)
        self.assertEqual(run.before, date(2026, 11, 15))
        self.assertEqual(self.ledger(), before)
        self.assertEqual(self.invoice.invoice_line_ids.mapped("price_unit"), lines)
        sums = self.sums()
        self.assertEqual(len(sums), 3)
        self.env.cr.execute("SELECT sum(charge) FROM metered_retention_sum")
        self.assertEqual(self.env.cr.fetchone()[0], charge)
        self.assertEqual(sum(sums.mapped("records")), 9)
        [kept] = sums.filtered(lambda one: one.usage_id == usage[0])
        self.assertEqual(kept.seal, seal)
        self.assertEqual(self.batch.details_deleted, 9)
        self.assertEqual(set(usage.mapped("details_gone")), {"deleted"})
        # A second run finds nothing.
        again = self.env["metered.retention.rule"].search([])._turn_on()
        with freeze_time(f"{TODAY} 05:00:00"):
            again._process()
        self.assertEqual((again.state, again.records), ("done", 0))

    def test_the_seal_tells_a_changed_call(self):
        usage = self.usage(self.customer)[0]
        sums = self.env["metered.retention.sum"]
        seal = sums._seal_of(usage)
        for column, value in (("callee", "+1"), ("charge", 1), ("duration", 9)):
            with self.subTest(column), self.env.cr.savepoint() as savepoint:
                self.env.cr.execute(
                    SQL(
                        "UPDATE metered_cdr SET %s = %s WHERE id ="
                        " (SELECT min(id) FROM metered_cdr WHERE usage_id = %s)",
                        SQL.identifier(column),
                        value,
                        usage.id,
                    )
                )
                self.assertNotEqual(sums._seal_of(usage), seal)
                savepoint.rollback()
        self.assertEqual(sums._seal_of(usage), seal)

    def test_what_is_not_closed_stays(self):
        late = self.import_calls(
            self.source,
            ("open", "2026-10-02 12:00:00", 60, "+14045550100", "+12125550199"),
            name="late.csv",
        )
        run = self.purge()
        self.assertEqual(self.left().batch_id, late)
        self.assertEqual(run.records, 9)

    def test_what_does_not_add_up_stays(self):
        """A person has to look at it first."""
        self.env.cr.execute(
            "UPDATE metered_cdr SET charge = charge + 1 WHERE id = %s",
            (self.left()[0].id,),
        )
        run = self.purge()
        self.assertEqual((run.usage, run.kept, len(self.left())), (2, 1, 3))

    def test_a_running_period_stays(self):
        self.subscription.metered_period_ids.unlink()
        self.subscription.recurring_next_date = "2028-10-01"
        self.subscription.template_id.recurring_rule_type = "years"
        self.subscription.template_id.recurring_interval = 2
        self.assertEqual(self.purge().records, 0)
        self.assertEqual(len(self.left()), 9)

    def test_holds(self):
        usage = self.usage(self.customer)
        other = self.env["res.partner"].create({"name": "Other"})
        for values, kept in (
            ({}, 9),
            ({"partner_id": self.customer.id}, 9),
            ({"partner_id": other.id}, 0),
            ({"day_from": "2026-10-02", "day_to": "2026-10-02"}, 3),
            ({"invoice_id": self.invoice.id}, 9),
            ({"batch_id": self.batch.id}, 9),
            ({"hold_until": "2027-11-14"}, 0),
            ({"hold_from": "2027-11-16"}, 0),
        ):
            with self.subTest(values=values), self.env.cr.savepoint() as savepoint:
                self.env["metered.hold"].create(
                    {"name": "Order 1", "hold_from": "2027-01-01", **values}
                )
                self.purge()
                self.assertEqual(len(self.left()), kept)
                savepoint.rollback()
                self.env.invalidate_all()
        hold = self.env["metered.hold"].create(
            {"name": "Order 2", "hold_from": "2027-01-01"}
        )
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            hold.unlink()
        hold.with_user(self.manager).action_lift()
        self.assertEqual(hold.lifted_uid, self.manager)
        held = self.env["metered.hold"]
        with patch.object(
            type(held), "_disputed_cdr_ids", lambda *_a: self.left()[:1].ids
        ):
            self.purge()
        # The day of the disputed call stays as a whole.
        self.assertEqual(self.left().usage_id, usage[0])

    def test_an_old_call_that_comes_in_again_is_not_billed(self):
        self.purge()
        again = self.import_calls(self.source, *self.rows, name="again.csv")
        self.assertEqual((again.rated, again.exceptions), (0, 9))
        exception = self.exceptions(again)[0]
        self.assertEqual(exception.reason, "too_old")
        self.assertIn("unknown whether this call was already billed", exception.message)
        self.assertEqual(again.balance, "ok")
        third = self.import_calls(self.source, *self.rows[:4], name="third.csv")
        self.assertEqual(third.duplicates, 4)
        # They do not keep the next run from what is older than they were.
        rule = self.env["metered.retention.rule"].search([])
        self.assertEqual(rule._before()[1], 0)

    def test_an_open_exception_keeps_its_day(self):
        self.import_calls(
            self.source,
            ("lost", "2026-10-03 10:00:00", 60, "+19995550100", "+12125550199"),
            name="lost.csv",
        )
        run = self.purge()
        self.assertEqual((run.stopped_by, run.before), (1, date(2026, 10, 2)))
        self.assertEqual(run.records, 3)

    def test_freed_usage_is_billed_as_it_was(self):
        """Neither lost, nor rated again with the rates of today, nor billed twice."""
        before = self.ledger()
        [line] = self.usage_lines(self.invoice)
        billed = line.price_unit
        self.purge()
        self.env.cr.execute("UPDATE metered_rate SET price = 99")
        self.env.invalidate_all()
        self.invoice.button_draft()
        self.invoice.button_cancel()
        self.assertFalse(self.usage(self.customer).invoice_line_id)
        run = self.env["metered.rerate"].create(
            {
                "company_id": self.company.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
            }
        )
        self.assertFalse(run._count_calls())
        usage = self.usage(self.customer)
        usage._rerate()
        self.assertEqual(self.ledger(), before)
        lines = usage._lock_open([("id", "in", usage.ids)])._prepare_invoice_lines(
            self.company,
            self.company.currency_id,
            self.customer,
            date(2026, 10, 1),
            date(2026, 11, 1),
        )
        self.assertEqual([values["price_unit"] for values, _ids in lines], [billed])
        self.assertEqual(self.ledger(), before)

    def test_what_needs_the_calls_refuses(self):
        statement = self.invoice._metered_make_statements()
        statement._process()
        self.purge()
        with self.assertRaisesRegex(UserError, "deleted under retention"):
            self.batch.action_undo()
        made = self.invoice._metered_make_statements()
        made |= made._start_for_period(
            self.company,
            [(self.customer, self.company.currency_id)],
            date(2026, 10, 1),
            date(2026, 11, 1),
        )
        for one in made:
            with self.assertRaisesRegex(UserError, "can no longer be created"):
                one._process()
        self.assertTrue(statement.pdf)
        with self.assertRaisesRegex(UserError, "on or after 11/15/2026"):
            self.env["metered.simulation"]._start(
                {
                    "company_id": self.company.id,
                    "deck_id": self.deck.id,
                    "kind": "what_if",
                    "date_from": "2026-10-01",
                    "date_to": "2026-10-31",
                }
            )
        with self.assertRaisesRegex(UserError, "is skipped and keeps its charges"):
            self.env["metered.rerate"]._start(
                {
                    "company_id": self.company.id,
                    "scope": "invoiced",
                    "date_from": "2026-10-01",
                    "date_to": "2026-10-31",
                }
            )

    def test_the_screens_say_so(self):
        self.assertNotIn(
            "retention", self.env["metered.cdr"].get_empty_list_help("<p>None</p>")
        )
        self.purge()
        said = self.env["metered.cdr"].get_empty_list_help("<p>None</p>")
        self.assertIn("<p>Call details through 11/14/2026 were masked or", said)
        for action in (
            self.usage(self.customer).action_view_cdrs(),
            self.invoice.action_view_metered_cdrs(),
        ):
            self.assertEqual(action["res_model"], "metered.retention.sum")
            found = self.env["metered.retention.sum"].search(action["domain"])
            self.assertEqual(sum(found.mapped("records")), 9)
        [line] = self.usage_lines(self.invoice)
        told = html2plaintext(line.metered_explanation)
        self.assertIn("deleted under retention, last on 11/15/2027: 9", told)

    def test_numbers_are_masked(self):
        before = self.ledger()
        calls = self.left()
        numbers = {call.id: call.callee for call in calls}
        rule = self.rule("numbers", digits=4)
        run = self.purge(rule)
        self.assertEqual((run.records, run.usage), (9, 3))
        for call in self.left():
            self.assertEqual(call.callee, hide(numbers[call.id], 4))
            self.assertEqual(call.caller, "+1404555xxxx")
        self.assertEqual(self.ledger(), before)
        told = html2plaintext(self.left()[0].explanation)
        self.assertIn("masked under retention", told)
        # It is not masked further, and may be deleted later.
        self.assertEqual(self.purge(rule).records, 0)
        self.assertEqual(self.left()[0].caller, "+1404555xxxx")
        self.assertEqual(self.purge(self.rule()).records, 9)
        self.assertFalse(self.left())
        self.assertEqual(
            sorted(self.sums().mapped("kind")), ["calls"] * 3 + ["numbers"] * 3
        )

    @settings(max_examples=40, deadline=None)
    @given(st.text("0123456789+ -()xé*#", max_size=20), st.integers(1, 22))
    @example("+49 30 1234567", 3)
    @example("(030) 12-34", 30)
    def test_the_same_digits_as_on_statements(self, text, count):
        self.env.cr.execute(f"SELECT {hidden('%s', count)}", (text,))
        self.assertEqual(self.env.cr.fetchone()[0], hide(text, count))

    def test_calls_that_were_never_charged(self):
        self.source.default_outcome = "not_billable"
        self.source.rule_ids.unlink()
        free = self.import_calls(
            self.source,
            ("free", "2026-10-02 12:00:00", 60, "+14045550100", "+12125550199"),
            name="free.csv",
        )
        self.assertEqual(free.not_billable, 1)
        run = self.purge()
        self.assertEqual((run.records, len(self.left())), (10, 0))
        [kept] = self.sums().filtered(lambda one: not one.usage_id)
        self.assertEqual((kept.records, kept.day), (1, date(2026, 10, 2)))

    def test_files_and_statements(self):
        statement = self.invoice._metered_make_statements()
        statement._process()
        stored = self.batch.attachment_id
        self.env.cr.execute(
            "UPDATE metered_batch SET create_date = '2026-10-05' WHERE id = %s",
            (self.batch.id,),
        )
        self.env.cr.execute(
            "UPDATE metered_statement SET create_date = '2026-11-05' WHERE id = %s",
            (statement.id,),
        )
        self.env.invalidate_all()
        hold = self.env["metered.hold"].create(
            {
                "name": "Order",
                "hold_from": "2027-01-01",
                "partner_id": self.customer.id,
            }
        )
        self.assertEqual(self.purge(self.rule("statements")).kept, 1)
        hold.action_lift()
        rules = self.env["metered.retention.rule"].search([])
        self.assertEqual(self.purge(rules).records, 1)
        self.assertFalse(statement.exists())
        run = self.purge(self.rule("files"))
        self.assertEqual((run.records, run.kept), (1, 0))
        self.assertGreater(run.bytes, 100)
        self.assertFalse(stored.exists())
        self.assertIn("deleted under retention on", self.left()[0].raw_record)
        self.assertEqual(self.batch.balance, "ok")

    def test_the_portal_access_log(self):
        log = self.env["metered.access.log"]
        for when in ("2026-10-05 10:00:00", "2027-10-05 10:00:00"):
            with freeze_time(when):
                log._note(self.env.user, self.customer, "calls", "October", "::1")
        run = self.purge(self.rule("access"))
        self.assertEqual(run.records, 1)
        self.assertGreater(run.bytes, 10)
        left = log.search([("partner_id", "=", self.customer.id)])
        self.assertEqual(left.time.year, 2027)

    def test_a_file_with_an_open_exception_stays(self):
        lost = self.import_calls(
            self.source,
            ("lost", "2026-10-03 10:00:00", 60, "+19995550100", "+12125550199"),
            name="lost.csv",
        )
        self.env.cr.execute("UPDATE metered_batch SET create_date = '2026-10-05'")
        self.env.invalidate_all()
        run = self.purge(self.rule("files"))
        self.assertEqual((run.records, run.kept), (1, 1))
        self.assertTrue(lost.attachment_id)

    def test_limits(self):
        for values, said in (
            ({"days": 30}, "between 62 and"),
            ({"days": 400, "most_days": 180}, "between 62 and 180"),
            ({"days": 400, "least_days": 730}, "between 730 and"),
            ({"least_days": 730, "most_days": 180}, "cannot be limited to 180"),
            ({"kind": "numbers", "digits": 0}, "from 1 to 20"),
            ({"least_days": -1}, "0 or more"),
        ):
            with (
                self.subTest(values=values),
                self.assertRaisesRegex(ValidationError, said),
                self.env.cr.savepoint(),
            ):
                self.rule(**values)

    def test_nothing_goes_before_it_was_previewed(self):
        rule = self.rule()
        with freeze_time(f"{TODAY} 03:00:00"):
            self.env["metered.retention.rule"]._start_due()
            self.assertFalse(rule.run_ids)
            wizard = (
                self.env["metered.retention.start"]
                .with_user(self.manager)
                .create({"rule_id": rule.id})
            )
            self.assertEqual(
                (wizard.records, wizard.usage, wizard.customers, wizard.waiting),
                (9, 3, 1, 0),
            )
            self.assertEqual(len(self.left()), 9)
            with self.assertRaisesRegex(UserError, "Select the check box"):
                wizard.action_turn_on()
            wizard.is_sure = True
            wizard.action_turn_on()
        self.assertEqual((rule.is_on, rule.turned_on_uid), (True, self.manager))
        self.assertEqual(rule.run_ids.state, "queued")
        with freeze_time("2027-11-16 03:00:00"):
            rule._start_due()
        self.assertEqual(len(rule.run_ids), 1)
        rule.with_user(self.manager).days = 100
        self.assertFalse(rule.is_on)
        # Nor another kind of data than was previewed.
        rule._set_as_program({"is_on": True})
        rule.with_user(self.manager).write({"days": 100, "kind": rule.kind})
        self.assertTrue(rule.is_on)
        rule.with_user(self.manager).kind = "access"
        self.assertFalse(rule.is_on)
        rule.with_user(self.manager).kind = "calls"
        with freeze_time(f"{TODAY} 03:00:00"):
            rule.run_ids._process()
        self.assertEqual((rule.run_ids.state, len(self.left())), ("done", 9))
        with self.assertRaisesRegex(UserError, "Turn it off instead"):
            rule.unlink()

    def test_it_waits_for_a_rerating(self):
        other = self.env["metered.rerate"].create(
            {
                "company_id": self.company.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
            }
        )
        rule = self.rule()
        with freeze_time(f"{TODAY} 03:00:00"):
            run = rule._turn_on()
            run._process()
        self.assertEqual((run.state, len(self.left())), ("running", 9))
        self.assertEqual(run.not_before - run.started, timedelta(minutes=5))
        other.state = "done"
        with freeze_time(f"{TODAY} 03:06:00"):
            run._process()
        self.assertEqual((run.state, len(self.left())), ("done", 0))

    def test_slices(self):
        with patch.object(metered_retention_run, "FIRST_CALLS", 1):
            run = self.purge()
        self.assertEqual((run.records, run.usage), (9, 3))

    def test_for_managers_only(self):
        user = new_test_user(self.env, "clerk", "metered_billing.group_metered_user")
        rule = self.rule()
        hold = self.env["metered.hold"].create({"name": "Order", "day_from": TODAY})
        for record in (rule, hold):
            with self.assertRaises(AccessError):
                record.with_user(user).read(["company_id"])
        with self.assertRaises(AccessError):
            rule.with_user(user).action_preview()
        self.purge(rule)
        sums = self.sums()
        self.assertTrue(sums.with_user(user).read(["seal"]))
        with self.assertRaises(AccessError):
            sums.with_user(self.manager).write({"records": 0})
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "metered_billing.group_metered_administrator",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        for record in (rule, sums, rule.run_ids):
            with self.assertRaises(AccessError):
                record.with_user(stranger).read(["company_id"])


@tagged("post_install", "-at_install")
class TestRetentionOfPlans(PlanCase):
    """What deleted calls took of an allowance stays taken."""

    def test_a_late_call_gets_no_more_than_is_left(self):
        allowance = self.sell_minutes(100)
        self.call("2026-10-01", 90)
        self.subscription.template_id.invoicing_mode = "invoice"
        with freeze_time("2026-11-01 03:00:00"):
            self.env["metered.renewal"]._start(self.company)._process()
        invoice = self.subscription.metered_period_ids.invoice_id
        self.assertEqual(
            self.subscription.metered_period_ids.invoice_id.state, "posted"
        )
        self.subscription.recurring_next_date = "2027-10-01"
        rule = self.env["metered.retention.rule"].create(
            {"company_id": self.company.id, "kind": "calls", "days": 365}
        )
        with freeze_time("2027-10-15 03:00:00"):
            run = rule._turn_on()
            run._process()
        self.assertEqual((run.state, run.records), ("done", 1), run.error)
        self.assertFalse(self.charges())
        self.call("2026-10-25", 20)
        self.assertEqual(self.charges(), [0.6])
        self.assertEqual(self.balance(allowance)[2:], (100, 0))
        # The invoice is canceled: what was taken is neither given again nor lost.
        invoice.button_draft()
        invoice.button_cancel()
        self.call("2026-10-26", 5)
        self.assertEqual(self.charges(), [0.6, 0.3])
