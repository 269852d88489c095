# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Cases of other engines about allowances, put to rating/'s functions.

CGRateS' balances are its customers' prepaid accounts: buckets of seconds or units, and
money. Here buckets are allowances, and money is one in money that comes last.
"""

import re
from fractions import Fraction

from odoo.addons.metered_billing.rating import Deck, Slot, TimeBand
from odoo.addons.metered_billing.rating.allowances import (
    Allowance,
    balances,
    grant,
)
from odoo.addons.metered_billing.rating.calling_plans import apply_plans
from odoo.addons.metered_billing.rating.charges import DECK_FEE
from odoo.addons.metered_billing.tests.reference_rating import (
    call_of,
    engine_of,
    frame_of,
    rates_of,
)
from odoo.addons.metered_billing.tests.vector_calls import e8, seconds_of, time_of

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
        rate = self.config.get("overflow_rate", NO_OVERFLOW)
        return {
            "price_e8": e8(rate["rate"]),
            "per_seconds": seconds_of(rate["rate_unit"]),
            "connection_fee_e8": e8(rate.get("connect_fee", "0")),
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


def allowance(config, given):
    account = Account(config, given.get("destination", ""))
    start = given.get("start", "2024-06-12T12:00:00Z")
    quantities = given.get("slices") or [given.get("seconds", given.get("units"))]
    calls = [call_of(start=start, seconds=int(q)) for q in quantities if q]
    if "cdrs" in given:
        calls = [
            call_of(start=cdr["answer"], seconds=int(cdr["seconds"]))
            for cdr in given["cdrs"]
        ]
    planned, left = account.rate(calls)
    money = left.pop("money", Fraction(0))
    frame = planned.frame
    found = {
        "buckets": left,
        "money": money,
        "covered_seconds": int(frame["covered_seconds"].sum()),
        "cost": _micro(frame["charge_micro"] + frame["money_micro"]),
        "after_first": account.rate(calls[:1])[1],
        "after_second": account.rate(calls[:2])[1],
    }
    found["after_refund"] = account.rate([])[1]
    found["after_refund"] |= {"money": found["after_refund"].get("money", Fraction(0))}
    if _micro(frame["charge_micro"]):
        # prepaid, the call would have been cut off where the money ends
        found["error"] = "insufficient credit"
    return found


def _micro(column):
    return Fraction(int(column.sum()), 10**6)
