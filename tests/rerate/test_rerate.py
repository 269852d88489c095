# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rating stored CDRs once more: exact, nothing lost, only what changes is written."""

from unittest.mock import patch

from odoo.tests import tagged

from ...stored import rerate as module
from ..support.metered_case import MeteredCase

PHONE = "+14045550100"


@tagged("post_install", "-at_install")
class TestRerate(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", PHONE)
        cls.batch = cls.import_calls(
            cls.source,
            ("1", "2026-10-05 10:00:00", 60, PHONE, "+12125550199"),
            ("2", "2026-10-05 11:00:00", 90, PHONE, "+12125550199"),
            ("3", "2026-10-06 10:00:00", 30, PHONE, "+442079460120"),
        )

    def own_deck(self, **values):
        """Another deck for the customer: what its usage is rated with from now on."""
        deck = self.make_deck("Own", **values)
        self.customer.metered_deck_id = deck
        return deck

    def amounts(self):
        return [
            (u.day.day, u.records, u.billed_quantity, round(u.amount, 6))
            for u in self.usage(self.customer)
        ]

    def assert_sums(self):
        """Every usage row is the sum of its CDRs, and every import adds up."""
        self.env.cr.execute(
            """
            SELECT usage.id FROM metered_usage usage
              LEFT JOIN metered_cdr cdr ON cdr.usage_id = usage.id
             GROUP BY usage.id
            HAVING usage.records != count(cdr.id)
                OR usage.amount != coalesce(sum(cdr.charge), 0)
                OR usage.quantity != coalesce(sum(cdr.quantity), 0)
                OR usage.billed_quantity != coalesce(sum(cdr.billed_quantity), 0)
                OR bool_or(cdr.currency_id != usage.currency_id)
            """
        )
        self.assertFalse(self.env.cr.fetchall())
        for batch in self.env["metered.batch"].search([]):
            self.assertEqual(batch.balance, "ok")

    def test_todays_price(self):
        deck = self.own_deck()
        rate = self.make_rate(deck, "", price=0.12, initial_increment=60, increment=60)
        done = self.usage(self.customer)._rerate()
        self.assertEqual((done.changed, done.unrated), (3, []))
        # 60 + 120 s at 0.12 a minute; 60 s at 0.12
        self.assertEqual(self.amounts(), [(5, 2, 180, 0.36), (6, 1, 60, 0.12)])
        self.assertEqual(self.cdrs(self.batch).rate_id, rate)
        self.assertTrue(rate.used)
        self.assert_sums()

    def test_before_and_after(self):
        deck = self.own_deck()
        self.make_rate(deck, "1", price=0.12)
        self.make_rate(deck, "44", price=0.06)
        usage = self.usage(self.customer)
        told = usage._rerate(write=False)
        self.assertEqual(told.changed, 3)
        self.assertEqual(told.before["charge_micro"].tolist(), [150_000, 30_000])
        self.assertEqual(told.after["charge_micro"].tolist(), [300_000, 30_000])
        self.assertEqual(told.after["usage_id"].tolist(), usage.ids)
        # Told only: nothing is written.
        self.assertEqual(self.amounts(), [(5, 2, 150, 0.15), (6, 1, 30, 0.03)])
        self.assertFalse(any(deck.rate_ids.mapped("used")))

    def test_writes_only_what_changes(self):
        deck = self.own_deck()
        self.make_rate(deck, "44", price=0.18)
        self.env.cr.execute("SELECT id, xmin, ctid FROM metered_cdr ORDER BY id")
        before = self.env.cr.fetchall()
        self.assertEqual(self.usage(self.customer)._rerate().changed, 1)
        self.env.cr.execute("SELECT id, xmin, ctid FROM metered_cdr ORDER BY id")
        same = [row in before for row in self.env.cr.fetchall()]
        self.assertEqual(same, [True, True, False])
        self.assertEqual(self.amounts(), [(5, 2, 150, 0.15), (6, 1, 30, 0.09)])

    def test_rates_ended_and_begun_anew(self):
        """A used rate keeps its price; the one that follows it counts from its day."""
        old = self.deck.rate_ids
        old.date_to = "2026-10-06"
        self.make_rate(self.deck, "", price=0.6, date_from="2026-10-06")
        self.assertEqual(self.usage(self.customer)._rerate().changed, 1)
        self.assertEqual(self.amounts(), [(5, 2, 150, 0.15), (6, 1, 30, 0.3)])

    def test_no_rate_any_more(self):
        deck = self.own_deck()
        self.make_rate(deck, "1", price=0.06)
        self.company.metered_deck_id = False
        usage = self.usage(self.customer)
        done = usage._rerate()
        self.assertEqual([record.call_id for record in done.unrated], ["3"])
        self.assertEqual(done.after["usage_id"].tolist(), usage[:1].ids)
        self.assertEqual(usage.exists(), usage[:1])
        exception = self.exceptions(self.batch)
        self.assertRecordValues(
            exception,
            [
                {
                    "state": "open",
                    "reason": "no_rate",
                    "detail": "+442079460120",
                    "call_id": "3",
                    "line": 4,
                    "seconds": 30,
                    "partner_id": self.customer.id,
                    "readable": True,
                }
            ],
        )
        self.assertEqual((self.batch.rated, self.batch.exceptions), (2, 1))
        self.assert_sums()
        # With a rate it is cured, from its raw record, as any exception.
        self.make_rate(deck, "44", price=0.6)
        self.assertEqual(exception._retry(), 1)
        self.assertEqual(self.amounts(), [(5, 2, 150, 0.15), (6, 1, 30, 0.3)])
        self.assert_sums()

    def test_same_exception_again(self):
        """What was an exception once and was cured is that exception again."""
        deck = self.own_deck()
        self.make_rate(deck, "1", price=0.06)
        self.company.metered_deck_id = False
        self.usage(self.customer)._rerate()
        exception = self.exceptions(self.batch)
        rate = self.make_rate(deck, "44", price=0.6)
        exception._retry()
        rate.date_to = "2026-01-01"
        self.usage(self.customer)._rerate()
        self.assertEqual(self.exceptions(self.batch), exception)
        self.assertEqual(exception.state, "open")
        self.assert_sums()

    def test_without_the_file(self):
        """Its facts are kept, and it says that it cannot be tried again."""
        self.batch.attachment_id = False
        self.deck.active = False
        self.usage(self.customer)._rerate()
        exceptions = self.exceptions(self.batch)
        self.assertEqual(exceptions.mapped("readable"), [False] * 3)
        self.assertIn("+442079460120", exceptions[2].raw)
        self.assert_sums()

    def test_other_currency(self):
        euro = self.env.ref("base.EUR")
        deck = self.own_deck(currency_id=euro.id)
        self.make_rate(deck, "44", price=0.6)
        first, second = self.usage(self.customer)
        done = (first | second)._rerate()
        moved = self.usage(self.customer) - first
        self.assertEqual(done.after["usage_id"].tolist(), (first | moved).ids)
        self.assertFalse(second.exists())
        self.assertRecordValues(
            moved,
            [
                {
                    "currency_id": euro.id,
                    "records": 1,
                    "quantity": 30,
                    "amount": 0.3,
                    "collecting": False,
                    "meter_id": self.env.ref("metered_billing.meter_international").id,
                }
            ],
        )
        self.assertEqual(first.currency_id, self.company.currency_id)
        self.assert_sums()

    def test_in_chunks(self):
        """Chunks change nothing: one record at a time gives the same usage."""
        deck = self.own_deck(currency_id=self.env.ref("base.EUR").id)
        self.make_rate(deck, "1212", price=0.031, initial_increment=7, increment=7)
        usage = self.usage(self.customer)
        whole = usage._rerate(write=False).after
        with patch.object(module, "CHUNK_RECORDS", 1):
            chunked = usage._rerate(write=False).after
            self.assertEqual(chunked.to_dict("list"), whole.to_dict("list"))
            usage._rerate()
        self.assertEqual(len(self.usage(self.customer)), 2)
        self.assert_sums()

    def test_twice_is_once(self):
        deck = self.own_deck()
        self.make_rate(deck, "", price=0.0371, initial_increment=6, increment=6)
        self.assertEqual(self.usage(self.customer)._rerate().changed, 3)
        amounts = self.amounts()
        self.assertEqual(self.usage(self.customer)._rerate().changed, 0)
        self.assertEqual(self.amounts(), amounts)

    def test_records_that_left(self):
        """Usage keeps the sums of CDRs whose retention time is over."""
        self.env.cr.execute(
            "DELETE FROM metered_cdr WHERE batch_id = %s AND call_id = '1'",
            (self.batch.id,),
        )
        deck = self.own_deck()
        self.make_rate(deck, "", price=0.12)
        self.usage(self.customer)._rerate()
        self.assertEqual(self.amounts(), [(5, 2, 150, 0.24), (6, 1, 30, 0.06)])
