# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What mod_json_cdr posts."""

import base64
import json
import unittest
from pathlib import Path
from urllib.parse import quote, urlencode

import numpy as np

from odoo.addons.metered_billing.connectors.errors import SourceAnswerError
from odoo.addons.metered_billing.connectors.freeswitch_json import (
    COLUMNS,
    MOST_BYTES,
    document_record,
    read_body,
)
from odoo.addons.metered_billing.connectors.records import text_frame
from odoo.addons.metered_billing.ingest.prepare import prepare

from ..support.plain_settings import make_settings

SAMPLE = Path(__file__).parents[1] / "data" / "cdr" / "freeswitch_json_cdr.json"
UUID = "3da8bf84-c133-4959-9e24-e72875cb33a1"


def documents_frame(documents):
    """Documents as the records of an import."""
    return text_frame([document_record(document) for document in documents], COLUMNS)


def document(**variables):
    values = {
        "uuid": UUID,
        "start_stamp": "2026-02-23 17:00:01",
        "start_epoch": "1771866001",
        "answer_stamp": "2026-02-23 17:00:05",
        "answer_epoch": "1771866005",
        "end_stamp": "2026-02-23 17:01:05",
        "duration": "64",
        "billsec": "60",
        "direction": "inbound",
        "accountcode": "acme",
        **variables,
    }
    profile = {"caller_id_number": "+14045550100", "destination_number": "12125550101"}
    return {
        "variables": values,
        "callflow": [
            {"caller_profile": profile},
            {"caller_profile": {"destination_number": "9"}},
        ],
    }


class TestBody(unittest.TestCase):
    def test_every_way_of_sending(self):
        expected = document()
        body = json.dumps(expected)
        packed = base64.b64encode(body.encode()).decode()
        for sent, kind in (
            (body, "application/json"),
            (body, ""),
            (urlencode({"cdr": body}), "application/x-www-form-urlencoded"),
            (f"cdr={packed}", "application/x-www-form-base64-encoded"),
        ):
            self.assertEqual(read_body(sent.encode(), kind), expected, kind)

    def test_what_is_no_record(self):
        cases = {
            b"": "not valid JSON",
            b"cdr=": "not valid JSON",
            b"cdr=%%%": "not valid JSON",
            b"\xff\xfe": "not valid JSON",
            b"[" * 100_000: "not valid JSON",
            b"[1]": "not a JSON object",
            b" " * (MOST_BYTES + 1): "larger than 1 MiB",
        }
        for body, message in cases.items():
            with self.assertRaisesRegex(SourceAnswerError, message):
                read_body(body)
        with self.assertRaisesRegex(SourceAnswerError, "not valid JSON"):
            read_body(b"cdr=*", "application/x-www-form-base64-encoded")
        for broken in ({}, {"variables": []}):
            with self.assertRaisesRegex(SourceAnswerError, "no variables"):
                documents_frame([broken])
        with self.assertRaisesRegex(SourceAnswerError, "no uuid"):
            documents_frame([document(uuid="")])


class TestRecord(unittest.TestCase):
    def test_a_real_document(self):
        found = read_body(SAMPLE.read_bytes(), "application/json")
        (row,) = documents_frame([found]).to_dict("records")
        expected = {
            "uuid": UUID,
            "bleg_uuid": "f52c26f1-b018-4963-bf6d-a3111d1a0320",
            "caller_id_number": "1001",
            "destination_number": "1002",
            "start_epoch": "1515666344",
            "start_stamp": "2018-01-11 11:25:44",
            "answer_stamp": "2018-01-11 11:25:47",
            "duration": "71",
            "billsec": "68",
            "hangup_cause": "NORMAL_CLEARING",
            "leg": "a",
        }
        self.assertEqual({name: row[name] for name in expected}, expected)

    def test_encoded_values_are_the_same_values(self):
        plain = document(accountcode="a b/100%")
        encoded = document(accountcode="a b/100%")
        encoded["variables"] = {
            name: quote(value, safe="") for name, value in encoded["variables"].items()
        }
        one, two = documents_frame([plain, encoded]).to_dict("records")
        self.assertEqual(one, two)
        # Without encoding a percent sign is one.
        (row,) = documents_frame([document(accountcode="%41")]).to_dict("records")
        self.assertEqual(row["accountcode"], "%41")

    def test_unanswered_and_second_legs(self):
        missed, second = documents_frame(
            [
                document(answer_epoch="0", answer_stamp="1970-01-01 00:00:00"),
                document(originating_leg_uuid="x", direction="outbound"),
            ]
        ).to_dict("records")
        self.assertEqual(missed["answer_stamp"], "")
        self.assertEqual((missed["leg"], second["leg"]), ("a", "b"))

    def test_the_direction_of_the_leg_is_not_that_of_the_call(self):
        """A call that a user places comes *in* to the switch, and is charged."""
        settings = make_settings(["+14045550100"], preset="freeswitch")
        frame = documents_frame([document()])
        self.assertNotIn("direction", frame.columns)
        self.assertEqual(frame["leg_direction"][0], "inbound")
        prepared = prepare(frame, np.arange(1), [], settings)
        self.assertEqual(prepared.rejected.reason, [])
        self.assertTrue(prepared.cdrs["billable"][0])
        self.assertEqual(prepared.cdrs["direction"].to_pylist(), ["outbound"])
        self.assertEqual(int(prepared.cdrs["quantity"][0]), 60)
        self.assertEqual(prepared.cdrs["callee"].to_pylist(), ["+12125550101"])
