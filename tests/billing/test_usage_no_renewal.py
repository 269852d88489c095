# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Open usage is taken by a coming renewal, or counted as left: never neither.

The cases are the product of everything that decides it: whose the usage is, what it
names, and how the subscriptions around it are.
"""

from itertools import product

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from ..support.metered_case import MeteredCase

#: how a subscription of somebody is
HOW = (
    "none",
    "running",
    "paused",
    "closed",
    "archived",
    "dateless",
    "later",
    "other_company",
    "line",
    "later_line",
    "archived_line",
)


class NoRenewalCase(MeteredCase):
    """A holding with a branch, that with a shop and its contact, and a stranger."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["sale.subscription"].search([]).active = False
        cls.other = cls.env["res.company"].create({"name": "Other"})
        cls.meter = cls.make_meter("Doors")
        price = cls.make_price(cls.meter, (0, 1.0))
        cls.doors = cls.make_metered_product("Doors", price)
        cls.meter.product_id = cls.doors
        make = cls.env["res.partner"].create
        cls.holding = make({"name": "Holding", "is_company": True})
        cls.branch = make(
            {"name": "Branch", "is_company": True, "parent_id": cls.holding.id}
        )
        cls.shop = make(
            {"name": "Shop", "is_company": True, "parent_id": cls.branch.id}
        )
        cls.contact = make({"name": "Ann", "parent_id": cls.shop.id})
        cls.stranger = make({"name": "Stranger", "is_company": True})
        cls.nobody = make({"name": "Nobody"})
        cls.everybody = cls.holding | cls.branch | cls.shop | cls.contact | cls.stranger
        cls.call = cls.env.ref("metered_billing.meter_national")

    # === MAKERS === #

    def use(self, partner, day="2026-10-05", subscription=None, **values):
        """A row of usage, as an import stores it."""
        values = self.usage_values(partner, day, subscription, **values)
        return self.env["metered.usage"].sudo().create(values)

    def usage_values(self, partner, day, subscription, **values):
        return {
            "company_id": self.company.id,
            "partner_id": partner.id,
            "subscription_id": subscription.id if subscription else False,
            "meter_id": self.meter.id,
            "day": day,
            "currency_id": self.company.currency_id.id,
            "records": 1,
            "quantity": 1.0,
            "billed_quantity": 0.0,
            "amount": 0.0,
            "collecting": True,
            **values,
        }

    def use_all(self, *subscriptions):
        """Usage of everybody, of two meters, on two days, naming each and none."""
        cases = product(
            self.everybody,
            ("2026-10-05", "2026-11-05"),
            {None, *filter(None, subscriptions)},
            (self.meter, self.call),
        )
        return (
            self.env["metered.usage"]
            .sudo()
            .create(
                [
                    self.usage_values(partner, day, named, meter_id=meter.id)
                    for partner, day, named, meter in cases
                ]
            )
        )

    def prepare(self):
        """Subscriptions in all states, of somebody else so far.

        :return: function (partner, how) that gives one to a partner
        """
        ready = {how: self.subscribe(self.nobody, how) for how in HOW}

        def give(partner, how):
            self.env.cr.execute(
                "UPDATE sale_subscription SET partner_id = %s WHERE id = ANY(%s)",
                (partner.id, ready[how].ids),
            )
            self.env.invalidate_all()
            return ready[how]

        return give

    def subscribe(self, partner, how):
        """A subscription of a customer, that is so; empty for none."""
        if how == "none":
            return self.env["sale.subscription"]
        start = "2026-11-01" if how.startswith("later") else "2026-10-01"
        subscription = self.make_subscription(partner, start, "2026-11-01")
        if how.endswith("line"):
            subscription.sale_subscription_line_ids = [
                Command.create({"product_id": self.doors.id})
            ]
        if how == "paused":
            subscription.is_paused = True
        elif how == "closed":
            with freeze_time("2026-10-02 12:00:00"):
                subscription.close_subscription()
        elif how.startswith("archived"):
            subscription.active = False
        elif how == "dateless":
            subscription.recurring_next_date = False
        elif how == "other_company":
            # As data that came from elsewhere may be.
            self.env.cr.execute(
                "UPDATE sale_subscription SET company_id = %s WHERE id = %s",
                (self.other.id, subscription.id),
            )
            self.env.invalidate_all()
        return subscription

    def renewing(self):
        """The subscriptions that have a coming renewal."""
        return self.env["sale.subscription"].search(
            [
                ("company_id", "=", self.company.id),
                ("in_progress", "=", True),
                ("recurring_next_date", "!=", False),
                ("partner_id", "!=", self.nobody.id),
            ],
            order="id",
        )

    def claimed(self):
        """What the renewals claim."""
        return self.renewing()._metered_waiting_usage()

    def counted(self):
        """What the list of usage that no renewal takes has."""
        return self.env["metered.usage"].search(
            [("no_renewal", "=", True), ("company_id", "=", self.company.id)]
        )

    def assert_told(self, usage):
        """Each row is claimed or counted: never neither, never both."""
        claimed, counted = self.claimed(), self.counted()
        self.assertFalse(claimed & counted)
        self.assertEqual((claimed | counted) & usage, usage)
        self.assert_payers_agree()
        usage.invalidate_recordset(["no_renewal"])
        self.assertEqual(usage.filtered("no_renewal"), counted & usage)
        return counted & usage

    def assert_payers_agree(self):
        """Looked at from below and from above, the same pays for everybody."""
        everybody = self.everybody.exists()
        owners = everybody.commercial_partner_id
        households = owners._metered_households()
        paying = (
            self.env["sale.subscription"]
            .search([("company_id", "=", self.company.id), ("in_progress", "=", True)])
            .partner_id.commercial_partner_id
        ) & owners
        for partner in everybody:
            payers = paying.filtered(
                lambda owner, partner=partner: (
                    partner.id in households[owner.id].implied
                )
            )
            owner = partner.commercial_partner_id
            self.assertEqual(partner._metered_payer(), payers or owner)

    def each(self, check, *dimensions):
        """Check all combinations, each from the beginning."""
        for case in product(*dimensions):
            with self.subTest(case=case), self.env.cr.savepoint() as savepoint:
                check(*case)
                savepoint.rollback()
                self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestUsageNoRenewal(NoRenewalCase):
    # === THE PRODUCT OF ALL CASES === #

    def test_claimed_or_counted(self):
        """A subscription of the holding and one of the branch, in all states."""

        of_first, of_second = self.prepare(), self.prepare()

        def check(of_holding, of_branch):
            usage = self.use_all(
                of_first(self.holding, of_holding), of_second(self.branch, of_branch)
            )
            self.assert_told(usage)
            self.holding.metered_bills_children = False
            self.assert_told(usage)

        self.each(check, HOW, HOW)

    def test_two_subscriptions_of_one_customer(self):
        """One has a line for the meter, perhaps only from later on."""
        of_first, of_second = self.prepare(), self.prepare()

        def check(first, second):
            self.assert_told(
                self.use_all(
                    of_first(self.holding, first), of_second(self.holding, second)
                )
            )

        self.each(check, HOW, HOW[1:])

    def test_what_is_claimed_is_on_an_invoice(self):
        """The renewals do what is said of them."""

        def check(of_holding, of_branch):
            usage = self.use_all(
                self.subscribe(self.holding, of_holding),
                self.subscribe(self.branch, of_branch),
            )
            left = self.assert_told(usage)
            for _month in range(2):
                self.renewing()._metered_renew()
            usage.invalidate_recordset()
            self.assertEqual(usage.filtered(lambda u: not u.invoice_line_id), left)

        self.each(check, ("none", "running", "later_line"), ("none", "closed", "line"))

    def test_which_is_which(self):
        """The rules, told by examples."""

        def left(whose, of_holding, of_branch, bills=True, named=False):
            with self.env.cr.savepoint() as savepoint:
                self.holding.metered_bills_children = bills
                subscription = self.subscribe(self.holding, of_holding)
                self.subscribe(self.branch, of_branch)
                usage = self.use(
                    getattr(self, whose), subscription=named and subscription
                )
                found = bool(self.assert_told(usage))
                savepoint.rollback()
            self.env.invalidate_all()
            return found

        self.assertFalse(left("shop", "running", "none"))
        self.assertTrue(left("shop", "running", "none", bills=False))
        self.assertFalse(left("shop", "running", "none", bills=False, named=True))
        self.assertFalse(left("contact", "none", "running", bills=False))
        self.assertFalse(left("branch", "running", "closed"))
        self.assertTrue(left("branch", "running", "dateless"))
        self.assertFalse(left("holding", "paused", "none"))
        self.assertTrue(left("holding", "later", "none"))
        self.assertTrue(left("holding", "none", "running"))
        self.assertTrue(left("stranger", "running", "running"))
        self.assertTrue(left("stranger", "running", "none", named=True))
        self.assertTrue(left("holding", "closed", "none", named=True))

    def test_changed_afterwards(self):
        """A renewal was to take it, and then something was changed by force."""

        def customer_of_the_subscription(subscription):
            self.env.cr.execute(
                "UPDATE sale_subscription SET partner_id = %s WHERE id = %s",
                (self.stranger.id, subscription.id),
            )

        def company_above(subscription):
            self.branch.parent_id = False

        def archived_customer(subscription):
            self.branch.active = False

        def archived_subscription(subscription):
            subscription.active = False

        def began_later(subscription):
            subscription.date_start = "2026-10-20"

        def merged(subscription):
            self.env["base.partner.merge.automatic.wizard"].create({})._merge(
                (self.branch | self.stranger).ids, self.stranger
            )

        def check(change, named):
            subscription = self.subscribe(self.holding, "running")
            usage = self.use(self.branch, subscription=named and subscription)
            self.assertFalse(self.assert_told(usage))
            change(subscription)
            self.env.invalidate_all()
            # Who is merged with another keeps the company above.
            still = change in (archived_customer, merged)
            self.assertEqual(not self.assert_told(usage), still)

        self.each(
            check,
            (
                customer_of_the_subscription,
                company_above,
                archived_customer,
                archived_subscription,
                began_later,
                merged,
            ),
            (False, True),
        )

    # === WHAT IS REFUSED === #

    def test_an_identifier_names_a_subscription_of_its_customer(self):
        own = self.subscribe(self.stranger, "running")
        above = self.subscribe(self.holding, "running")
        with self.assertRaisesRegex(
            ValidationError, "cannot invoice usage of Stranger"
        ):
            self.make_identifier(self.stranger, "1", "key", subscription_id=above.id)
        identifier = self.make_identifier(
            self.stranger, "2", "key", subscription_id=own.id
        )
        with self.assertRaisesRegex(ValidationError, "cannot invoice usage of Shop"):
            identifier.partner_id = self.shop
        for place, partner in enumerate(
            (self.holding, self.branch, self.shop, self.contact)
        ):
            self.make_identifier(
                partner, f"of {place}", "key", subscription_id=above.id
            )
        below = self.subscribe(self.branch, "running")
        with self.assertRaisesRegex(ValidationError, "cannot invoice usage of Holding"):
            self.make_identifier(self.holding, "3", "key", subscription_id=below.id)

    def test_the_screens_offer_what_is_allowed(self):
        own = self.subscribe(self.stranger, "running")
        above = self.subscribe(self.holding, "running")
        identifier = self.make_identifier(self.contact, "1", "key")
        domain = identifier._fields["subscription_id"].domain
        offered = self.env["sale.subscription"].search(
            self.evaluate(domain, identifier)
        )
        self.assertIn(above, offered)
        self.assertNotIn(own, offered)
        assign = self.env["metered.exception.assign"]._fields["subscription_id"]
        self.assertEqual(assign.domain, domain)
        with Form(identifier) as form:
            form.subscription_id = above

    def evaluate(self, domain, identifier):
        return safe_eval(
            domain,
            {
                "company_id": identifier.company_id.id,
                "partner_id": identifier.partner_id.id,
            },
        )

    def test_a_subscriptions_customer_with_identifiers(self):
        subscription = self.subscribe(self.branch, "running")
        self.make_identifier(self.shop, "1", "key", subscription_id=subscription.id)
        with (
            self.assertRaisesRegex(ValidationError, "cannot invoice usage of Shop"),
            self.env.cr.savepoint(),
        ):
            subscription.partner_id = self.stranger
        subscription.partner_id = self.holding

    def test_a_subscriptions_customer_with_usage(self):
        subscription = self.subscribe(self.branch, "running")
        usage = self.use(self.shop)
        with (
            self.assertRaisesRegex(UserError, r"Usage of Shop \(1 record\)"),
            self.env.cr.savepoint(),
        ):
            subscription.partner_id = self.stranger
        # Where somebody bills it all the same, or nothing waits, it may change.
        subscription.partner_id = self.holding
        subscription.partner_id = self.branch
        subscription._metered_renew()
        self.assertTrue(usage.invoice_line_id)
        subscription.partner_id = self.stranger

    # === WHERE IT IS TOLD === #

    def check(self, partner):
        checks = partner._metered_checks(partner._metered_valid_identifiers())
        return {check.name: check for check in checks}["Usage to bill"]

    def test_customer_and_dashboard_tell_it_with_the_money(self):
        self.subscribe(self.holding, "later")
        left = self.use(self.holding, meter_id=self.call.id, amount=1.25)
        left |= self.use(self.shop, quantity=3.0)
        self.use(self.holding, "2026-11-05", meter_id=self.call.id, amount=7.0)
        check = self.check(self.holding)
        self.assertFalse(check.ok)
        # a call of 1.25, three doors at 1.00
        self.assertIn("2 records", check.detail)
        self.assertIn("4.25", check.detail)
        action = self.holding.action_metered_remedy(check.place)
        self.assertEqual(self.env["metered.usage"].search(action["domain"]), left)
        told = self.env["metered.dashboard"].get_dashboard()["renewals"]["no_renewal"]
        self.assertEqual(told["count"], 2)
        [money] = told["money"]
        self.assertAlmostEqual(money["value"], 4.25)
        self.assertEqual(self.env["metered.usage"].search(told["link"]["domain"]), left)
        self.holding.metered_bills_children = False
        self.assertIn("1.25", self.check(self.holding).detail)
        self.assertIn("3.00", self.check(self.shop).detail)

    def test_nothing_is_left(self):
        self.subscribe(self.holding, "running")
        self.use(self.shop)
        self.assertTrue(self.check(self.holding).ok)
        told = self.env["metered.dashboard"].get_dashboard()["renewals"]["no_renewal"]
        self.assertEqual((told["count"], told["money"]), (0, []))


@tagged("post_install", "-at_install")
class TestChildCompanies(NoRenewalCase):
    """What the invoice of a company says about the companies below it."""

    def test_one_price_of_all_together(self):
        """Tiers are those of the subscription: 2 at 1.00, then 0.50 each."""
        price = self.make_price(self.meter, (2, 1.0), (0, 0.5))
        self.doors.metered_price_id = price
        subscription = self.subscribe(self.holding, "line")
        self.use(self.holding, quantity=2.0)
        self.use(self.shop, quantity=2.0)
        owner = self.use(self.branch, quantity=0.0)
        self.assertEqual(owner._metered_owner(), subscription)
        invoice = subscription._metered_renew()
        line = invoice.invoice_line_ids.filtered("metered_usage_ids")
        # 2 x 1.00 + 2 x 0.50
        self.assertEqual(line.price_subtotal, 3.0)
        # What comes late fills the tiers of its period.
        self.use(self.shop, "2026-10-07", quantity=1.0)
        late = subscription._metered_renew()
        self.assertEqual(
            late.invoice_line_ids.filtered("metered_usage_ids").price_subtotal, 0.5
        )

    def test_so_far_is_what_the_invoice_says(self):
        price = self.make_price(self.meter, (2, 1.0), (0, 0.5))
        self.doors.metered_price_id = price
        subscription = self.subscribe(self.holding, "line")
        usage = self.use(self.holding, quantity=2.0)
        usage |= self.use(self.shop, quantity=2.0)
        so_far = usage._price_so_far().amounts
        self.assertEqual(sum(amount for amount, _currency in so_far.values()), 3)
        # The tab of the shop shows where it is billed.
        self.assertEqual(self.shop.metered_owner_id, self.holding)
        self.assertEqual(self.shop._metered_subscriptions(), subscription)
        self.assertEqual(self.shop.metered_usage_info, self.holding.metered_usage_info)
        self.assertFalse(self.holding.metered_owner_id)

    def test_its_own_subscription_comes_later(self):
        self.subscribe(self.holding, "running")
        usage = self.use(self.shop)
        self.assertEqual(usage._metered_owner().partner_id, self.holding)
        own = self.subscribe(self.branch, "running")
        usage.invalidate_recordset()
        self.assertEqual(usage._metered_owner(), own)
        self.assertEqual(self.shop.metered_owner_id, self.branch)
