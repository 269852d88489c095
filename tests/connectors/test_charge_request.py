# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Requests about charges: exactly what was sent, or a refusal."""

import json
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.events.body import RequestFault
from odoo.addons.metered_billing.connectors.events.charge_request import (
    MOST_PLACES,
    MOST_WHOLE,
    id_number,
    read_charge,
    read_charges,
    read_invoice,
    read_quote,
)

QUANTITIES = st.decimals(
    0, Decimal(10) ** MOST_WHOLE - 1, allow_nan=False, places=MOST_PLACES
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = st.sampled_from(
    [
        *("charges", "dryRun", "newState", "pricingComponentValue", "amount", "id"),
        *("subscriptionID", "quantities", "quantity", "pricingComponent", "quoteFor"),
        *("invoiceState", "recalculateInvoices", "recalculationBehaviour"),
    ]
)
READERS = (read_charge, read_charges, read_invoice, read_quote)


class TestChargeRequest(unittest.TestCase):
    @given(QUANTITIES, st.booleans(), st.booleans())
    def test_the_digits_that_were_sent(self, quantity, is_text, is_dry):
        digits = format(quantity, "f")
        value = json.dumps(digits) if is_text else digits
        body = f'{{"pricingComponentValue": {value}, "dryRun": {str(is_dry).lower()}}}'
        asked = read_charge(body.encode())
        self.assertEqual(asked.charges, [(None, quantity)])
        self.assertEqual(asked.is_dry, is_dry)

    @given(st.sampled_from(READERS), JSON | st.dictionaries(NAMES, JSON))
    def test_anything_is_read_or_refused(self, reader, value):
        body = json.dumps(value).encode("utf-8", "surrogatepass")
        try:
            reader(body)
        except RequestFault as fault:
            self.assertIn(fault.status, (400, 404, 413, 422))

    @given(st.sampled_from(READERS), st.binary())
    def test_any_bytes_are_read_or_refused(self, reader, body):
        try:
            reader(body)
        except RequestFault as fault:
            self.assertIn(fault.status, (400, 404, 413, 422))

    def test_what_is_refused(self):
        for reader, value in (
            (read_charge, {}),
            (read_charge, {"pricingComponentValue": -1}),
            (read_charge, {"pricingComponentValue": 10**MOST_WHOLE}),
            (read_charge, {"pricingComponentValue": 1, "amount": 2}),
            (read_charge, {"pricingComponentValue": 1, "more": 2}),
            (read_charges, {"charges": []}),
            (read_charges, {"charges": [{"id": "CHG-1"}]}),
            (
                read_charges,
                {"charges": [{"id": "CHG-1", "pricingComponentValue": 1}] * 2},
            ),
            (
                read_charges,
                {
                    "charges": [{"id": "CHG-1", "pricingComponentValue": 1}],
                    "invoiceState": "Unpaid",
                    "recalculateInvoices": False,
                },
            ),
            (read_invoice, {"newState": "Paid"}),
            (read_invoice, {"onlyInvoiceAssociatedCharges": False}),
            (read_quote, {}),
            (read_quote, {"subscriptionID": "SUB-1", "quantities": [1]}),
            (read_quote, {"subscriptionID": "SUB-1", "quoteFor": "Upgrade"}),
        ):
            with self.subTest(value=ascii(value)):
                with self.assertRaises(RequestFault) as refused:
                    reader(json.dumps(value).encode())
                self.assertEqual(refused.exception.status, 422)

    def test_ids(self):
        self.assertEqual(id_number("CHG-12", "CHG"), 12)
        self.assertEqual(id_number("12", "CHG"), 12)
        for text in ("INV-12", "CHG-0", "CHG-", "CHG-1x", "99999999999", "CHG-٣", "-1"):
            with self.assertRaises(RequestFault, msg=ascii(text)):
                id_number(text, "CHG")
