# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Cases of other engines about allowances, put to rating/'s functions.

CGRateS' balances are its customers' prepaid accounts: buckets of seconds or units, and
money. Here buckets are allowances, and money is one in money that comes last. Nothing
here is prepaid: a call that CGRateS would cut where the money ends is cut by asking how
long it may last until something is left to be charged.
"""

import re
from fractions import Fraction

from odoo.addons.metered_billing.rating import (
    DECK_FEE,
    Allowance,
    Deck,
    Slot,
    TimeBand,
    apply_plans,
    balances,
    grant,
)
from odoo.addons.metered_billing.tests.support.reference_rating import (
    call_of,
    engine_of,
    frame_of,
    rates_of,
)
from odoo.addons.metered_billing.tests.support.vector_calls import (
    e8,
    price_of,
    seconds_of,
    time_of,
)

DECK_ID, MONEY_ID = 1, 1000
NO_OVERFLOW = {"rate": "1", "rate_unit": "1s", "increment": "1s"}
"""Without a price for what no bucket covers, any one will do."""


class Account:
    """The buckets of a case and the price of what they do not cover."""

    def __init__(self, config, destination):
        self.config, self.destination = config, destination
        self.bands, self.names, self.allowances = [], {}, []
        for number, bucket in enumerate(config["buckets"], start=1):
            self._add_bucket(number, bucket)
        if config.get("money"):
            self.names["money"] = MONEY_ID
            amount = int(Fraction(config["money"]) * 10**6)
            self.allowances.append(
                Allowance(MONEY_ID, "money", amount, pool="account_id", priority=1)
            )
        priority = [band.id for band in self.bands]
        deck = Deck(DECK_ID, bands=priority)
        rate = self._rate()
        rates = rates_of(*({**rate, "band_id": band} for band in [0, *priority]))
        self.engine = engine_of(rates, [deck], self.bands)

    def _add_bucket(self, number, bucket):
        if not self._serves(bucket):
            return
        self.names[bucket["id"]] = number
        unit = next(name for name in ("seconds", "units", "money") if name in bucket)
        amount = Fraction(bucket[unit]) * (10**6 if unit == "money" else 1)
        fee = DECK_FEE
        if "connect_fee" in bucket:
            fee = e8(bucket["connect_fee"])
        bands = ()
        if "band" in bucket:
            start, end = map(time_of, bucket["band"].split("-"))
            end += 1
            hours = Slot(
                range(8),
                start // 60,
                end // 60,
                start_second=start % 60,
                end_second=end % 60,
            )
            self.bands.append(TimeBand(number, (hours,)))
            bands = (number,)
        price_e8, per_units = 0, 1
        if "rate" in bucket:
            price_e8, per_units = price_of(bucket["rate"], bucket["rate_unit"])
        self.allowances.append(
            Allowance(
                number,
                unit,
                int(amount),
                pool="account_id",
                priority=-bucket.get("weight", 0),
                increment=seconds_of(bucket.get("increment", "1")),
                factor=int(bucket.get("factor", "1")),
                band_ids=bands,
                fee_e8=fee,
                price_e8=price_e8,
                per_units=per_units,
            )
        )

    def _serves(self, bucket):
        """Say whether a bucket is for the destination; names are not prefixes."""
        prefix = bucket.get("destinations", "")
        return not prefix.isdigit() or self.destination.startswith(prefix)

    def _rate(self):
        if text := self.config.get("rate"):
            fee, price, per = re.match(
                r"connect ([\d.]+), ([\d.]+) per (\d+)s", text
            ).groups()
            first = 60 if "first minute in one increment" in text else 1
            return {
                "price_e8": e8(price),
                "per_seconds": int(per),
                "connection_fee_e8": e8(fee),
                "initial_increment": first,
            }
        rate = self.config.get("overflow_rate") or NO_OVERFLOW
        price_e8, per_seconds = price_of(rate["rate"], rate["rate_unit"])
        return {
            "price_e8": price_e8,
            "per_seconds": per_seconds,
            "connection_fee_e8": e8(rate.get("connect_fee") or "0"),
            "initial_increment": 0,
            "increment": seconds_of(rate.get("increment", "1")),
        }

    def rate(self, calls):
        """Return (planned calls, what is left in each bucket and of the money)."""
        frame = frame_of(calls).assign(id=range(len(calls)), account_id=1)
        rated = self.engine.rate(frame).frame
        opening = balances([grant(a, 1) for a in self.allowances])
        planned = apply_plans(self.engine, frame, rated, self.allowances, opening)
        closing = planned.balances.set_index("allowance_id")["left"]
        units = {a.id: 10**6 if a.unit == "money" else 1 for a in self.allowances}
        left = {
            name: Fraction(int(closing[number]), units[number])
            for name, number in self.names.items()
        }
        return planned, left

    def left_after(self, calls):
        """Return what is left in each bucket and of the money after some calls."""
        return self.rate(calls)[1]

    def accepts(self, calls):
        """Say whether the buckets and the money cover the last call to its end."""
        return not _micro(self.rate(calls)[0].frame["charge_micro"].tail(1))

    def longest(self, calls):
        """Return how many seconds of the last call are covered; it is cut there."""
        last = calls[-1]
        low, high = 0, last["seconds"]
        while low < high:
            middle = (low + high + 1) // 2
            if self.accepts([*calls[:-1], {**last, "seconds": middle}]):
                low = middle
            else:
                high = middle - 1
        return low

    def cut(self, calls):
        """Return (calls as far as they are covered, whether any was cut)."""
        found, short = [], False
        blocks = any(bucket.get("blocker") for bucket in self.config["buckets"])
        for call in calls:
            if self.accepts([*found, call]) and not (
                blocks and self._overflows([*found, call])
            ):
                found.append(call)
                continue
            short = True
            if not blocks:
                # a bucket that blocks refuses the whole of it
                seconds = self.longest([*found, call])
                found.append({**call, "seconds": seconds})
        return found, short

    def _overflows(self, calls):
        """Say whether the last call takes from the money, behind the buckets."""
        return bool(_micro(self.rate(calls)[0].frame["money_micro"].tail(1)))


def allowance(config, given):
    account = Account(config, given.get("destination", ""))
    start = given.get("start") or "2024-06-12T12:00:00Z"
    quantities = given.get("slices") or [given.get("seconds", given.get("units"))]
    calls = [call_of(start=start, seconds=int(q)) for q in quantities if q]
    if "cdrs" in given:
        calls = [
            call_of(start=cdr["answer"], seconds=int(cdr["seconds"]))
            for cdr in given["cdrs"]
        ]
    calls, short = account.cut(calls)
    planned, left = account.rate(calls)
    money = left.get("money", Fraction(0))
    found = {
        "buckets": left,
        "money": money,
        "covered_seconds": sum(call["seconds"] for call in calls),
        "cost": _micro(planned.frame["charge_micro"] + planned.frame["money_micro"]),
        "after_first": account.left_after(calls[:1]),
        "after_second": account.left_after(calls[:2]),
        "after_refund": {"money": Fraction(0)} | account.left_after([]),
    }
    if short:
        found["error"] = "insufficient credit"
    return found


def _micro(column):
    return Fraction(int(column.sum()), 10**6)
