# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The second calculation of periods: by hand, and against the engine at random."""

import datetime
import random
from fractions import Fraction
from unittest import TestCase

import pandas as pd

from odoo.addons.metered_billing import rating
from odoo.addons.metered_billing.audit.charge_models import (
    NoPrice,
    Terms,
    Tier,
    model_charge,
)
from odoo.addons.metered_billing.audit.period_price import (
    Record,
    Version,
    price_period,
)
from odoo.addons.metered_billing.rating.usage_price import ALWAYS

FIRST, END = datetime.date(2026, 3, 1), datetime.date(2026, 4, 1)
DAY_US = 86_400_000_000
TIERED = "graduated", "volume", "stairstep", "graduated_percentage"
MODELS = (*TIERED, "standard", "package", "percentage")


def at_us(day):
    return (day - datetime.date(1970, 1, 1)).days * DAY_US


class TestByHand(TestCase):
    def test_models(self):
        """The examples of rating/README.md."""
        tiers = (
            Tier(Fraction(10), Fraction(10), Fraction(2)),
            Tier(None, Fraction(5), Fraction(3)),
        )
        percentage = Terms(
            "percentage",
            rate=Fraction("2.99"),
            event_minimum=Fraction("1.75"),
            event_maximum=Fraction(12),
        )
        package = Terms("package", Fraction(100), size=Fraction(10))
        for terms, quantity, events, expected in (
            (Terms("graduated", tiers=tiers), 12, (), 115),
            (Terms("volume", tiers=tiers), 12, (), 63),
            (Terms("stairstep", tiers=tiers), 12, (), 3),
            (Terms("graduated", tiers=tiers), 0, (), 2),
            (Terms("graduated", tiers=tiers, fee_at_zero=False), 0, (), 0),
            (package, 111, (), 1200),
            (percentage, 10090, (10, 80, 10000), Fraction(8071, 500)),
            (Terms("standard", Fraction("-0.5")), -3, (), Fraction("1.5")),
        ):
            with self.subTest(model=terms.model, quantity=quantity):
                found = model_charge(terms, Fraction(quantity), events)
                self.assertEqual(found, expected)
        with self.assertRaises(NoPrice):
            model_charge(Terms("graduated", tiers=tiers[:1]), Fraction(11))

    def test_a_period(self):
        """1.4 thousand is 2, less 0.5 that are free, at 10; at least 20 of a month."""
        terms = Terms("standard", Fraction(10))
        version = Version(
            1,
            terms,
            ratio=Fraction(1, 1000),
            quantity_rounding="ceil",
            free_units=Fraction("0.5"),
        )
        records = [Record(FIRST, (1,), Fraction(1400))]
        found = price_period([version], records, FIRST, END)
        self.assertEqual(
            (found.quantity, found.amount), (Fraction(2), Fraction(15)), found.steps
        )
        least = Version(2, terms, minimum=Fraction(20))
        self.assertEqual(
            price_period([least], [], FIRST, END, Fraction(1, 2)).amount, 10
        )

    def test_rounding_without_usage_under_the_last_version(self):
        """What rounding adds is an event of the last version, by either."""
        terms, model = (
            make("percentage", rate=Fraction(10), fixed_fee=Fraction(1))
            for make in (Terms, rating.charge_model)
        )
        change = FIRST + datetime.timedelta(days=20)
        shared = {"quantity_rounding": "ceil"}
        versions = [Version(1, terms, **shared), Version(2, terms, change, **shared)]
        records = [Record(FIRST, (1,), Fraction("10.5"))]
        found = price_period(versions, records, FIRST, END)
        self.assertEqual(found.amount, Fraction("3.1"))
        price = rating.UsagePrice(
            tuple(rating.PriceVersion(at, model) for at in (ALWAYS, at_us(change))),
            conversion=rating.Conversion(rounding="ceil"),
        )
        priced = rating.price_usage(
            price,
            records=pd.DataFrame(
                {"id": [1], "at_us": [at_us(FIRST)], "value": [Fraction("10.5")]}
            ),
            period_us=(at_us(FIRST), at_us(END)),
        )
        self.assertEqual(Fraction(priced.amount), found.amount)


class TestAtRandom(TestCase):
    PRICES = 400

    def setUp(self):
        super().setUp()
        self.random = random.Random(5)  # noqa: S311 - no secret

    def test_prices(self):
        different, priced = [], 0
        for number in range(self.PRICES):
            versions, price, records, share = self._draw()
            try:
                expected = rating.price_usage(
                    price,
                    records=self._frame(records),
                    period_us=(at_us(FIRST), at_us(END)),
                    share=share,
                )
            except ValueError:
                with self.assertRaises(NoPrice):
                    price_period(versions, records, FIRST, END, share)
                continue
            priced += 1
            found = price_period(versions, records, FIRST, END, share)
            pair = (
                (expected.quantity, expected.exact_amount, Fraction(expected.amount)),
                (found.quantity, found.exact_amount, found.amount),
            )
            if pair[0] != pair[1]:
                different.append((number, versions, records, *pair))
        self.assertEqual(different[:1], [])
        self.assertGreater(priced, self.PRICES // 2)

    def _frame(self, records):
        return pd.DataFrame(
            {
                "id": [record.order[0] for record in records],
                "at_us": [at_us(record.day) for record in records],
                "value": pd.Series([record.value for record in records], dtype=object),
                "records": [record.count for record in records],
            }
        )

    def _draw(self):
        draw = self.random
        how = draw.choice(["sum", "sum", "sum", "count", "max", "average", "last"])
        days = sorted(draw.sample(range(1, 31), draw.choice([0, 0, 1, 2])))
        begins = [None, *(FIRST + datetime.timedelta(day) for day in days)]
        if draw.random() < 0.05:
            begins[0] = FIRST + datetime.timedelta(days=1)
            begins = begins[:1]
        rounding = draw.choice(rating.money.ROUNDINGS)
        factor = draw.choice([Fraction(1), Fraction(1, 60), Fraction(3)])
        shared = {
            "aggregation": how,
            "ratio": factor,
            "quantity_rounding": draw.choice([None, None, "half_up", "ceil", "floor"]),
            "free_units": draw.choice([Fraction(0), Fraction(5), Fraction("7.5")]),
            "minimum": draw.choice([None, None, Fraction(20)]),
            "maximum": draw.choice([None, None, Fraction(40)]),
            "rounding": rounding,
        }
        made = [self._terms(draw.choice(MODELS)) for _begin in begins]
        versions = [
            Version(number, terms, begin, **shared)
            for number, (begin, (terms, _model)) in enumerate(
                zip(begins, made, strict=True)
            )
        ]
        price = rating.UsagePrice(
            tuple(
                rating.PriceVersion(at_us(begin) if begin else ALWAYS, model)
                for begin, (_terms, model) in zip(begins, made, strict=True)
            ),
            how,
            rating.Conversion(rounding=shared["quantity_rounding"], factor=factor),
            shared["free_units"],
            shared["minimum"],
            shared["maximum"],
            2,
            rounding,
        )
        low = draw.choice([0, 0, 0, -3])
        records = [
            Record(
                FIRST + datetime.timedelta(draw.randrange(31)),
                (number,),
                Fraction(draw.randint(low, 30), draw.choice([1, 1, 2])),
                draw.choice([1, 1, 3]),
            )
            for number in range(draw.randint(0, 6))
        ]
        return versions, price, records, draw.choice([1, Fraction(1, 3)])

    def _terms(self, name):
        """The same price for either: (`Terms`, charge model of the engine)."""
        draw = self.random
        if name in TIERED:
            return self._tiered(name)
        price = Fraction(draw.randint(0, 300), 100)
        if name == "standard":
            return Terms(name, price), rating.charge_model(name, unit_price=price)
        if name == "package":
            size, how = draw.randint(1, 9), draw.choice(["up", "down", "half_up"])
            return (
                Terms(name, price, size=Fraction(size), rounding=how),
                rating.charge_model(name, size=size, price=price, rounding=how),
            )
        values = {
            "rate": price,
            "fixed_fee": Fraction(draw.randint(0, 1), 4),
            "free_events": draw.choice([0, 0, 2]),
            "free_amount": Fraction(draw.choice([0, 0, 25])),
            "event_minimum": draw.choice([None, Fraction(1, 2)]),
            "event_maximum": draw.choice([None, Fraction(3, 2)]),
        }
        return Terms(name, **values), rating.charge_model(name, **values)

    def _tiered(self, name):
        draw, rows, tiers, end = self.random, [], [], Fraction(0)
        count = draw.randint(1, 3)
        for place in range(count):
            end += draw.randint(1, 20)
            is_open = place == count - 1 and draw.random() < 0.6
            up_to = None if is_open else end
            price, fee = Fraction(draw.randint(0, 9), 10), Fraction(draw.randint(0, 3))
            block = draw.choice([None, None, Fraction(4)])
            row = {"up_to": up_to, "flat_fee": fee}
            if name == "stairstep":
                tiers.append(Tier(up_to, flat_fee=fee))
            elif name == "graduated_percentage":
                row["rate"] = price
                tiers.append(Tier(up_to, price / 100, fee))
            else:
                row.update(unit_price=price, block=block)
                tiers.append(Tier(up_to, price, fee, block))
            rows.append(row)
        values = {
            "fee_at_zero": draw.random() < 0.5,
            "beyond": draw.choice(["refuse", "last"]),
        }
        return (
            Terms(name, tiers=tuple(tiers), **values),
            rating.charge_model(name, tiers=rows, **values),
        )
