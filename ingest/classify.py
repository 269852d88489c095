# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What kind of call it was: direction and destination give the call type."""

from dataclasses import dataclass

import numpy as np

from ..rating.prefixes import SHORT_BASE, PrefixIndex

#: kinds of destination -> class of a call from the same country. Abroad, a freephone
#: or premium number is an international call: what it costs is up to the carrier, and
#: often a lot.
CLASS_AT_HOME = {
    "fixed": "national",
    "mobile": "mobile",
    "toll_free": "toll_free",
    "emergency": "toll_free",
    "premium": "premium",
    "directory": "premium",
    "shared_cost": "national",
    "satellite": "international",
}
NO_METER = 0
NO_COUNTRY = 0


@dataclass(frozen=True)
class Destination:
    """A set of prefixes with a name; ``meter_id`` overrides the call type."""

    id: int
    country_id: int
    kind: str
    prefixes: tuple[str, ...]
    meter_id: int = 0


def split_prefixes(text):
    """Prefixes one by one: they are separated by spaces, commas or lines."""
    return (text or "").replace(",", " ").replace(";", " ").split()


class Classifier:
    """Gives every call its destination and its meter.

    :param destinations: sequence of :class:`Destination`
    :param meter_of_class: call class -> meter id
    :param home_country_id: calls to another country are international, and its short
        codes are none here
    :param local_digits: a call is local when caller and callee share this many
        first E.164 digits; 0: never
    """

    def __init__(self, destinations, meter_of_class, home_country_id, local_digits=0):
        rows = [
            (prefix, position)
            for position, destination in enumerate(destinations)
            for prefix in destination.prefixes
            if not prefix.startswith("=")
            or destination.country_id in (home_country_id, NO_COUNTRY)
        ]
        self._index = PrefixIndex(
            np.zeros(len(rows), np.int64),
            [prefix for prefix, _position in rows],
            np.array([position for _prefix, position in rows], np.int64),
        )
        self._ids = np.array([d.id for d in destinations] + [0], np.int64)
        self._meter_of_class = meter_of_class
        self._local_digits = local_digits
        meters, domestic = [], []
        for destination in destinations:
            # Short codes of several countries have no country of their own.
            at_home = destination.country_id in (home_country_id, NO_COUNTRY)
            call_class = CLASS_AT_HOME[destination.kind] if at_home else "international"
            meters.append(
                destination.meter_id or meter_of_class.get(call_class, NO_METER)
            )
            domestic.append(call_class == "national" and not destination.meter_id)
        self._meters = np.array(meters + [NO_METER], np.int64)
        self._domestic = np.array(domestic + [False])

    def is_short_code(self, keys):
        """Which numbers are short codes in the home country.

        :param keys: int64 number keys
        :return: bool array
        """
        nodes = self._index.lookup(np.zeros(len(keys), np.int64), keys)
        return (nodes >= 0) & (keys >= SHORT_BASE)

    def classify(self, directions, caller_keys, callee_keys):
        """Destination and meter per call.

        :param directions: object array: outbound, inbound or internal
        :param caller_keys, callee_keys: int64 number keys
        :return: (destination ids, meter ids), int64 arrays; 0 where there is none.
            Inbound and internal calls have a meter whatever their destination.
        """
        nodes = self._index.lookup(np.zeros(len(callee_keys), np.int64), callee_keys)
        positions = np.where(nodes >= 0, self._index.first_payload(nodes), -1)
        destination_ids = self._ids[positions]
        meters = self._meters[positions]
        if self._local_digits:
            scale = 10 ** (15 - self._local_digits)
            local = self._domestic[positions] & (caller_keys >= 0)
            local &= caller_keys // scale == callee_keys // scale
            meters[local] = self._meter_of_class.get("local", NO_METER)
        for direction in ("inbound", "internal"):
            rows = directions == direction
            meters[rows] = self._meter_of_class.get(direction, NO_METER)
        return destination_ids, meters
