# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Why a call costs what it costs, step by step.

The call is rated again by the engine, and the steps are read off the same tables and
the same functions; the last amount is compared with the engine's charge, so that an
explanation can fail but not tell another story.

Codes and their values (amounts are decimal texts, instants ISO 8601 in the deck's
local time, `…` marks endless digits):

==================  =========================================================
`deck_passed`       deck_id: asked, has no rate for the call
`rate_passed`       deck_id, rate_id, prefix, reason: a better match that does
                    not apply: `ended`, `not_yet` in force, or `other_band`
`deck`              deck_id, place (1 = first of the chain)
`rate`              rate_id, prefix, meter_id, price, per_seconds, valid_from,
                    valid_to (None = open)
`runner_up`         rate_id, prefix: would have applied without this rate
`band`              band_id (0 = any time), local_time, timezone, holiday
`free_zero`         nothing more
`grace`             seconds, grace_seconds, rate_id
`increments`        seconds, initial, increment, count, billed_seconds
`call_tier`         tier (0 = the rate's own price), from_second, price,
                    per_seconds, billed_seconds: a price within the call (after
                    `increments`, where there are several)
`part`              rate_id, deck_id, band_id, tier, local_time, billed_seconds,
                    price, per_seconds, amount (instead of `increments`)
`allowance_taken`   allowance_id, unit, quantity (before its factor), seconds (of
                    the call that it covers), price, per_units, amount
`left_to_deck`      seconds
`usage`             amount; price, per_seconds, billed_seconds if at one price
`connection_fee`    fee, amount
`minimum`           minimum, amount
`maximum`           maximum, amount
`plan_charge`       plan (what allowances charge for what they took), amount
`rounding`          rounding, decimals, before, after
`allowance_money`   allowance_id, paid, charge
`charge`            charge
`no_rate`           nothing more
`no_deck`           nothing more
`too_large`         nothing more
==================  =========================================================
"""

import math
from fractions import Fraction

import numpy as np
import pandas as pd

from .bands import SECOND_US, local_time
from .charges import FREE_ZERO, GRACE, MAXIMUM, MINIMUM, amounts
from .engine import (
    NO_DECK,
    NO_RATE,
    TOO_LARGE,
)
from .exact import exact_text
from .increments import started
from .money import CHARGE_DECIMALS, PRICE_DECIMALS, ROUNDINGS
from .rate_search import EARLIEST_US, INPUT_COLUMNS, LATEST_US
from .steps import Step


def explain(engine, call, plan=None):
    """Explain the charge of one call.

    :param engine: the `RatingEngine` that rates it
    :param call: mapping with the values of `rate_search.INPUT_COLUMNS`
    :param plan: `calling_plans.PlanOfCall`, where allowances or tiers took of it
    :return: list of `Step`, the last one with the outcome
    :raise ValueError: as `RatingEngine.rate`
    """
    frame = pd.DataFrame({name: [int(call[name])] for name in INPUT_COLUMNS})
    cover = plan.cover if plan and plan.cover.seconds[0] else None
    rated = engine.rate(frame, cover).frame.iloc[0]
    if rated["status"] == NO_DECK:
        return [Step("no_deck")]
    calls = engine.columns_of(frame)
    steps = list(_choice(engine, calls))
    if rated["status"] == NO_RATE:
        return [*steps, Step("no_rate")]
    rate = engine.find_rates(calls, calls.start_us)
    return [*steps, *_price(engine, calls, rate, rated, plan)]


def _choice(engine, calls):
    """Yield why which rate was chosen: decks passed over, better matches, the rate."""
    table = engine.table
    chosen = int(engine.find_rates(calls, calls.start_us)[0])
    chain = engine.chains[calls.chain[0]]
    for place, rank in enumerate(chain[chain >= 0].tolist(), start=1):
        deck_id = int(table.deck_ids[rank])
        rows = table.candidates(rank, int(calls.meter_id[0]), calls.number_key[0])
        reasons = {row: _why_not(engine, rank, row, calls) for row in rows}
        applicable = [row for row in rows if not reasons[row]]
        better = rows[: rows.index(applicable[0])] if applicable else rows
        for row in better:
            values = {"deck_id": deck_id, **_name(table, row), "reason": reasons[row]}
            yield Step("rate_passed", values)
        if applicable:
            if applicable[0] != chosen:
                raise AssertionError(f"Rate {table.rate_id[applicable[0]]} not chosen")
            yield Step("deck", {"deck_id": deck_id, "place": place})
            yield Step("rate", _terms_of(table, chosen))
            yield from (Step("runner_up", _name(table, r)) for r in applicable[1:2])
            yield Step("band", _band(table, chosen, int(calls.start_us[0])))
            return
        yield Step("deck_passed", {"deck_id": deck_id})


def _why_not(engine, rank, row, calls):
    """Return why a rate does not apply to a call, None when it does."""
    table, start_us = engine.table, calls.start_us
    if start_us[0] < table.valid_from_us[row]:
        return "not_yet"
    if start_us[0] >= table.valid_to_us[row]:
        return "ended"
    calendar = table.calendars[table.calendar_of_deck[rank]]
    if not calendar.active[calendar.class_at(start_us)[0], table.band_place[row]]:
        return "other_band"
    return None


def _price(engine, calls, rate, rated, plan):
    """Yield how the charge came about."""
    table, row = engine.table, int(rate[0])
    if rated["reason"] == FREE_ZERO:
        yield Step("free_zero")
    elif rated["reason"] == GRACE:
        values = {
            "seconds": int(calls.seconds[0]),
            "grace_seconds": int(table.grace_seconds[row]),
            "rate_id": int(table.rate_id[row]),
        }
        yield Step("grace", values)
    else:
        yield from _amounts(engine, calls, rate, rated, plan)
    if rated["status"] == TOO_LARGE:
        yield Step("too_large")
        return
    charge = Fraction(int(rated["charge_micro"]), 10**CHARGE_DECIMALS)
    for allowance_id, micro in plan.money if plan else ():
        paid = Fraction(int(micro), 10**CHARGE_DECIMALS)
        charge -= paid
        values = {"paid": exact_text(paid), "charge": exact_text(charge)}
        yield Step("allowance_money", {"allowance_id": allowance_id, **values})
    yield Step("charge", {"charge": exact_text(charge)})


def _amounts(engine, calls, rate, rated, plan):
    table, row = engine.table, int(rate[0])
    deck = table.decks[table.deck[row]]
    billed = int(rated["billed_seconds"])
    covered = int(plan.cover.seconds[0]) if plan else 0
    cover = plan.cover if covered else None
    terms, values = table.terms(rate), {}
    parts = None
    if len(engine.crossing(calls, rate, rated[["billed_seconds"]].to_numpy())):
        parts = engine.parts_of(calls, rate)
    if parts is not None and len(parts.call) > 1:
        yield from _parts(table, deck, calls, parts)
        usage = _usage(*parts.prices(table), parts.from_second, parts.billed, covered)
    else:
        yield Step("increments", _increments(table, row, calls, rated))
        price, per_seconds, seconds = _columns(engine.pieces_of(rate, calls.seconds))
        begin = np.cumsum(seconds) - seconds
        usage = _usage(price, per_seconds, begin, seconds, covered)
        used = np.flatnonzero(seconds)
        if len(used) > 1:
            yield from _call_tiers(price, per_seconds, begin, seconds)
        else:
            values["billed_seconds"] = billed - covered
            values["price"] = exact_text(_money(price[used[0]]))
            values["per_seconds"] = int(per_seconds[used[0]])
    extra = Fraction(0)
    if cover is not None:
        yield from _taken(plan)
        yield Step("left_to_deck", {"seconds": billed - covered})
        terms = cover.terms(terms, rated[["billed_seconds"]].to_numpy() - covered)
        extra = Fraction(int(cover.amount[0]), int(cover.denominator[0]))
    common = math.lcm(usage.denominator, extra.denominator)
    found = amounts(
        *(np.array([int(v)], dtype=object) for v in (usage * common, common)),
        terms,
        np.array([int(extra * common)], dtype=object),
    )

    def amount(numerators, denominator=common):
        return exact_text(_money(numerators[0], denominator))

    values["amount"] = amount(found.usage)
    yield Step("usage", values)
    if terms.fee[0]:
        fee = exact_text(_money(terms.fee[0]))
        yield Step("connection_fee", {"fee": fee, "amount": amount(found.with_fee)})
    if found.reason[0] & MINIMUM:
        minimum = exact_text(_money(table.min_charge_e8[row]))
        yield Step("minimum", {"minimum": minimum, "amount": minimum})
    if found.reason[0] & MAXIMUM:
        maximum = exact_text(_money(table.max_charge_e8[row]))
        yield Step("maximum", {"maximum": maximum, "amount": maximum})
    if extra:
        values = {"plan": amount([extra], 1), "amount": amount(found.limited)}
        yield Step("plan_charge", values)
    after = Fraction(int(found.charge_micro[0]), 10**CHARGE_DECIMALS)
    values = {
        "rounding": ROUNDINGS[table.rounding[row]],
        "decimals": deck.decimals,
        "before": amount(found.limited),
        "after": exact_text(after),
    }
    yield Step("rounding", values)
    if rated["status"] != TOO_LARGE and rated["charge_micro"] != found.charge_micro[0]:
        raise AssertionError(
            f"Explained {found.charge_micro[0]}, charged {rated['charge_micro']}"
        )


def _columns(pieces):
    """Return (prices, per seconds, seconds) of the pieces of one call, int64."""
    return (np.concatenate(column) for column in zip(*pieces, strict=True))


def _usage(price, per_seconds, begin, seconds, covered):
    """Return in e8 what the deck charges for pieces after the covered seconds."""
    return sum(
        (
            Fraction(p * (s - min(max(covered - b, 0), s)), per)
            for p, per, b, s in zip(
                price.tolist(),
                per_seconds.tolist(),
                begin.tolist(),
                seconds.tolist(),
                strict=True,
            )
        ),
        Fraction(0),
    )


def _call_tiers(price, per_seconds, begin, seconds):
    for level in np.flatnonzero(seconds).tolist():
        values = {
            "tier": level,
            "from_second": int(begin[level]),
            "price": exact_text(_money(price[level])),
            "per_seconds": int(per_seconds[level]),
            "billed_seconds": int(seconds[level]),
        }
        yield Step("call_tier", values)


def _taken(plan):
    for allowance, quantity, seconds in plan.taken:
        amount = _money(allowance.price_e8 * quantity, allowance.per_units)
        values = {
            "allowance_id": allowance.id,
            "unit": allowance.unit,
            "quantity": quantity,
            "seconds": seconds,
            "price": exact_text(_money(allowance.price_e8)),
            "per_units": allowance.per_units,
            "amount": exact_text(amount),
        }
        yield Step("allowance_taken", values)


def _increments(table, row, calls, rated):
    seconds, increment = int(calls.seconds[0]), int(table.increment[row])
    initial = int(table.initial_increment[row]) or increment
    return {
        "seconds": seconds,
        "initial": initial,
        "increment": increment,
        "count": 1 + int(started(max(seconds - initial, 0), increment)),
        "billed_seconds": int(rated["billed_seconds"]),
    }


def _parts(table, deck, calls, parts):
    prices, per_seconds = parts.prices(table)
    for place, rate in enumerate(parts.rate.tolist()):
        second, billed = int(parts.from_second[place]), int(parts.billed[place])
        price, per = int(prices[place]), int(per_seconds[place])
        start_us = int(calls.start_us[0]) + second * SECOND_US
        values = {
            "rate_id": int(table.rate_id[rate]),
            "deck_id": int(table.deck_id[rate]),
            "band_id": int(table.band_id[rate]),
            "tier": int(parts.level[place]),
            "local_time": local_time(deck.timezone, start_us).isoformat(),
            "billed_seconds": billed,
            "price": exact_text(_money(price)),
            "per_seconds": per,
            "amount": exact_text(_money(price * billed, per)),
        }
        yield Step("part", values)


def _name(table, row):
    return {"rate_id": int(table.rate_id[row]), "prefix": str(table.prefix.iloc[row])}


def _terms_of(table, row):
    deck = table.decks[table.deck[row]]

    def date(instant_us):
        if not EARLIEST_US <= instant_us <= LATEST_US:
            return None
        return local_time(deck.timezone, instant_us).isoformat()

    return {
        **_name(table, row),
        "meter_id": int(table.meter_id[row]),
        "price": exact_text(_money(table.price_e8[row])),
        "per_seconds": int(table.per_seconds[row]),
        "valid_from": date(int(table.valid_from_us[row])),
        "valid_to": date(int(table.valid_to_us[row])),
    }


def _band(table, row, instant_us):
    deck = table.decks[table.deck[row]]
    local = local_time(deck.timezone, instant_us)
    return {
        "band_id": int(table.band_id[row]),
        "local_time": local.isoformat(),
        "timezone": deck.timezone,
        "holiday": local.date() in deck.holidays,
    }


def _money(numerator, denominator=1):
    """Return an amount from its numerator in e8."""
    if not isinstance(numerator, Fraction):
        numerator = Fraction(int(numerator))
    return numerator / (int(denominator) * 10**PRICE_DECIMALS)
