# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Prices of aggregates agree with a slow, obvious reference, at the edges above all."""

from decimal import Decimal
from fractions import Fraction
from unittest import TestCase

from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating import (
    ROUNDINGS,
    Conversion,
    Tiers,
    UsagePrice,
    charge_model,
    price_usage,
    rounded,
)
from odoo.addons.metered_billing.tests.support import reference_prices
from odoo.addons.metered_billing.tests.support.reference_prices import (
    NoPrice,
    model_price,
    period_price,
)

TINY = Decimal("0.000001")
HUGE = Decimal(10) ** 15
prices = st.one_of(
    st.sampled_from([Decimal(0), TINY, Decimal("0.01"), Decimal(1), HUGE]),
    st.decimals(-10, 10**4, places=6),
)
fees = st.one_of(st.none(), st.just(Decimal(0)), st.decimals(0, 100, places=2))
ends = st.sets(
    st.one_of(
        st.integers(1, 50).map(Decimal),
        st.decimals(TINY, 50, places=6),
        st.just(HUGE),
    ),
    max_size=4,
)


@st.composite
def tiers(draw, price="unit_price", open_end=None, blocks=False):
    """Draw tiers; fees without prices, prices without fees, tiny and huge ones."""
    rows = [{"up_to": end} for end in sorted(draw(ends))]
    if open_end is None:
        open_end = draw(st.booleans())
    if open_end or not rows:
        rows.append({"up_to": None})
    for row in rows:
        if price:
            row[price] = draw(prices)
        row["flat_fee"] = draw(fees)
        if blocks:
            row["block"] = draw(st.sampled_from([None, Decimal(1), Decimal("2.5")]))
    return rows


@st.composite
def configs(draw):
    """Draw a model with its fields."""
    name = draw(
        st.sampled_from(
            [
                "standard",
                "graduated",
                "graduated_percentage",
                "volume",
                "stairstep",
                "package",
            ]
        )
    )
    if name == "standard":
        return {"model": name, "unit_price": draw(prices)}
    if name == "package":
        return {
            "model": name,
            "size": draw(st.sampled_from([TINY, Decimal(1), Decimal(7), HUGE])),
            "price": draw(prices),
            "free_units": draw(st.sampled_from([Decimal(0), TINY, Decimal(20), HUGE])),
            "rounding": draw(st.sampled_from(["up", "down", "half_up"])),
        }
    price = {"graduated_percentage": "rate", "stairstep": None}.get(name, "unit_price")
    return {
        "model": name,
        "tiers": draw(tiers(price)),
        "fee_at_zero": draw(st.booleans()),
    }


@st.composite
def quantities(draw, config):
    """Draw quantities, at the ends of tiers and a little beside them above all."""
    edges = [Decimal(0), TINY, Decimal("0.5"), Decimal(10**9)]
    edges += [tier["up_to"] for tier in config.get("tiers", ()) if tier["up_to"]]
    if config["model"] == "package":
        edges += [config["free_units"], config["free_units"] + config["size"]]
    edge = draw(st.sampled_from(edges))
    beside = draw(st.sampled_from([Decimal(0), TINY, -TINY, Decimal(1), Decimal(-1)]))
    return draw(
        st.one_of(st.just(edge + beside), st.decimals(-5, 100, places=6), st.just(edge))
    )


def model_of(config):
    return charge_model(
        config["model"], **{k: v for k, v in config.items() if k != "model"}
    )


def answered(function):
    """Return what a function answers, or that it has no price."""
    try:
        return function()
    except (NoPrice, ValueError):
        return "no price"


class TestModels(TestCase):
    @settings(max_examples=250, deadline=None)
    @given(st.data())
    def test_price_of_a_quantity(self, data):
        config = data.draw(configs())
        quantity = data.draw(quantities(config))
        ours = answered(lambda: model_of(config).price(quantity).amount)
        self.assertEqual(ours, answered(lambda: model_price(config, quantity)))

    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def test_blocks(self, data):
        name = data.draw(st.sampled_from(["graduated", "volume"]))
        rows = [row for row in data.draw(tiers(blocks=True)) if row["up_to"] != HUGE]
        config = {"model": name, "tiers": rows, "fee_at_zero": True}
        quantity = data.draw(st.decimals(0, 60, places=6))
        if rows:
            ours = answered(lambda: model_of(config).price(quantity).amount)
            self.assertEqual(ours, answered(lambda: model_price(config, quantity)))

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.one_of(
                st.sampled_from([Decimal(0), Decimal(10), Decimal(-10)]),
                st.decimals(-50, 500, places=2),
            ),
            max_size=6,
        ),
        st.fixed_dictionaries(
            {
                "rate": st.decimals(0, 10, places=3),
                "fixed_fee": st.one_of(st.none(), st.decimals(0, 3, places=2)),
                "free_events": st.one_of(st.none(), st.integers(0, 7)),
                "free_amount": st.one_of(st.none(), st.decimals(0, 600, places=2)),
                "event_minimum": st.one_of(st.none(), st.decimals(0, 5, places=2)),
                "event_maximum": st.one_of(st.none(), st.decimals(0, 5, places=2)),
            }
        ),
    )
    @example([Decimal(10)], {"rate": 1, "free_amount": 10, "free_events": 0})
    def test_percentage(self, events, fields):
        """Also minimum above maximum, which is refused, and free above all of it."""
        config = {"model": "percentage", **fields}
        limits = fields.get("event_minimum"), fields.get("event_maximum")
        total = sum(events, Decimal(0))
        if None not in limits and limits[0] > limits[1]:
            with self.assertRaises(ValueError):
                model_of(config)
            return
        self.assertEqual(
            model_of(config).price(total, events).amount,
            model_price(config, total, events),
        )


class TestPeriods(TestCase):
    @settings(max_examples=250, deadline=None)
    @given(st.data())
    def test_slice_of_a_period(self, data):
        """Free units beyond the usage, limits, parts of periods, 0 to 3 decimals."""
        model = data.draw(configs())
        limit = st.one_of(st.none(), st.decimals(0, 500, places=2))
        low, high = data.draw(limit), data.draw(limit)
        if None not in (low, high) and low > high:
            low, high = high, low
        period = model | {
            "minimum": low,
            "maximum": high,
            "period_free_units": data.draw(st.sampled_from([0, TINY, 5, HUGE])),
            "operation": data.draw(st.sampled_from(["multiply", "divide"])),
            "factor": data.draw(st.sampled_from([Decimal(1), Decimal(3), TINY])),
            "quantity_rounding": data.draw(st.sampled_from([None, *ROUNDINGS])),
            "quantity_decimals": data.draw(st.integers(-2, 3)),
            "decimals": data.draw(st.integers(0, 3)),
            "amount_rounding": data.draw(st.sampled_from(ROUNDINGS)),
        }
        price = UsagePrice(
            model_of(model),
            conversion=Conversion(
                period["operation"],
                period["factor"],
                period["quantity_rounding"],
                period["quantity_decimals"],
            ),
            free_units=period["period_free_units"],
            minimum=low,
            maximum=high,
            decimals=period["decimals"],
            rounding=period["amount_rounding"],
        )
        quantity = data.draw(quantities(model))
        billed = data.draw(st.decimals(0, 99, places=2))
        share = data.draw(st.sampled_from([Fraction(1), Fraction(17, 31), Fraction(0)]))

        def ours():
            usage = price_usage(price, quantity=quantity, share=share)
            self.assertEqual(
                sum(line.amount for line in usage.lines), usage.exact_amount
            )
            return usage.due(billed, is_rounded=False), usage.due(billed)

        def theirs():
            exact, rounded_once = period_price(period, quantity, share)
            return exact - Fraction(billed), rounded_once - Fraction(billed)

        self.assertEqual(answered(ours), answered(theirs))

    @settings(max_examples=200, deadline=None)
    @given(
        st.one_of(
            st.fractions(-1000, 1000, max_denominator=999),
            st.integers(-2000, 2000).map(lambda n: Fraction(n, 2000)),
        ),
        st.integers(-2, 9),
        st.sampled_from(ROUNDINGS),
    )
    def test_rounding(self, value, decimals, rounding):
        """Ties, endless digits, both signs, tens and hundreds."""
        expected = reference_prices._rounded(value, decimals, rounding)
        self.assertEqual(Fraction(rounded(value, decimals, rounding)), expected)

    def test_ends_of_tiers_belong_to_them(self):
        rows = [{"up_to": Decimal("0.1"), "unit_price": 1}, {"up_to": None}]
        model = Tiers(rows)
        self.assertEqual(model.reached(Fraction(1, 10))[0], 1)
        self.assertEqual(model.reached(Fraction(1, 10) + Fraction(1, 10**9))[0], 2)
