# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""One activity for one problem, told to the right person."""

from unittest.mock import patch

from odoo import Command
from odoo.tests import new_test_user, tagged

from ..support.metered_case import MeteredCase

KEY = "sync"


@tagged("post_install", "-at_install")
class TestActivity(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.operator = new_test_user(
            cls.env, "operator", "metered_billing.group_metered_user"
        )
        cls.company.metered_responsible_id = cls.operator

    def raise_once(self, record=None, key=KEY, **values):
        record = record or self.source
        return record._metered_raise(key, "No answer", "It did not answer.", **values)

    def test_one_activity_however_often(self):
        first = self.raise_once()
        second = self.source._metered_raise(KEY, "Refused", "Wrong password.")
        self.assertEqual(first, second)
        self.assertEqual(self.source.activity_ids, first)
        self.assertEqual(first.metered_count, 2)
        self.assertEqual(first.summary, "Refused")
        self.assertIn("Wrong password.", first.note)
        self.assertIn("2 times", first.note)
        self.assertNotIn("did not answer", first.note)
        self.assertEqual(
            first.activity_type_id,
            self.env.ref("metered_billing.mail_activity_type_problem"),
        )
        self.assertTrue(first.automated)

    def test_other_problems_and_records_have_their_own(self):
        other = self.make_source()
        activities = (self.source | other)._metered_raise(KEY, "A", "a")
        self.assertEqual(len(activities), 2)
        self.assertEqual(set(activities.mapped("res_id")), {self.source.id, other.id})
        self.assertFalse(self.raise_once(key="renewal") & activities)
        self.assertEqual(len(self.source.activity_ids), 2)

    def test_cured_closes_with_a_note(self):
        activity = self.raise_once()
        other = self.raise_once(key="renewal")
        self.assertTrue(self.source._metered_close(KEY, "It answers again."))
        self.assertFalse(activity.active)
        self.assertEqual(self.source.activity_ids, other)
        self.assertIn("It answers again.", self.source.message_ids[0].body)
        self.assertFalse(self.source._metered_close(KEY, "Again."))
        self.assertNotIn("Again.", self.source.message_ids[0].body)

    def test_done_by_hand_and_back_again(self):
        first = self.raise_once()
        first.action_feedback()
        second = self.raise_once()
        self.assertNotEqual(first, second)
        self.assertEqual(second.metered_count, 1)

    def test_raised_by_two_at_once(self):
        first = self.raise_once()
        with patch.object(
            self.registry["metered.source"],
            "_metered_open_activities",
            lambda self, key: self.env["mail.activity"],
        ):
            self.assertFalse(self.raise_once())
        self.assertEqual(self.source.activity_ids, first)

    def test_note_is_text(self):
        self.source._metered_raise(KEY, "Odd", "Got <b>this</b>")
        activity = self.source._metered_raise(KEY, "Odd", "Got <b>this</b>")
        self.assertIn("Got &lt;b&gt;this&lt;/b&gt;", activity.note)

    def test_one_that_tells_how_it_stands_is_not_counted(self):
        for text in ("Got <b>2</b>", "Got <b>1</b>"):
            activity = self.source._metered_raise(KEY, text, text, counted=False)
        self.assertEqual(self.source.activity_ids, activity)
        self.assertEqual(activity.summary, text)
        self.assertEqual(activity.note, "<p>Got &lt;b&gt;1&lt;/b&gt;</p>")

    # === WHO IS TOLD === #

    def test_the_companys_responsible(self):
        self.assertEqual(self.raise_once().user_id, self.operator)

    def test_the_user_asked_for(self):
        asked = new_test_user(self.env, "asked", "metered_billing.group_metered_user")
        self.assertEqual(self.raise_once(user=asked).user_id, asked)

    def test_the_records_own_user_who_may_see_it(self):
        subscription = self.make_subscription(
            self.make_customer("Acme"), "2026-10-01", "2026-11-01"
        )
        seller = new_test_user(self.env, "seller", "sales_team.group_sale_salesman")
        subscription.user_id = seller
        self.assertEqual(self.raise_once(subscription).user_id, seller)
        blind = new_test_user(self.env, "blind", "base.group_user")
        subscription.user_id = blind
        chosen = self.raise_once(subscription, key="other").user_id
        self.assertNotEqual(chosen, blind)
        self.assertTrue(subscription.with_user(chosen).has_access("read"))

    def test_nobody_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "metered_billing.group_metered_administrator",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        self.company.metered_responsible_id = stranger
        chosen = self.raise_once().user_id
        self.assertIn(self.company, chosen.company_ids)
        self.assertTrue(chosen.has_group("metered_billing.group_metered_administrator"))
        theirs = self.make_source(company_id=other.id)
        other.metered_responsible_id = self.operator
        told = self.raise_once(theirs).user_id
        self.assertEqual(told, stranger)
        self.assertIn(
            theirs.activity_ids, self.env(user=stranger)["mail.activity"].search([])
        )

    def test_archived_responsible_is_passed_over(self):
        self.operator.active = False
        self.assertTrue(self.raise_once().user_id.active)

    def test_an_operator_raises_and_settles(self):
        """What a person starts by hand tells the responsible as well."""
        as_operator = self.source.with_user(self.operator)
        subscription = self.make_subscription(
            self.make_customer("Acme"), "2026-10-01", "2026-11-01"
        )
        self.raise_once(subscription.with_user(self.operator))
        self.assertEqual(self.raise_once(as_operator).user_id, self.operator)
        as_operator._metered_close(KEY, "Done.")
        self.assertFalse(self.source.activity_ids)

    def test_the_activity_is_the_operators_to_close(self):
        activity = self.raise_once().with_user(self.operator)
        activity.action_done()
        self.assertFalse(activity.active)
