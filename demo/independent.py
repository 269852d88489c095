# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A second, slow calculation of the demo's month, to compare the product with.

It shares nothing with the product: the standard library's csv and decimal, one call at
a time, every rule written out. What a customer dialled is not normalised here; the
number is read from what the switch itself dialled (``lastdata``).
"""

import csv
import datetime
import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
TOLL_FREE = ("800", "833", "844", "855", "866", "877", "888")
EMERGENCY = ("911", "112", "999")
DIRECTORY = ("411", "118500")
BRITISH = (
    ("44800", "toll_free"),
    ("44808", "toll_free"),
    ("449", "premium"),
    ("447", "mobile"),
)
LAST_DIGIT = Decimal("0.0001")


@dataclass
class Rate:
    """One line of a rate file."""

    price: Decimal
    per_seconds: int
    first: int
    following: int
    fee: Decimal
    maximum: Decimal | None
    grace: int
    #: (second from which it holds, price per minute), in order
    tiers: tuple = ()


@dataclass
class Call:
    """A charged call: whose, on which day in New York, how long, and its charge.

    ``start`` and ``answered`` are UTC, ``charge`` what the rate makes of it.
    """

    customer: str
    day: datetime.date
    start: datetime.datetime
    seconds: int
    number: str
    call_type: str
    charge: Decimal
    answered: datetime.datetime
    #: what the customer's calling plan leaves to be paid; as `charge` without one
    due: Decimal = Decimal(0)


class Calculation:
    """The month's charged calls, from the files of a folder.

    :param folder: path with ``asterisk/``, ``house_rates.csv`` and ``az_36205.csv``
    :param wholesale: customer with the deck *BrightCall*; all others have *Retail*
    :param retail: deck of the house's rates that all others have
    """

    def __init__(self, folder, wholesale="BrightCall Outsourcing", retail="Retail"):
        self.folder = folder
        self.wholesale = wholesale
        self.retail = retail
        self.a_to_z = self._read_carrier("az_36205.csv")
        self.costs = self._read_carrier("carrier_costs.csv")
        self.house = self._read_house()
        self.endpoints, self.contexts = self._read_customers()
        self.us_areas = {row["area_code"] for row in self._rows("us_area_codes.csv")}

    def _rows(self, name):
        with (self.folder / name).open(encoding="utf-8") as lines:
            yield from csv.DictReader(lines)

    def _read_carrier(self, name):
        return {
            row["prefix"]: Rate(
                Decimal(row["cost_per_min"]),
                60,
                int(row["increment_seconds"]),
                int(row["increment_seconds"]),
                Decimal(row["connect_cost"]),
                None,
                0,
            )
            for row in self._rows(name)
        }

    def _read_house(self):
        decks = defaultdict(dict)
        for row in self._rows("house_rates.csv"):
            decks[row["deck"]][row["call_type"], row["prefix"], row["band"]] = Rate(
                Decimal(row["price"]),
                int(row["per_seconds"]),
                int(row["first_increment"]),
                int(row["next_increment"]),
                Decimal(row["connection_fee"]),
                Decimal(row["maximum"]) if row["maximum"] else None,
                int(row["grace_seconds"]),
                self._read_tiers(row["tiers"]),
            )
        return decks

    @staticmethod
    def _read_tiers(text):
        """`60: 1.20/60 60` of the file; all are per minute, in the rate's steps."""
        parts = [part.split(":") for part in text.split(";") if part]
        return tuple((int(start), Decimal(rest.split("/")[0])) for start, rest in parts)

    def _read_customers(self):
        endpoints, contexts = {}, {}
        for row in self._rows("asterisk/customers.csv"):
            if row["kind"] == "endpoint":
                endpoints[row["identifier"]] = row["customer"]
            elif row["kind"] == "context":
                contexts[row["identifier"]] = row["customer"]
        return endpoints, contexts

    # --- calls

    def calls(self):
        """The charged calls in the order of the file.

        :return: iterator of :class:`Call`
        """
        with (self.folder / "asterisk" / "Master.csv").open(encoding="utf-8") as lines:
            for row in csv.reader(lines):
                channel, outgoing, dialled = row[5], row[6], row[8]
                if row[14] != "ANSWERED" or not outgoing.startswith("PJSIP/carrier-"):
                    continue
                customer = self._customer(channel, row[3])
                number = re.match(r"PJSIP/(\d+)@(carrier-.)", dialled)
                digits = number.group(1)
                if number.group(2) == "carrier-b" and digits.startswith("0099"):
                    digits = digits[4:]
                start = datetime.datetime.fromisoformat(row[9])
                seconds = int(row[13])
                charge = self.charge(customer, digits, start, seconds)
                kind = self._call_type(customer, digits)
                day = start.replace(tzinfo=datetime.UTC).astimezone(NEW_YORK).date()
                yield Call(
                    customer,
                    day,
                    start,
                    seconds,
                    digits,
                    kind,
                    charge,
                    answered=datetime.datetime.fromisoformat(row[10]),
                    due=charge,
                )

    def _customer(self, channel, context):
        endpoint = re.match(r"PJSIP/(.+)-[0-9a-f]{8}$", channel)
        if endpoint and endpoint.group(1) in self.endpoints:
            return self.endpoints[endpoint.group(1)]
        return self.contexts[context]

    # --- prices

    def charge(self, customer, digits, start, seconds):
        """What a call costs, as a Decimal with four digits after the point."""
        return self._amount(self._find_rate(customer, digits, start), seconds)

    def _amount(self, rate, seconds, included=0):
        """What a rate makes of seconds, of which the first may be included."""
        billed = self._billed(rate, seconds)
        if not billed:
            return Decimal(0)
        amount = rate.price * (billed - included) / rate.per_seconds + rate.fee
        if rate.tiers:
            amount = self._by_steps(rate, billed) + rate.fee
        if rate.maximum is not None:
            amount = min(amount, rate.maximum)
        return amount.quantize(LAST_DIGIT, ROUND_HALF_UP)

    @staticmethod
    def _by_steps(rate, billed):
        """What seconds cost where each step costs what its first second does."""
        amount, start, step = Decimal(0), 0, rate.first
        while start < billed:
            price = rate.price / rate.per_seconds
            for begin, tier in rate.tiers:
                if start >= begin:
                    price = tier / 60
            amount += price * step
            start, step = start + step, rate.following
        return amount

    @staticmethod
    def _billed(rate, seconds):
        """Seconds in whole increments; none within the grace period."""
        if seconds == 0 or seconds < rate.grace:
            return 0
        billed = rate.first
        while billed < seconds:
            billed += rate.following
        return billed

    def cost(self, digits, seconds):
        """What a call costs at the carrier's; None where it has no rate for it."""
        for length in range(len(digits), 0, -1):
            if digits[:length] in self.costs and len(digits) > 6:
                return self._amount(self.costs[digits[:length]], seconds)
        return None

    def calls_with_plan(self, customer, plan, periods):
        """The month's calls, with what a customer's calling plan leaves to be paid.

        :param plan: dict call type -> (minutes of a period, most that is rolled over
            into the next period)
        :param periods: first days of the billing periods, in order
        :return: list of :class:`Call`
        """
        calls = list(self.calls())
        own = sorted(
            (call for call in calls if call.customer == customer),
            key=lambda call: call.start,
        )
        for kind, (minutes, most) in plan.items():
            rolled = 0
            for begin, end in zip(
                periods, [*periods[1:], datetime.date.max], strict=True
            ):
                # What was rolled over expires first, so it is taken first.
                old, new = rolled, minutes * 60
                for call in own:
                    if call.call_type != kind or not begin <= call.day < end:
                        continue
                    rate = self._find_rate(customer, call.number, call.start)
                    billed = self._billed(rate, call.seconds) if call.charge else 0
                    taken = min(billed, old + new)
                    if taken:
                        call.due = self._amount(rate, call.seconds, taken)
                    new -= max(taken - old, 0)
                    old -= min(taken, old)
                rolled = min(new, most * 60)
        return calls

    def _find_rate(self, customer, digits, start):
        call_type = self._call_type(customer, digits)
        short = len(digits) <= 6
        deck = "BrightCall" if customer == self.wholesale else self.retail
        house = self.house[deck]
        band = "Peak" if self._is_peak(start) else ""
        prefixes = (
            ["=" + digits, ""]
            if short
            else [digits[:length] for length in range(len(digits), -1, -1)]
        )
        for prefix in prefixes:
            for kind in (call_type, ""):
                for hours in (band, ""):
                    if (kind, prefix, hours) in house:
                        return house[kind, prefix, hours]
        if deck == "BrightCall":
            return self._find_retail(call_type, prefixes, band)
        return self._find_a_to_z(prefixes)

    def _find_retail(self, call_type, prefixes, band):
        """The wholesale customer is in the group with the retail deck as well."""
        house = self.house[self.retail]
        for prefix in prefixes:
            for hours in (band, ""):
                if (call_type, prefix, hours) in house:
                    return house[call_type, prefix, hours]
        return self._find_a_to_z(prefixes)

    def _find_a_to_z(self, prefixes):
        for prefix in prefixes:
            if prefix in self.a_to_z:
                return self.a_to_z[prefix]
        raise LookupError(f"no rate for {prefixes[0]}")

    def _call_type(self, customer, digits):
        if digits in EMERGENCY:
            return "toll_free"
        if digits in DIRECTORY:
            return "premium"
        british = customer == "Thames Print Ltd"
        if digits.startswith("1"):
            area = digits[1:4]
            if area in TOLL_FREE:
                return "toll_free"
            if area == "900":
                return "premium"
            if not british and area in self.us_areas:
                return "national"
        if british and digits.startswith("44"):
            for prefix, kind in BRITISH:
                if digits.startswith(prefix):
                    return kind
            return "national"
        return "international"

    @staticmethod
    def _is_peak(start):
        local = start.replace(tzinfo=datetime.UTC).astimezone(NEW_YORK)
        return local.weekday() < 5 and 8 <= local.hour < 18
