# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The words of a direction column: known, remembered, or asked."""

import unittest
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.direction_columns import UNREAD
from odoo.addons.metered_billing.ingest.directions import (
    EMPTY,
    LIKELY,
    WORDS,
    UnknownWord,
    direction_words,
    known_direction,
    likely_direction,
    read_directions,
    said_nothing,
    word_key,
)
from odoo.addons.metered_billing.ingest.id_survey import id_survey
from odoo.addons.metered_billing.ingest.mapping import ColumnSpec
from odoo.addons.metered_billing.ingest.prepare import prepare
from odoo.addons.metered_billing.ingest.rules import DIRECTIONS

from ..support.plain_settings import make_frame, make_settings

DIRECTION = (ColumnSpec("direction", "Communication Type"),)


def frame_of(name, texts):
    return pd.DataFrame({name: pd.array(texts, dtype=pd.ArrowDtype(pa.string()))})


class TestDirections(unittest.TestCase):
    def test_what_vendors_write(self):
        for text, direction in (
            ("Inbound", "inbound"),
            (" OUTGOING ", "outbound"),
            ("outbound-dial", "outbound"),
            ("outbound-api", "outbound"),
            # Out of the customer's exchange into the telephone network.
            ("trunking-terminating", "outbound"),
            ("trunking-originating", "inbound"),
            ("Originating", "outbound"),
            ("Terminating", "inbound"),
            ("user_out", "outbound"),
            ("ByotIn", "inbound"),
            ("on-net", "internal"),
            ("On Net", "internal"),
        ):
            with self.subTest(text):
                self.assertEqual(known_direction(text, {}), direction)

    def test_what_can_be_read_in_two_ways_is_not_known(self):
        for text in (
            "origination",
            "termination",
            "Local",
            "0",
            "1",
            "I",
            "external",
            "?",
        ):
            with self.subTest(text):
                self.assertIsNone(known_direction(text, {}))

    def test_counts_and_proposals(self):
        texts = ["Ausgehend"] * 3 + ["ausgehend ", "", "Inbound", "X-fer", "X-fer"]
        self.assertEqual(
            direction_words(frame_of("Communication Type", texts), DIRECTION, {}),
            [UnknownWord("Ausgehend", 4, "outbound"), UnknownWord("X-fer", 2)],
        )
        known = {"ausgehend": "outbound", "xfer": "internal"}
        self.assertFalse(
            direction_words(frame_of("Communication Type", texts), DIRECTION, known)
        )

    def test_a_word_among_others_is_proposed_unless_they_contradict(self):
        self.assertEqual(likely_direction("Outbound - international"), "outbound")
        self.assertEqual(likely_direction("inbound/outbound"), "")
        self.assertEqual(likely_direction("dial-in-i"), "inbound")

    def test_remembered_words_count_first(self):
        texts = pa.array(["Local", "Inbound", "", "?"])
        codes, unknown = read_directions(texts, {"local": "outbound"})
        self.assertEqual(DIRECTIONS[codes[:2]].tolist(), ["outbound", "inbound"])
        self.assertEqual(codes[2:].tolist(), [-1, -1])
        self.assertEqual(unknown.tolist(), [False, False, False, True])

    def test_a_cell_that_says_nothing_among_others(self):
        texts = pa.array(["Missed", "Outbound", " ", None])
        self.assertEqual(
            [each.tolist() for each in said_nothing(texts, {})[:1]],
            [[False, False, True, True]],
        )
        _empty, meaning = said_nothing(texts, {word_key(EMPTY): "inbound"})
        self.assertEqual(DIRECTIONS[meaning], "inbound")
        nothing = pa.array(["", " "])
        self.assertFalse(said_nothing(nothing, {})[0].any())
        self.assertTrue(said_nothing(nothing, {}, at_any_rate=True)[0].all())

    def test_keys_are_keys(self):
        for words in (WORDS, LIKELY):
            self.assertEqual([*words], [word_key(word) for word in words])
        self.assertFalse(WORDS.keys() & LIKELY.keys())

    @given(st.lists(st.text(max_size=4) | st.sampled_from([*WORDS]), max_size=9))
    def test_each_record_is_read_empty_or_counted(self, texts):
        frame = frame_of("Communication Type", texts)
        codes, unknown = read_directions(pa.array(texts, pa.string()), {})
        self.assertFalse((unknown & (codes >= 0)).any())
        empty, meaning = said_nothing(pa.array(texts, pa.string()), {})
        self.assertEqual(meaning, -1)
        is_told = any(text.strip() for text in texts)
        self.assertEqual(
            empty.tolist(), [is_told and not text.strip() for text in texts]
        )
        told = sum(word.records for word in direction_words(frame, DIRECTION, {}))
        self.assertEqual(told, unknown.sum())


class TestUnreadDirections(unittest.TestCase):
    """A column that plainly tells the direction, and that the source does not read."""

    def outcome(self, name, *words, **changes):
        calls = make_frame(
            (
                str(at),
                f"2026-10-05 10:00:{at:02}",
                "60",
                "+14045550100",
                "+442079460120",
            )
            for at in range(len(words))
        )
        calls[name] = frame_of(name, list(words))[name]
        plain = replace(make_settings(["+14045550100"]), **changes)
        found = prepare(calls, np.arange(len(calls)), [], plain)
        waiting = dict(zip(found.rejected.line, found.rejected.detail, strict=True))
        return [waiting.get(line) for line in range(len(calls))]

    def test_it_waits_until_it_is_read(self):
        for name, words in (
            ("Richtung", ("ausgehend", "eingehend")),
            ("call_type", ("outbound", "missed")),
            ("x", ("Out", "IN")),
            ("Call Direction", ("", "Inbound")),
        ):
            with self.subTest(name):
                self.assertEqual(
                    self.outcome(name, *words), [None, f"{name}{UNREAD}{words[1]}"]
                )

    def test_other_columns_are_none(self):
        for name, words in (
            ("country", ("in", "in")),
            ("call_type", ("Local", "National")),
            ("status", ("received", "answered")),
            ("call_type", ("outbound", "out")),
            ("x", ("", "")),
        ):
            with self.subTest(name):
                self.assertEqual(self.outcome(name, *words), [None] * 2)

    def test_the_source_may_say_that_it_is_none(self):
        kept = ColumnSpec("property", "call_type")
        columns = (*make_settings(["+1"]).columns, kept)
        self.assertEqual(
            self.outcome("call_type", "out", "missed", columns=columns), [None] * 2
        )

    def test_an_empty_cell_waits_and_a_field_that_is_lacking_does_not(self):
        words = ("direction", "Missed", "Outbound", "")
        self.assertEqual(self.outcome(*words), [None, None, EMPTY])
        self.assertEqual(self.outcome(*words, fills_columns=True), [None] * 3)
        self.assertEqual(self.outcome("direction", "", ""), [None] * 2)

    def test_alone_it_is_no_clearer(self):
        self.assertEqual(self.outcome("x", "received"), [None])
        self.assertEqual(
            self.outcome("x", "received", doubts_directions=True), ["x = received"]
        )

    def test_names_that_differ_in_capitals_and_blanks(self):
        spec = ColumnSpec("call_id", "call_id+sequence,id")
        self.assertEqual(
            spec.resolve(["Call ID", "SEQUENCE", "id"]),
            ("id",),  # exact ones first
        )
        self.assertEqual(spec.resolve(["Call ID", "SEQUENCE"]), ("Call ID", "SEQUENCE"))
        self.assertEqual(spec.resolve(["Call ID", "call-id", "sequence"]), ())
        self.assertEqual(spec.resolve(["callid2", "sequence"]), ())
        # Read, it is a direction column as any other.
        self.assertEqual(self.outcome("Direction", "Outbound", "?"), [None, "?"])


class TestIdSurvey(unittest.TestCase):
    def survey(self, *rows):
        names = ("id", "callee")
        frame = pd.DataFrame(
            {
                name: pd.array(list(texts), dtype=pd.ArrowDtype(pa.string()))
                for name, texts in zip(names, zip(*rows, strict=True), strict=True)
            }
        )
        return id_survey(frame, (ColumnSpec("call_id", "id"),))

    def test_a_trunk_is_no_id(self):
        found = self.survey(*((("trunk1", str(n))) for n in range(9)), ("t2", "9"))
        self.assertEqual((found.records, found.repeated), (10, 8))
        self.assertEqual(found.examples, (("trunk1", 9),))
        self.assertTrue(found.doubtful)

    def test_records_that_come_twice_say_nothing_against_it(self):
        found = self.survey(*(((str(n // 2)), str(n // 2)) for n in range(20)))
        self.assertEqual((found.records, found.repeated), (10, 0))
        self.assertFalse(found.doubtful)

    def test_of_few_records_all_have_one_id(self):
        self.assertTrue(self.survey(*(("1.79E+09", str(n)) for n in range(3))).doubtful)
        self.assertFalse(self.survey(("1", "1"), ("1", "2"), ("2", "3")).doubtful)
        self.assertFalse(self.survey(("1", "1"), ("1", "2")).doubtful)

    def test_empty_ids_are_none(self):
        found = self.survey(("", "1"), (" ", "2"))
        self.assertEqual((found.records, found.share, found.doubtful), (0, 0.0, False))

    def test_without_column(self):
        found = id_survey(frame_of("a", ["1"]), (ColumnSpec("call_id", "id"),))
        self.assertEqual(found.records, 0)
