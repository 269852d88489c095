# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A month of calls of a real Asterisk, watched from its first day on."""

from pathlib import Path
from unittest import TestCase
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa

from odoo.addons.metered_billing import fraud
from odoo.addons.metered_billing.demo.independent import Calculation
from odoo.addons.metered_billing.ingest.fraud_settings import (
    Destinations,
    FraudSettings,
)
from odoo.addons.metered_billing.rating.prefixes import PrefixIndex, number_keys

from ..support.fraud_calls import DAY, UNIT, Guard

MODULE = Path(__file__).resolve().parents[2]
NEW_YORK = "America/New_York"


def read_destinations():
    """(:class:`Destinations`, index of their prefixes, countries' numbers)."""
    countries, zones, rows, prefixes = {}, {}, [], []
    tree = ElementTree.parse(MODULE / "data" / "destinations.xml")  # noqa: S314
    for record in tree.iter("record"):
        fields = {field.get("name"): field for field in record.iter("field")}
        own, country = len(rows) + 10, 0
        if "country_id" in fields:
            code = fields["country_id"].get("ref")
            country = countries.setdefault(code, len(countries) + 1)
        kind = fields["kind"].text if "kind" in fields else "fixed"
        risky = kind in ("premium", "satellite")
        zone = own if risky or not country else zones.setdefault(country, own)
        rows.append((own, zone, country, int(risky)))
        prefixes += [(prefix, own) for prefix in fields["prefixes"].text.split()]
    columns = np.array(rows, np.int64).T
    texts, owners = zip(*prefixes, strict=True)
    index = PrefixIndex(np.zeros(len(texts)), texts, np.array(owners))
    return Destinations(*columns), index, countries


class TestDemoMonth(TestCase):
    def test_false_alarms(self):
        """Twelve customers, a good customer-year: at most one alarm."""
        destinations, index, countries = read_destinations()
        found = sorted(Calculation(MODULE / "demo").calls(), key=lambda one: one.start)
        found = [call for call in found if call.charge]
        names = sorted({call.customer for call in found})
        self.assertEqual(len(names), 12)
        home = countries["base.us"]
        known = FraudSettings(
            company_id=1,
            now=0,
            oldest=0,
            recent=0,
            destinations=destinations,
            place=(NEW_YORK, home),
            callers=None,
            places={
                names.index("Thames Print Ltd"): ("Europe/London", countries["base.uk"])
            },
        )
        numbers = pa.array([f"+{call.number}" for call in found])
        keys = number_keys(numbers)
        start = np.array([call.start for call in found], "datetime64[us]")
        calls = known.outgoing(
            np.array([names.index(call.customer) for call in found], np.int64),
            start.astype(np.int64),
            np.array([call.seconds for call in found], np.int64),
            np.array([int(call.charge * UNIT) for call in found], np.int64),
            numbers,
            index.first_payload(index.lookup(0, keys), 0),
        )
        self.assertGreater((calls["zone"] > 0).sum(), 100)
        guard, alarms = Guard(), set()
        day = calls["start"] // DAY
        for today in range(int(day.min()), int(day.max()) + 1):
            guard.profiles = fraud.learn(guard.quarters, guard.ranges, today)
            for one in guard.store(calls[day == today]):
                alarms.add((names[one.partner_id], today))
        self.assertEqual(alarms, set())
