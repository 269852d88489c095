# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A User cures exceptions and undoes imports; who is not one, or elsewhere, cannot."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..support.metered_case import MeteredCase

START = "2026-10-05 10:00:00"
NOBODY = "+14045559999"
CURES = ("assign", "rate", "destination", "correct", "dismiss")


@tagged("post_install", "-at_install")
class TestExceptionSecurity(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")
        cls.deck.rate_ids.prefix = "1"
        acme = "+14045550100"
        cls.env["metered.destination"].search(
            [("prefixes", "=like", "383%")]
        ).active = False
        cls.batch = cls.import_calls(
            cls.source,
            ("rate", START, 60, acme, "+442079460120"),
            ("nobody", START, 60, NOBODY, "+12125550199"),
            ("nowhere", START, 60, acme, "+383491234567"),
            ("time", "5 Oct", 60, acme, "+12125550199"),
            ("length", START, "long", acme, "+12125550199"),
        )
        cls.operator = new_test_user(
            cls.env, "operator", "metered_billing.group_metered_user"
        )
        cls.outsider = new_test_user(cls.env, "outsider", "base.group_user")
        cls.biller = new_test_user(cls.env, "biller", "account.group_account_invoice")
        cls.other_company = cls.env["res.company"].create({"name": "Other Telecom"})
        cls.stranger = new_test_user(
            cls.env,
            "stranger",
            "metered_billing.group_metered_administrator",
            company_id=cls.other_company.id,
            company_ids=[(6, 0, cls.other_company.ids)],
        )
        cls.env.cr.flush()

    def cause(self, reason, user):
        env = self.env(user=user)
        return env["metered.exception.cause"].search([("reason", "=", reason)])

    def open_cure(self, action, user, **values):
        model = self.env(user=user)[action["res_model"]]
        return model.with_context(**action["context"]).create(values)

    def test_user_cures_everything(self):
        user = self.operator
        self.assertEqual(self.batch.exceptions, 5)
        wizard = self.open_cure(
            self.cause("unknown_customer", user).action_assign(),
            user,
            partner_id=self.customer.id,
        )
        wizard.action_assign()
        wizard = self.open_cure(self.cause("no_rate", user).action_add_rate(), user)
        wizard.line_ids.price = 0.10
        wizard.action_add()
        rate = self.deck.rate_ids.filtered("destination_id")
        self.assertEqual((rate.price, rate.create_uid), (0.10, user))
        wizard = self.open_cure(
            self.cause("no_destination", user).action_add_destination(), user
        )
        wizard.line_ids.name = "Kosovo"
        wizard.action_add()
        wizard = self.open_cure(self.cause("invalid_time", user).action_correct(), user)
        line = wizard.line_ids.filtered(lambda line: line.column == "start_time")
        line.value = START
        wizard.action_correct()
        wizard = self.open_cure(
            self.cause("invalid_duration", user).action_dismiss(),
            user,
            reason="A test",
        )
        wizard.action_dismiss()
        exceptions = self.exceptions(self.batch)
        self.assertEqual(
            sorted(exceptions.mapped("state")),
            ["dismissed", "open", "resolved", "resolved", "resolved"],
        )
        # Kosovo has a destination now, and waits for a rate.
        self.assertEqual(
            exceptions.filtered(lambda e: e.state == "open").reason, "no_rate"
        )
        dismissed = exceptions.filtered(lambda e: e.state == "dismissed")
        self.assertEqual(dismissed.dismissed_uid, user)
        dismissed.with_user(user).action_reopen()
        self.assertEqual(dismissed.state, "open")
        self.assertEqual(
            (self.batch.rated, self.batch.exceptions, self.batch.balance), (3, 2, "ok")
        )

    def test_user_undoes_an_import(self):
        batch = self.batch.with_user(self.operator)
        wizard = self.open_cure(batch.action_open_undo(), self.operator)
        wizard.action_undo()
        self.assertEqual(self.batch.state, "undone")
        self.assertEqual(self.batch.undone_uid, self.operator)

    def test_user_changes_nothing_else(self):
        """What cures by the way is the Administrator's: sources, decks, prices."""
        exception = self.exceptions(self.batch)[0]
        job = self.env["metered.exception.job"]._create_jobs(
            "retry", exception._target(), companies=self.company
        )
        for record, values in (
            (self.source, {"max_age_days": 1}),
            (self.source.column_ids[0], {"columns": "x"}),
            (self.deck.rate_ids, {"price": 1}),
            (exception, {"state": "resolved"}),
            (job, {"state": "queued"}),
        ):
            with self.assertRaises(AccessError):
                record.with_user(self.operator).write(values)
            with self.assertRaises(AccessError):
                record.with_user(self.operator).unlink()
        with self.assertRaises(AccessError):
            self.env(user=self.operator)["metered.exception.job"].create(
                {
                    "company_id": self.company.id,
                    "operation": "dismiss",
                    "target": {},
                }
            )

    def test_who_is_no_user_sees_and_does_nothing(self):
        for user in (self.outsider, self.biller):
            env = self.env(user=user)
            for model in ("metered.exception.cause", "metered.exception.job"):
                with self.assertRaises(AccessError):
                    env[model].search([])
            for name in CURES:
                with self.assertRaises(AccessError):
                    env[f"metered.exception.{name}"].create({})
            with self.assertRaises(AccessError):
                self.exceptions(self.batch).with_user(user).action_retry()
            with self.assertRaises(AccessError):
                self.batch.with_user(user).action_undo()

    def test_another_company_sees_and_does_nothing(self):
        user = self.stranger
        env = self.env(user=user)
        exceptions = self.exceptions(self.batch)
        self.env["metered.exception.job"]._create_jobs(
            "retry", exceptions._target(), companies=self.company
        )
        self.assertTrue(self.env["metered.exception.cause"].search([]))
        for model in ("metered.exception", "metered.exception.cause"):
            self.assertFalse(env[model].search([]))
        self.assertFalse(env["metered.exception.job"].search([]))
        with self.assertRaises(AccessError):
            exceptions.with_user(user).action_retry()
        # Nor by naming what cannot be seen.
        causes = self.env["metered.exception.cause"].search([])
        for target in (exceptions._target(), causes._target()):
            for name in CURES:
                model = env[f"metered.exception.{name}"]
                with self.assertRaisesRegex(UserError, "None of these"):
                    model.with_context(default_target=target).create({})
        with self.assertRaises(AccessError):
            self.open_cure(self.batch.action_open_undo(), user)
        self.assertEqual(set(exceptions.mapped("state")), {"open"})
