# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""In which country a customer's numbers are read, and what tells that it is wrong."""

import itertools

from odoo.tests import tagged
from odoo.tools import html2plaintext

from ...ingest.dial_plans import dial_plan
from ...ingest.load_more import add_identifiers
from ...ingest.numbers import exist, normalise_numbers, without_doubtful
from ..support.metered_case import MeteredCase
from .test_dialled import american

DIALLED = ("4045550123", "14045550123", "02079460120", "030123456", "+442079460120")


@tagged("post_install", "-at_install")
class TestDiallingCountries(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.germany = cls.env.ref("base.de")
        cls.britain = cls.env.ref("base.uk")
        cls.company.country_id = cls.germany
        cls.serial = itertools.count(1)
        for prefix, price in (("1", 0.1), ("49", 0.5), ("44", 0.3), ("40", 0.7)):
            cls.make_rate(cls.deck, prefix, price)

    def customer(self, source, country=None, account=None, **values):
        """A customer with a number of its own, and an account if it dials as one."""
        serial = next(self.serial)
        customer = self.make_customer(
            f"Customer {serial}",
            country_id=country.id if country else False,
            **values,
        )
        self.make_identifier(customer, f"+1404555{serial:04}")
        if account:
            self.env["metered.source.account"].create(
                {
                    "name": f"account {serial}",
                    "source_id": source.id,
                    "partner_id": customer.id,
                    "country_id": account.id,
                }
            )
        return customer

    def call(self, source, customer, *numbers):
        """Import calls of a minute to numbers; the import."""
        [caller] = customer.metered_identifier_ids.mapped("value")
        return self.import_calls(
            source,
            *(
                (f"c{next(self.serial)}", "2026-10-05 10:00:00", 60, caller, number)
                for number in numbers
            ),
        )

    def numbers_of(self, batch):
        """Numbers of an import by its lines, None for those that are exceptions."""
        found = {cdr.line: cdr.callee for cdr in self.cdrs(batch)}
        waiting = self.exceptions(batch).filtered(lambda e: e.state == "open")
        for exception in waiting:
            self.assertEqual(exception.reason, "no_destination")
            found[exception.line] = None
        return [found[line] for line in sorted(found)]

    def test_every_order_of_what_is_known(self):
        choices = (None, self.usa, self.britain, self.germany)
        for home in (self.germany, self.usa):
            source = self.make_source(country_id=home.id)
            for account, own in itertools.product(choices, choices):
                with self.subTest(home=home.code, account=account, own=own):
                    country = account or own or home
                    wanted = normalise_numbers(list(DIALLED), dial_plan(country.code))
                    if not account:
                        wanted = without_doubtful(
                            wanted,
                            normalise_numbers(list(DIALLED), dial_plan(home.code)),
                        )
                    customer = self.customer(source, own, account)
                    batch = self.call(source, customer, *DIALLED)
                    self.assertEqual(self.numbers_of(batch), wanted.to_pylist())
                    for number, read in zip(DIALLED, wanted.to_pylist(), strict=True):
                        finder = self.env["metered.rate.finder"].create(
                            {
                                "number": number,
                                "source_id": source.id,
                                "partner_id": customer.id,
                                "moment": "2026-10-05 10:00:00",
                            }
                        )
                        said = html2plaintext(finder.result)
                        self.assertIn(
                            read
                            or "is not a number that can be called from "
                            f"{country.name}",
                            said,
                        )

    def test_an_american_on_a_german_switch(self):
        source = self.make_source(country_id=self.germany.id)
        customer = self.customer(source, self.usa)
        batch = self.call(source, customer, "4045550123", "0114930123456")
        self.assertEqual(
            [(cdr.callee, cdr.charge) for cdr in self.cdrs(batch)],
            [("+14045550123", 0.1), ("+4930123456", 0.5)],
        )

    def test_whose_country(self):
        """The contact's own, else its company's; unless nobody knows how it dials."""
        source = self.make_source(country_id=self.germany.id)
        parent = self.customer(source, self.usa, is_company=True)
        branch = self.customer(source, parent_id=parent.id, type="other")
        unknown = self.env["res.country"].create({"name": "Nowhere", "code": "XQ"})
        nowhere = self.customer(source, unknown)
        branch.country_id = False
        self.assertEqual(
            self.numbers_of(self.call(source, branch, "4045550123")), ["+14045550123"]
        )
        self.assertEqual(
            self.numbers_of(self.call(source, nowhere, "4045550123")), ["+494045550123"]
        )

    def test_identifiers_of_later_are_read_alike(self):
        source = self.make_source(country_id=self.germany.id)
        self.customer(source, self.usa)
        self.customer(source, self.usa, self.britain)
        settings = source._load_settings()
        for own, account in (
            (self.usa, None),
            (None, None),
            (self.germany, None),
            (self.usa, self.britain),
        ):
            customer = self.customer(source, own, account)
            settings = add_identifiers(
                settings, source, customer.metered_identifier_ids
            )
            whole = source._load_settings()
            self.assertEqual(settings.assumed_dial_plans, whole.assumed_dial_plans)
            now, wanted = settings.payers.dial_plan, whole.payers.dial_plan
            self.assertEqual(now.tolist(), wanted.tolist())
        customer = self.customer(source, self.britain)
        self.assertIsNone(
            add_identifiers(settings, source, customer.metered_identifier_ids)
        )

    def test_numbers_that_are_not_guessed_wait_until_it_is_told(self):
        source = self.make_source(country_id=self.usa.id)
        british = self.customer(source, self.britain)
        batch = self.call(source, british, "4045550123")
        self.assertEqual(self.numbers_of(batch), [None])
        self.env["metered.source.account"].create(
            {
                "name": "acme",
                "source_id": source.id,
                "partner_id": british.id,
                "country_id": self.usa.id,
            }
        )
        self.env.cr.flush()
        self.assertEqual(self.numbers_of(batch), ["+14045550123"])
        moved = self.customer(source, self.britain)
        batch = self.call(source, moved, "4045550123")
        self.assertEqual(self.numbers_of(batch), [None])
        moved.country_id = self.usa
        self.env.cr.flush()
        self.assertEqual(self.numbers_of(batch), ["+14045550123"])

    # === CHECKS === #

    def checks(self, record):
        info = (
            record.metered_check_info
            if record._name == "res.partner"
            else record.check_info
        )
        return [
            check
            for group in info["groups"]
            for check in group["checks"]
            if check["name"] == "Numbers"
        ]

    def press(self, check):
        model, record, method, args = check["call"]
        return getattr(self.env[model].browse(record), method)(*args)

    def test_numbers_that_do_not_exist(self):
        source = self.make_source(country_id=self.britain.id)
        source.company_id.country_id = self.usa
        customer = self.customer(source)
        # British numbers begin with none of these.
        called = [number for number in american(400) if number[0] in "46"]
        self.call(source, customer, *called)
        for record in (source, customer):
            [check] = self.checks(record)
            self.assertFalse(check["ok"])
            self.assertRegex(
                check["detail"],
                r"^\d+% of the last \d+ numbers called are not valid as dialed in "
                r"United Kingdom\. Their calls cost [\d.]+ USD\. "
                r"\d+% of these are numbers in United States\. Set the customer's",
            )
            calls = self.env["metered.cdr"].search(self.press(check)["domain"])
            self.assertTrue(calls)
            self.assertFalse(exist(calls.mapped("callee")).any())
            cost = sum(calls.mapped("charge"))
            self.assertIn(f"{round(cost, 6):g} USD", check["detail"])
        # Told where it dials, and imported again, all is well.
        self.env["metered.cdr"].search([]).unlink()
        customer.country_id = self.usa
        again = self.call(source, customer, *american(100, seed=2))
        self.assertEqual(
            self.numbers_of(again), [f"+1{number}" for number in american(100, seed=2)]
        )
        for record in (source, customer):
            record.invalidate_recordset()
            [check] = self.checks(record)
            self.assertTrue(check["ok"], check["detail"])

    def test_nothing_tells_where_it_dials(self):
        """In Germany all of America's numbers exist: what is stricter is suspected."""
        source = self.make_source(country_id=self.germany.id)
        self.customer(source, account=self.usa)
        customer = self.customer(source)
        self.call(source, customer, *american(60))
        for record in (customer, source):
            [check] = self.checks(record)
            self.assertFalse(check["ok"])
            self.assertIn("the source's home country", check["detail"])
            self.assertIn("are numbers in United States", check["detail"])
            self.assertEqual(
                self.env["metered.cdr"].search_count(self.press(check)["domain"]), 60
            )
        # What Germans dial is nobody's in America.
        self.env["metered.cdr"].search([]).unlink()
        self.call(source, customer, *(f"030{number}" for number in range(2200, 2260)))
        for record in (customer, source):
            record.invalidate_recordset()
            [check] = self.checks(record)
            self.assertTrue(check["ok"], check["detail"])

    def test_few_calls_are_not_judged(self):
        source = self.make_source(country_id=self.britain.id)
        customer = self.customer(source)
        self.call(source, customer, *american(10))
        self.assertFalse(self.checks(source) + self.checks(customer))
