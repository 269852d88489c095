# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls as records of the CSV file.

A statement has 100,000 of them, and most of what they say was said before: prices,
durations, and how far the clock is from UTC are made into texts once.
"""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from ..rating.exact import exact_text

#: texts that are kept of what comes again and again
KEPT = 20_000


class CallRows:
    """Makes records of calls.

    - `name`: of the statement; `invoice`: its name, may be empty
    - `zone`: `ZoneInfo` of the customer
    """

    def __init__(self, name, invoice, zone):
        self.name, self.invoice, self.zone = name, invoice, zone
        self._offsets = {}

    def row(self, call, caller, callee):
        """A call as list of texts, as `CSV_COLUMNS`.

        :param call: with the attributes of ``Call`` in ``models/statement``
        :param caller, callee: numbers as the customer sees them
        """
        start, price = call.start_time, call.price
        billed = plain(call.billed)
        # In the lines of `CSV_COLUMNS`.
        return [
            *(self.name, self.invoice, call.service.removeprefix("+"), call.contact),
            *(call.record_id, self._local(start), f"{start.isoformat()}Z"),
            *(self.zone.key, call.direction, caller.removeprefix("+")),
            *(callee.removeprefix("+"), call.destination, "", call.call_type),
            *(plain(call.seconds), billed, plain(call.covered), "s", billed),
            *(
                (plain(price), f"{call.per_seconds} s", increments(call))
                if price
                else ("", "", "")
            ),
            *(call.deck, plain(call.charge), call.currency, ""),
        ]

    def _local(self, start):
        """A moment in UTC, without zone, as text with the offset of the zone."""
        day = start.date()
        if day not in self._offsets:
            self._offsets[day] = self._offset(day)
        shift, offset = self._offsets[day]
        if shift is None:
            return start.replace(tzinfo=UTC).astimezone(self.zone).isoformat()
        return f"{(start + shift).isoformat()}{offset}"

    def _offset(self, day):
        """(offset, its text) of a day of UTC; (None, "") where it changes."""
        midnight = datetime.combine(day, time(), UTC)
        try:
            begin = midnight.astimezone(self.zone)
            end = (midnight + timedelta(days=1)).astimezone(self.zone)
        except OverflowError:
            return None, ""
        if begin.utcoffset() != end.utcoffset():
            return None, ""
        return begin.utcoffset(), begin.isoformat()[len("2026-10-01T00:00:00") :]


def increments(call):
    """`60/6`; empty for a call without a price."""
    return f"{call.initial}/{call.increment}" if call.price else ""


@lru_cache(KEPT)
def plain(text):
    """A number of the database without zeros at its end."""
    return exact_text(Decimal(text)).rstrip("0").rstrip(".") if "." in text else text


@lru_cache(KEPT)
def exact_seconds(text):
    """A number of the database: an int where it has no fraction, else a Decimal."""
    value = Decimal(text)
    return int(value) if value == int(value) else value
