# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records of usage, signatures, and answers of usage URLs, without a database."""

import json
from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.chargeover.signature import (
    MOST_SECONDS,
    read_signature,
    signed,
)
from odoo.addons.metered_billing.connectors.chargeover.usage import (
    MOST_BULK,
    UNKNOWN_TYPES,
    Unusable,
    read_bulk,
    read_one,
    usage_event,
    usage_fields,
    usage_number,
)
from odoo.addons.metered_billing.connectors.errors import SourceAnswerError
from odoo.addons.metered_billing.connectors.events.body import RequestFault
from odoo.addons.metered_billing.connectors.usage_url.connector import usage_amount

ONE = {"line_item_id": 854, "usage_value": 361}
HEADER = (
    'ChargeOver co_public_key="pub" co_nonce="12345678" co_timestamp="1000" '
    'co_signature_method="HMAC-SHA256" co_version="1.0" co_signature="{}"'
)
ADDRESS = "https://Odoo.example.com/metered/chargeover/api/v3/usage"


def fields_of(**more):
    return usage_fields(read_one(json.dumps({**ONE, **more}).encode()))


class TestUsageRecords(TestCase):
    def test_what_is_taken(self):
        self.assertEqual(
            fields_of(**{"from": "2026-10-01 00:00:00", "to": "2026-10-31 23:59:59"}),
            {
                "line_item_id": "854",
                "usage_value": "361",
                "from": "2026-10-01 00:00:00",
                "to": "2026-10-31 23:59:59",
            },
        )
        self.assertEqual(fields_of(usage_value="0.10")["usage_value"], "0.10")
        self.assertEqual(fields_of(usage_value=1e-3)["usage_value"], "0.001")
        self.assertEqual(fields_of(custom_20="x", custom_21="y")["custom_20"], "x")
        for named in (
            {
                "customer": {"external_key": "A"},
                "line_item": {"item_external_key": "B"},
            },
            {"customer.external_key": "A", "line_item.item_external_key": "B"},
        ):
            fields = fields_of(line_item_id=None, **named)
            self.assertEqual(fields["customer_external_key"], "A")
            self.assertEqual(fields["item_external_key"], "B")

    def test_what_is_not(self):
        for more, words in (
            ({"usage_value": "1,5"}, "usage_value"),
            ({"usage_value": None}, "usage_value"),
            ({"usage_value": True}, "usage_value"),
            ({"usage_value": "NaN"}, "usage_value"),
            ({"usage_value": [1]}, "usage_value"),
            ({"line_item_id": None}, "line is missing"),
            ({"line_item_id": None, "customer.external_key": "A"}, "line is missing"),
            ({"from": "10/01/2026"}, "from is not a time"),
            ({"from": "2026-10-02", "to": "2026-10-01"}, "from is after to"),
            ({"type": "sum"}, "not a type"),
            ({"external_key": "x" * 1001}, "longer than"),
            ({"external_key": "\ud800"}, "UTF-8"),
            ({"external_key": "\0"}, "null"),
            *(({"type": kind}, "not supported") for kind in UNKNOWN_TYPES),
        ):
            with self.subTest(ascii(more)), self.assertRaisesRegex(Unusable, words):
                fields_of(**more)
        for odd in (b"[1]", b"[]", b"", b"{"):
            with self.subTest(odd), self.assertRaises(RequestFault):
                read_one(odd)

    def test_many(self):
        rows = [ONE, 5]
        for body in (rows, {"anything": rows}):
            self.assertEqual(len(read_bulk(json.dumps(body).encode())), 2)
        for body in ({"a": 1}, {"a": rows, "b": 1}, [], [ONE] * (MOST_BULK + 1)):
            with self.assertRaises(RequestFault):
                read_bulk(json.dumps(body).encode())
        self.assertEqual(len(read_bulk(json.dumps([ONE] * MOST_BULK).encode())), 1000)

    def test_a_key_makes_it_unique(self):
        def event(moment, key, **more):
            return usage_event(fields_of(**more), 854, moment, key)

        first = event("2026-10-05", "a", external_key="k")
        again = event("2026-10-06", "b", external_key="k")
        other = event("2026-10-05", "a", external_key="k", usage_value=2)
        self.assertEqual((first.key, first.content), (again.key, again.content))
        self.assertEqual(first.key, other.key)
        self.assertNotEqual(first.content, other.content)
        self.assertNotEqual(event("", "a").key, event("", "b").key)
        self.assertEqual(json.loads(event("now", "a").record)["time"], "now")

    @given(st.text(max_size=50))
    def test_numbers_of_records(self, key):
        self.assertEqual(usage_number(key), usage_number(key))
        self.assertLess(usage_number(key), 2**52)

    @given(
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)
    )
    def test_whatever_is_sent(self, value):
        """It is taken, or refused with a sentence."""
        for name in (*ONE, "type", "from", "external_key", "customer"):
            try:
                found = fields_of(**{name: value})
            except (Unusable, RequestFault) as error:
                self.assertTrue(str(error) or error.detail)
            else:
                usage_event(found, 1, "", "x").record.encode()


class TestSignatures(TestCase):
    def right(self, header, address=ADDRESS, body=b"{}", private="secret"):
        return read_signature(header).is_right(private, [address], body)

    def test_signed(self):
        digest = signed("secret", "pub", ADDRESS, "12345678", "1000", b"{}")
        header = HEADER.format(digest)
        self.assertTrue(self.right(header))
        self.assertTrue(self.right(header.replace(digest, digest.upper())))
        self.assertTrue(self.right(header, ADDRESS.lower()))
        for changed in (
            {"address": ADDRESS + "x"},
            {"body": b"{ }"},
            {"private": "other"},
            {"header": header.replace("12345678", "12345679")},
            {"header": header.replace("1000", "1001")},
            {"header": header.replace('"pub"', '"bup"')},
        ):
            with self.subTest(changed):
                self.assertFalse(self.right(**{"header": header, **changed}))

    def test_a_known_answer(self):
        """Worked out by another program: printf … | openssl dgst -sha256 -hmac key."""
        self.assertEqual(
            signed("key", "a", "B", "c", "d", b"e"),
            "37b90ab4a986efce33e55a82937c7c3755fab86d295f9cbec0909256e088b759",
        )

    def test_no_signature(self):
        for header in (
            "",
            "Basic eA==",
            "ChargeOver",
            HEADER.format(""),
            HEADER.format("x").replace("SHA256", "MD5"),
            HEADER.format("x").replace("1.0", "2.0"),
        ):
            self.assertIsNone(read_signature(header))

    def test_fresh(self):
        signature = read_signature(HEADER.format("x"))
        self.assertTrue(signature.is_fresh(1000 + MOST_SECONDS))
        self.assertTrue(signature.is_fresh(1000 - MOST_SECONDS))
        self.assertFalse(signature.is_fresh(1001 + MOST_SECONDS))
        odd = read_signature(HEADER.format("x").replace("1000", "²"))
        self.assertFalse(odd.is_fresh(1000))


class TestUsageAmounts(TestCase):
    def test_a_number(self):
        for sent, amount in (
            ("25", "25"),
            ("0", "0"),
            ("0.10", "0.1"),
            ('"7"', "7"),
            ("12345678901234.5", "12345678901234.5"),
        ):
            body = f'{{"line_items": [{{"usage_amount": {sent}}}]}}'.encode()
            self.assertEqual(usage_amount(body), amount)

    def test_no_number(self):
        for body in (
            b"",
            b"{}",
            b"[]",
            b"null",
            b"<html>",
            b'{"line_items": []}',
            b'{"line_items": [{}]}',
            b'{"line_items": [{"usage_ammount": 25}]}',
            b'{"line_items": [{"usage_amount": null}]}',
            b'{"line_items": [{"usage_amount": true}]}',
            b'{"line_items": [{"usage_amount": "many"}]}',
            b'{"line_items": [{"usage_amount": "1,5"}]}',
            b'{"line_items": [{"usage_amount": 1}, {"usage_amount": 2}]}',
            b'{"line_items": [{"usage_amount": 1, "usage_amount": 2}]}',
            b'[{"line_items": [{"usage_amount": 1}]}]',
        ):
            with self.subTest(body), self.assertRaises(SourceAnswerError):
                usage_amount(body)
