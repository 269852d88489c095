# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What must be known of a company to look for toll fraud in calls, as plain values."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..fraud import Limits, calls_frame, ranges_of
from ..rating.prefixes import PrefixIndex, number_keys
from .classify import Classifier

SECOND_US = 1_000_000
DAY = timedelta(days=1)
#: a call that came in and was over sooner wants to be called back
SHORT_SECONDS = 15
#: the zone of ranges that were not called yet
UNCALLED = 1


@dataclass(frozen=True)
class Destinations:
    """Destinations of calls, arrays ordered by their ids.

    ``zone`` is one id for all ordinary destinations of a country.
    """

    ids: np.ndarray
    zone: np.ndarray
    country: np.ndarray
    risky: np.ndarray

    def at(self, destination_ids):
        """(zones, countries, whether they are risky) of calls; 0 where unknown."""
        if not len(self.ids):
            nothing = np.zeros(len(destination_ids), np.int64)
            return nothing, nothing, nothing
        at = np.minimum(np.searchsorted(self.ids, destination_ids), len(self.ids) - 1)
        known = self.ids[at] == destination_ids
        return tuple(
            np.where(known, column[at], 0)
            for column in (self.zone, self.country, self.risky)
        )


@dataclass(frozen=True)
class FraudSettings:
    """A company's settings, frozen for one run; times in seconds since 1970 UTC.

    :ivar oldest: calls that began before raise no alarm
    :ivar recent: calls that began since are checked by who stores them, others later
    :ivar places: dict customer -> (IANA time zone, id of the country); ``place`` is
        that of all others
    :ivar callers: says where calls come from
    :ivar limits: dict customer -> :class:`~..fraud.Limits`
    :ivar listed: prefixes that the company listed as risky; None: none
    :ivar rate_of_currency: dict currency id -> units of the company's currency
    """

    company_id: int
    now: int
    oldest: int
    recent: int
    destinations: Destinations
    place: tuple
    callers: Classifier
    places: dict = field(default_factory=dict)
    limits: dict = field(default_factory=dict)
    default: Limits = field(default_factory=Limits)
    listed: PrefixIndex | None = None
    rate_of_currency: dict = field(default_factory=dict)

    def outgoing(self, partner, start_us, seconds, charge, callee, destination_id):
        """Charged calls as ``fraud.tally`` takes them.

        :param partner, start_us, seconds, destination_id: int64 arrays
        :param charge: int64 array in 1e-6 of the company's currency
        :param callee: pyarrow array of numbers, `+49…` or a short code
        """
        zone, country, risky = self.destinations.at(destination_id)
        local, home = self._places_of(partner, start_us)
        watched = (zone > 0) & ((country != home) | (risky > 0))
        number_range = np.zeros(len(partner), np.int64)
        rows = np.arange(len(partner)) if self.listed else np.flatnonzero(watched)
        keys, ranges = _ranges(callee.take(pa.array(rows)))
        number_range[rows] = ranges
        if self.listed:
            listed = self.listed.lookup(0, keys)
            is_listed = (listed >= 0) & (zone > 0)
            risky, watched = risky | is_listed, watched | is_listed
            # Apart from what is ordinary there, and from the ids of destinations.
            zone = np.where(is_listed, 2**31 + self.listed.first_payload(listed), zone)
        return calls_frame(
            partner_id=partner,
            start=start_us // SECOND_US,
            local=local,
            talk=seconds,
            charge=charge,
            zone=np.where(watched, zone, 0),
            risky=risky,
            range=number_range,
            rang=np.zeros(len(partner), np.int64),
        )

    def ringing(self, partner, start_us, caller):
        """Short calls that came in, from abroad or from risky numbers."""
        keys, ranges = _ranges(caller)
        outward = np.full(len(keys), "outbound", object)
        destination_id, _meters = self.callers.classify(outward, keys, keys)
        _zone, country, risky = self.destinations.at(destination_id)
        local, home = self._places_of(partner, start_us)
        kept = (ranges > 0) & (country > 0) & ((country != home) | (risky > 0))
        nothing = np.zeros(int(kept.sum()), np.int64)
        return calls_frame(
            partner_id=partner[kept],
            start=(start_us // SECOND_US)[kept],
            local=local[kept],
            talk=nothing,
            charge=nothing,
            zone=nothing + UNCALLED,
            risky=nothing,
            range=ranges[kept],
            rang=nothing + 1,
        )

    def ahead_of_utc(self, moment):
        """(least, most) seconds that customers' clocks are ahead, about a moment.

        :param moment: seconds
        """
        middle = datetime.fromtimestamp(moment, UTC)
        zones = {self.place[0], *(zone for zone, _country in self.places.values())}
        ahead = [
            (middle + days * DAY).astimezone(ZoneInfo(zone)).utcoffset()
            for zone in zones
            for days in (-2, 0, 2)
        ]
        return tuple(int(one.total_seconds()) for one in (min(ahead), max(ahead)))

    def in_company_currency(self, charge_micro, currency_id):
        """Charges in 1e-6 of the company's currency, about."""
        for currency in np.unique(currency_id).tolist():
            rate = float(self.rate_of_currency.get(currency, 1))
            if rate != 1:
                rows = currency_id == currency
                charge_micro = np.where(rows, charge_micro * rate, charge_micro)
        return charge_micro.astype(np.int64)

    def _places_of(self, partner, start_us):
        """(seconds on the customer's clock, id of the country) per call."""
        distinct, of = np.unique(partner, return_inverse=True)
        places = [self.places.get(each, self.place) for each in distinct.tolist()]
        home = np.array([country for _zone, country in places], np.int64)
        names = sorted({name for name, _country in places})
        position = np.array([names.index(name) for name, _country in places], np.int64)
        local = np.zeros(len(partner), np.int64)
        for each, name in enumerate(names):
            rows = (position == each)[of]
            local[rows] = _local_seconds(start_us[rows], name)
        return local, home[of]


def _local_seconds(start_us, zone):
    if zone == "UTC":
        return start_us // SECOND_US
    index = pd.DatetimeIndex(start_us.view("datetime64[us]"), tz="UTC")
    local = index.tz_convert(zone).tz_localize(None).to_numpy()
    return local.astype("datetime64[s]").astype(np.int64)


def _ranges(numbers):
    """(number keys, ranges) of numbers."""
    keys = number_keys(numbers)
    digits = pc.fill_null(pc.binary_length(numbers.cast(pa.string())), 1)
    return keys, ranges_of(keys, digits.to_numpy().astype(np.int64) - 1)
