# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The customer's tab: what it checks, where its remedies lead, what it adds up."""

import datetime

from dateutil.relativedelta import relativedelta

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, freeze_time, new_test_user, tagged

from ...models.customer.res_partner_source_checks import LAST_RECORDS, LATEST_CALLS
from ..support.metered_case import MeteredCase

#: the clock stands still: no midnight falls between what is made and what is checked
NOW = datetime.datetime(2026, 11, 20, 12)
TODAY = NOW.date()
NUMBER = "+14045550100"


def ago(days):
    """The start of a call, some days ago, as a file has it."""
    day = NOW - datetime.timedelta(days=days)
    return f"{day:%Y-%m-%d %H:%M:%S}"


@freeze_time(NOW)
@tagged("post_install", "-at_install")
class TestCustomerTab(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source(name="Switch")
        cls.customer = cls.make_customer("Acme", NUMBER, is_company=True)
        cls.subscription = cls.make_subscription(
            cls.customer,
            TODAY - datetime.timedelta(days=10),
            TODAY + datetime.timedelta(days=20),
        )
        cls.operator = new_test_user(
            cls.env, "operator", "metered_billing.group_metered_user"
        )

    def make_calls(self, *days, source=None, number=NUMBER):
        """A call of one minute to London some days ago, each."""
        count = self.env["metered.cdr"].search_count([])
        return self.import_calls(
            source or self.source,
            *(
                (f"c{count + rank}", ago(day), 60, number, "+442079460120")
                for rank, day in enumerate(days)
            ),
        )

    def groups(self, partner=None):
        """The tab's groups: title -> checks."""
        partner = partner or self.customer
        partner.invalidate_recordset()
        info = partner.metered_check_info
        return {group["title"]: group["checks"] for group in info["groups"]}

    def check(self, name, group="Rating and invoicing", partner=None):
        """One check as the tab shows it."""
        [check] = [c for c in self.groups(partner)[group] if c["name"] == name]
        return check

    def remedy(self, check, user=None):
        """What the button of a check opens."""
        model, record_id, method, args = check["call"]
        record = self.env[model].browse(record_id)
        return getattr(record.with_user(user or self.env.user), method)(*args)

    def assertRed(self, check, *texts):
        self.assertFalse(check["ok"], check)
        self.assertTrue(check["remedy"])
        for text in texts:
            self.assertIn(text, check["detail"])

    # === CONNECTIVITY === #

    def test_all_green(self):
        self.make_calls(1)
        groups = self.groups()
        self.assertEqual(list(groups), ["Rating and invoicing", "Switch"])
        for checks in groups.values():
            self.assertFalse([c for c in checks if not c["ok"]])
        self.assertEqual(self.check("Identifiers")["detail"], "Phone number: 1")
        self.assertIn("House (the company's)", self.check("Rates")["detail"])

    def test_nothing_set_up(self):
        contact = self.env["res.partner"].create({"name": "Supplier"})
        info = contact.metered_check_info
        self.assertEqual(info["groups"], [])
        self.assertTrue(info["empty"])
        action = self.remedy(info, self.operator)
        self.assertEqual(action["context"]["default_partner_id"], contact.id)

    def test_a_contact_that_is_being_made(self):
        self.assertEqual(
            self.env["res.partner"].new({"name": "New"}).metered_check_info,
            {"groups": []},
        )

    def test_identifier_mended(self):
        identifier = self.customer.metered_identifier_ids
        identifier.date_to = fields.Datetime.now() - datetime.timedelta(days=3)
        check = self.check("Identifiers")
        self.assertRed(check, NUMBER, "until")
        action = self.remedy(check, self.operator)
        self.assertEqual(action["target"], "new")
        self.env["metered.identifier"].with_user(self.operator).with_context(
            **action["context"]
        ).create({"value": "+14045550111"})
        self.assertTrue(self.check("Identifiers")["ok"])

    def test_identifier_of_the_future(self):
        identifier = self.customer.metered_identifier_ids
        identifier.date_from = fields.Datetime.now() + datetime.timedelta(days=3)
        self.assertRed(self.check("Identifiers"), "from")
        self.assertRed(self.check("Identified by", "Switch"), "phone number")

    def test_identifier_of_a_kind_nobody_looks_for(self):
        identifier = self.customer.metered_identifier_ids
        identifier.write({"kind": "meter", "value": "M1"})
        self.assertTrue(self.check("Identifiers")["ok"])
        check = self.check("Identified by", "Switch")
        self.assertRed(check)
        context = self.remedy(check)["context"]
        self.assertEqual(context["default_source_id"], self.source.id)
        self.assertIn(context["default_kind"], self.source.payer_ids.mapped("kind"))

    def test_no_rate_deck(self):
        self.company.metered_deck_id = False
        check = self.check("Rates")
        self.assertRed(check)
        action = self.remedy(check)
        self.assertEqual(
            (action["res_model"], action["res_id"], action["target"]),
            ("res.partner", self.customer.id, "new"),
        )
        self.customer.metered_deck_id = self.deck
        self.assertIn("the customer's own", self.check("Rates")["detail"])

    def test_rates_that_ended(self):
        self.deck.rate_ids.date_to = TODAY - datetime.timedelta(days=2)
        check = self.check("Rates")
        self.assertRed(check, "House")
        action = self.remedy(check)
        self.assertEqual(action["res_model"], "metered.rate")
        self.assertIn(("deck_id", "=", self.deck.id), action["domain"])

    def test_order_of_decks(self):
        own, group_deck = self.make_deck("Own"), self.make_deck("Grouped")
        group = self.env["metered.customer.group"].create(
            {"name": "Gold", "deck_id": group_deck.id}
        )
        self.customer.write({"metered_deck_id": own.id, "metered_group_id": group.id})
        text = self.check("Rates")["detail"]
        self.assertTrue(text.index("Own") < text.index("Grouped") < text.index("House"))
        self.assertIn("group Gold", text)
        own.active = False
        self.assertNotIn("Own", self.check("Rates")["detail"])

    def test_call_type_without_product(self):
        meter = self.env.ref("metered_billing.meter_premium")
        meter.product_id = False
        check = self.check("Call types")
        self.assertRed(check, meter.name)
        action = self.remedy(check)
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, meter)

    def test_subscription(self):
        self.assertTrue(self.check("Subscription")["ok"])
        for values, text in (
            ({"recurring_next_date": TODAY - datetime.timedelta(days=1)}, "renewed on"),
            ({"recurring_next_date": False}, "no next invoice date"),
            ({"is_paused": True}, "paused"),
        ):
            self.subscription.write(values)
            check = self.check("Subscription")
            self.assertRed(check, text)
            self.assertEqual(self.remedy(check)["res_id"], self.subscription.id)
        self.subscription.in_progress = False
        check = self.check("Subscription")
        self.assertRed(check, "No active subscription")
        action = self.remedy(check)
        # The dialog that makes all that a subscription needs, as in the setup panel.
        self.assertEqual(action["res_model"], "metered.subscription.setup")
        setup = self.env[action["res_model"]].with_context(**action["context"])
        created = Form(setup).save().action_create()
        subscription = self.env["sale.subscription"].browse(created["res_id"])
        self.assertEqual(subscription.partner_id, self.customer)
        self.assertTrue(self.check("Subscription")["ok"])

    def test_exceptions(self):
        self.make_rate(self.deck, "44", price=0.01)
        self.deck.rate_ids.filtered(lambda rate: not rate.prefix).unlink()
        batch = self.import_calls(
            self.source, ("x", ago(1), 60, NUMBER, "+33140000000")
        )
        self.assertEqual(self.exceptions(batch).partner_id, self.customer)
        check = self.check("Exceptions")
        self.assertRed(check, "1 ")
        action = self.remedy(check)
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, self.exceptions(batch))

    # === SOURCES === #

    def test_last_record(self):
        check = self.check("Last record", "Switch")
        self.assertRed(check, "No records yet")
        action = self.remedy(check, self.operator)
        self.assertEqual(action["res_model"], "metered.import")
        self.assertEqual(action["context"]["default_source_id"], self.source.id)
        self.make_calls(50)
        self.assertRed(self.check("Last record", "Switch"), "None since")
        self.make_calls(50, 2)
        self.assertTrue(self.check("Last record", "Switch")["ok"])

    def test_sources_that_matter(self):
        """Those of the identifiers and accounts; all where one is for all."""
        other = self.make_source(name="Other")
        self.assertEqual(
            set(self.groups()), {"Rating and invoicing", "Switch", "Other"}
        )
        self.customer.metered_identifier_ids.source_id = self.source
        self.assertNotIn("Other", self.groups())
        account = self.env["metered.source.account"].create(
            {"name": "acme", "source_id": other.id, "partner_id": self.customer.id}
        )
        self.assertEqual(self.check("Account", "Other")["detail"], "acme")
        account.active = False
        self.assertNotIn("Other", self.groups())
        self.customer.metered_identifier_ids.source_id = other
        check = self.check("Account", "Other")
        self.assertRed(check, "archived")
        self.assertEqual(self.remedy(check)["res_id"], account.id)

    def test_archived_source(self):
        self.customer.metered_identifier_ids.source_id = self.source
        self.source.active = False
        check = self.check("Source", "Switch")
        self.assertRed(check, "archived")
        action = self.remedy(check)
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("metered.source", self.source.id)
        )

    def test_newest_calls_are_found_by_index(self):
        """Whatever the number of calls, only the newest are read."""
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute(
            f"EXPLAIN {LAST_RECORDS}",
            {
                "contacts": self.customer.ids,
                "most": LATEST_CALLS,
                "company": self.company.id,
            },
        )
        plan = "\n".join(row[0] for row in self.env.cr.fetchall())
        # Which index the planner takes for a small table depends on its statistics.
        self.assertNotIn("Seq Scan on metered_cdr", plan)
        self.assertIn("Limit", plan)
        self.env.cr.execute(
            "SELECT indexdef FROM pg_indexes"
            " WHERE indexname IN ('metered_cdr_usage_idx', 'metered_cdr_unused_idx')"
            " ORDER BY indexname"
        )
        [unused], [usage] = self.env.cr.fetchall()
        self.assertIn("(partner_id, start_time)", unused)
        self.assertIn("(usage_id)", usage)

    # === WHO === #

    def test_contacts_share_the_companys_tab(self):
        contact = self.env["res.partner"].create(
            {"name": "Branch", "parent_id": self.customer.id}
        )
        self.make_identifier(contact, "+14045550122")
        self.make_calls(1, number="+14045550122")
        self.assertEqual(contact.metered_check_info, self.customer.metered_check_info)
        self.assertEqual(contact.metered_usage_info, self.customer.metered_usage_info)
        self.assertEqual(contact.metered_owner_id, self.customer)
        self.assertFalse(self.customer.metered_owner_id)
        self.assertEqual(
            self.customer.metered_contact_identifier_ids, contact.metered_identifier_ids
        )
        self.assertFalse(contact.metered_contact_identifier_ids)
        self.assertEqual(self.check("Identifiers")["detail"], "Phone number: 2")
        action = self.customer.action_view_metered_cdrs()
        self.assertTrue(self.env["metered.cdr"].search(action["domain"]))

    def test_what_a_user_cannot_do_has_no_button(self):
        self.deck.rate_ids.date_to = TODAY - datetime.timedelta(days=2)
        self.subscription.in_progress = False
        self.env.ref("metered_billing.meter_premium").product_id = False
        partner = self.customer.with_user(self.operator)
        for name in ("Rates", "Call types", "Subscription"):
            check = self.check(name, partner=partner)
            self.assertRed(check)
            self.assertNotIn("call", check, name)
        self.assertIn("call", self.check("Last record", "Switch", partner=partner))

    def test_others_see_no_tab(self):
        outsider = new_test_user(self.env, "outsider", "base.group_user")
        partner = self.customer.with_user(outsider)
        ours = [name for name in partner.fields_get() if name.startswith("metered_")]
        self.assertFalse(ours)
        with self.assertRaises(AccessError):
            partner.read(["metered_check_info"])

    def test_another_company_has_its_own(self):
        company = self.env["res.company"].create({"name": "Other Telecom"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "metered_billing.group_metered_user",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self.make_calls(1)
        partner = self.customer.with_user(stranger)
        self.assertEqual(partner.metered_check_info["groups"], [])
        [block] = partner.metered_usage_info["blocks"]
        self.assertFalse(block["rows"])
        with self.assertRaises(AccessError):
            partner.action_metered_remedy("source", self.source.id)

    def test_invoice_by_hand(self):
        contact = self.env["res.partner"].create(
            {"name": "Branch", "parent_id": self.customer.id}
        )
        action = contact.with_user(self.operator).action_metered_manual_invoice()
        wizard = self.env[action["res_model"]].with_user(self.operator)
        defaults = wizard.with_context(**action["context"]).default_get(["partner_id"])
        self.assertEqual(defaults["partner_id"], self.customer.id)

    def test_unknown_place(self):
        with self.assertRaises(UserError):
            self.customer.action_metered_remedy("nowhere")

    # === USAGE SO FAR === #

    def blocks(self):
        self.customer.invalidate_recordset()
        return self.customer.metered_usage_info["blocks"]

    def test_usage_of_the_running_period(self):
        self.make_calls(1, 2)
        self.import_calls(self.source, ("n", ago(1), 90, NUMBER, "+12125550199"))
        [block] = self.blocks()
        self.assertIn(self.subscription.display_name, block["billed"])
        self.assertEqual(
            [(row["records"], row["quantity"]) for row in block["rows"]],
            [("1", "1.5 min"), ("2", "2.0 min")],
        )
        # 0.06 a minute
        self.assertIn("0.09", block["rows"][0]["amount"])
        self.assertIn("0.12", block["rows"][1]["amount"])
        self.assertIn("0.21", block["totals"][0])

    def test_total_is_that_of_rounded_lines(self):
        """Two lines of 0.015 are two cents each on the invoice."""
        self.import_calls(
            self.source,
            ("n", ago(1), 15, NUMBER, "+12125550199"),
            ("i", ago(1), 15, NUMBER, "+442079460120"),
        )
        [block] = self.blocks()
        self.assertIn("0.04", block["totals"][0])
        subscription = self.subscription
        subscription.sale_subscription_line_ids.unlink()
        self.make_product_line(subscription)
        subscription.generate_invoice()
        self.assertAlmostEqual(subscription.invoice_ids.amount_untaxed, 0.04)

    def make_product_line(self, subscription):
        """A line that is free: subscription_oca invoices nothing without a line."""
        product = self.env["product.product"].create(
            {"name": "Free", "type": "service", "list_price": 0.0}
        )
        self.env["sale.subscription.line"].create(
            {
                "sale_subscription_id": subscription.id,
                "product_id": product.id,
                "name": "Free",
                "price_unit": 0.0,
                "tax_ids": [Command.clear()],
            }
        )

    def test_invoiced_usage_is_gone(self):
        self.make_calls(1)
        self.subscription.recurring_next_date = TODAY
        self.subscription.generate_invoice()
        [block] = self.blocks()
        self.assertFalse(block["rows"])

    def test_late_and_later_usage(self):
        self.subscription.write(
            {
                "date_start": TODAY - datetime.timedelta(days=90),
                "recurring_next_date": TODAY - datetime.timedelta(days=5),
            }
        )
        self.make_calls(60, 10, 1)
        late, running, later = self.blocks()
        self.assertIn("late", late["title"])
        self.assertIn("Due since", running["billed"])
        self.assertIn("following renewal", later["billed"])
        self.assertTrue(all(len(b["rows"]) == 1 for b in (late, running, later)))

    def test_what_the_period_comes_to_at_this_pace(self):
        due = self.subscription.recurring_next_date
        start = self.subscription._metered_period_start(due)
        self.make_calls(1, 2)
        [block] = self.blocks()
        amount = 0.12 * (due - start).days / (TODAY - start).days
        self.assertIn(f"about ${amount:.2f}", block["pace"].replace("\xa0", ""))
        # Two days tell nothing, and what is due is over.
        self.subscription.recurring_next_date = TODAY + relativedelta(months=1, days=-1)
        self.assertFalse(self.blocks()[-1]["pace"])
        self.subscription.recurring_next_date = TODAY
        self.assertFalse(any(block["pace"] for block in self.blocks()))

    def test_first_day_is_the_first_renewal(self):
        """As subscription_oca starts it: no period that ends before it begins."""
        self.subscription.write({"date_start": TODAY, "recurring_next_date": TODAY})
        self.make_calls(0)
        [block] = self.blocks()
        self.assertTrue(block["title"].startswith("From "), block["title"])
        self.assertEqual(block["rows"][0]["records"], "1")

    def test_usage_by_month(self):
        self.assertEqual(self.customer.metered_history_info, {"months": []})
        this_month = TODAY.replace(day=1)
        last = (TODAY - (this_month - relativedelta(months=1, days=-4))).days
        self.make_calls(0, last, last)
        self.customer.invalidate_recordset()
        months = self.customer.metered_history_info["months"]
        self.assertEqual(len(months), 6)
        self.assertEqual([month["percent"] for month in months], [0, 0, 0, 0, 100, 50])
        self.assertIn("0.12", months[4]["amount"])
        self.assertIn("0.06", months[5]["amount"])
        self.assertEqual([month["so_far"] for month in months], [False] * 5 + [True])

    def test_another_plan_is_tried_for_this_customer(self):
        contact = self.make_customer("Contact", parent_id=self.customer.id)
        action = contact.with_user(self.operator).action_metered_what_if()
        start = self.env[action["res_model"]].with_context(**action["context"])
        self.assertEqual(Form(start).partner_ids[:], self.customer)

    def test_calendar_month_without_subscription(self):
        self.subscription.in_progress = False
        self.make_calls(0, 70)
        before, month = self.blocks()
        self.assertIn("Before", before["title"])
        self.assertEqual(month["rows"][0]["records"], "1")
        self.assertIn("no active subscription", month["billed"])

    def test_usage_of_another_subscription(self):
        """What names a subscription is billed with that one."""
        second = self.make_subscription(
            self.customer,
            TODAY - datetime.timedelta(days=10),
            TODAY + datetime.timedelta(days=25),
        )
        self.make_identifier(self.customer, "+14045550133", subscription_id=second.id)
        self.make_calls(1)
        self.make_calls(1, 2, number="+14045550133")
        first_block, second_block = self.blocks()
        self.assertIn(self.subscription.display_name, first_block["billed"])
        self.assertEqual(first_block["rows"][0]["records"], "1")
        self.assertIn(second.display_name, second_block["billed"])
        self.assertEqual(second_block["rows"][0]["records"], "2")
        second.in_progress = False
        _first, left = self.blocks()
        self.assertIn("Inactive subscriptions", left["title"])
        self.assertEqual(left["rows"][0]["records"], "2")


@freeze_time(NOW)
@tagged("post_install", "-at_install")
class TestSourceChecks(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source(name="Switch")

    def check(self, name):
        self.source.invalidate_recordset()
        [group] = self.source.check_info["groups"]
        [check] = [c for c in group["checks"] if c["name"] == name]
        return check

    def remedy(self, check):
        model, record_id, method, args = check["call"]
        return getattr(self.env[model].browse(record_id), method)(*args)

    def test_works(self):
        self.make_customer("Acme", NUMBER)
        self.import_calls(self.source, ("1", ago(1), 60, NUMBER, "+12125550199"))
        self.assertEqual(self.source.check_state, "ok")
        [group] = self.source.check_info["groups"]
        self.assertTrue(group["ok"])

    def test_new_source_says_what_is_missing(self):
        self.assertEqual(self.source.check_state, "wrong")
        check = self.check("Customers")
        self.assertEqual(self.remedy(check)["res_model"], "metered.identifier")
        check = self.check("Last import")
        self.assertEqual(self.remedy(check)["res_model"], "metered.import")

    def test_nothing_known_about_columns_and_payers(self):
        self.source.column_ids.unlink()
        self.source.payer_ids.unlink()
        self.assertEqual(self.check("Columns")["page"], "columns")
        self.assertIn("start time", self.check("Columns")["detail"])
        self.assertEqual(self.check("Customer lookup")["page"], "payers")

    def test_archived(self):
        self.source.active = False
        check = self.check("Active")
        self.assertFalse(check["ok"])
        self.remedy(check)
        self.assertTrue(self.source.active)

    def test_failed_import(self):
        batch = self.import_calls(
            self.source, ("1", ago(1), 60, NUMBER, "+12125550199")
        )
        batch.state = "failed"
        check = self.check("Last import")
        self.assertIn("failed", check["detail"])
        self.assertEqual(self.remedy(check)["res_id"], batch.id)
        batch.state = "undone"
        self.assertIn("Nothing imported yet", self.check("Last import")["detail"])

    def test_silent(self):
        batch = self.import_calls(
            self.source, ("1", ago(1), 60, NUMBER, "+12125550199")
        )
        batch.finished = fields.Datetime.now() - datetime.timedelta(days=50)
        self.assertIn("Nothing since", self.check("Last import")["detail"])

    def test_user_cannot_restore(self):
        self.source.active = False
        operator = new_test_user(
            self.env, "operator", "metered_billing.group_metered_user"
        )
        source = self.source.with_user(operator)
        [group] = source.check_info["groups"]
        self.assertNotIn("call", group["checks"][0])
        with self.assertRaises(AccessError):
            source.action_remedy("restore")
