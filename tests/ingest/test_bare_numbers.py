# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Numbers that can be two: told by the others, by the source, or not at all."""

import unittest
from dataclasses import replace

import numpy as np
import phonenumbers
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from odoo.addons.metered_billing.ingest.dial_plans import BARE_FORMS, dial_plan
from odoo.addons.metered_billing.ingest.mapping import ColumnSpec
from odoo.addons.metered_billing.ingest.numbers import (
    exist,
    normalise_numbers,
    read_bare,
    with_form,
)
from odoo.addons.metered_billing.ingest.prepare import prepare
from odoo.addons.metered_billing.ingest.same_records import Comparable, of_frame
from odoo.addons.metered_billing.ingest.survey import survey

from ..support.plain_settings import make_frame, make_settings

KINDS = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE)
EXAMPLES = [
    (country, phonenumbers.format_number(number, PhoneNumberFormat.E164))
    for country in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in KINDS
    if (number := phonenumbers.example_number_for_type(country, kind))
]
TRUNK_ZERO = sorted(
    country
    for country in phonenumbers.SUPPORTED_REGIONS
    if dial_plan(country).has_trunk_zero
)
SWISS, BERLIN = "41441234567", "4930111222"
#: country: {as written: what it becomes, None where that is not to be guessed}
CASES = {
    "DE": {
        SWISS: None,
        "15123456789": None,
        "49030123456": None,
        BERLIN: "+4930111222",
        "+49030123456": "+4930123456",
        "0049030123456": "+4930123456",
        "030123456": "+4930123456",
    },
    "GB": {
        "4402071234567": "+442071234567",
        "4407400123456": "+447400123456",
        "+44 0 7400 123456": "+447400123456",
        "004407400123456": "+447400123456",
        "7400123456": "+447400123456",
        "33142345678": "+33142345678",
    },
    "AU": {"91234567": None, "61291234567": "+61291234567", "131234": "+61131234"},
    "IT": {"612345678": None, "+390612345678": "+390612345678"},
    "US": {
        "912125551234": None,
        "1112125551234": None,
        "442079460120": "+442079460120",
        "+390612345678": "+390612345678",
    },
    "FR": {
        "<sip:41441234567@example.com>": "+41441234567",
        '"Joe, Ann" <+41441234567>': "+41441234567",
        "*31#0041441234567": "+41441234567",
        "#31#0142345678": "+33142345678",
        "0041441234567,,123": "+41441234567",
        "0041441234567 ext. 12": "+41441234567",
        "0041441234567x12": "+41441234567",
        "*31#": None,
        "ext 12": None,
        "<>": None,
    },
}


def known(numbers, country, form=""):
    """Numbers, None for those that are not to be guessed."""
    found, is_open, _shown = read_bare(numbers, with_form(dial_plan(country), form))
    return [
        None if open_ else number
        for number, open_ in zip(found.to_pylist(), is_open, strict=True)
    ]


def german(*numbers, style=""):
    """Settings of a German source and a frame of calls: (caller, callee)."""
    plain = make_settings(["+4930111222"])
    classifier = plain.dial_plans[0][1]
    columns = tuple(
        replace(spec, style=style) if spec.target == "callee" else spec
        for spec in plain.columns
    )
    frame = make_frame(
        (str(at), f"2026-10-05 10:00:{at:02}", "60", caller, callee)
        for at, (caller, callee) in enumerate(numbers)
    )
    return frame, replace(
        plain, dial_plans=((dial_plan("DE"), classifier),), columns=columns
    )


class TestBareNumbers(unittest.TestCase):
    def test_cases_of_each_country(self):
        for country, cases in CASES.items():
            self.assertEqual(
                dict(zip(cases, known([*cases], country), strict=True)), cases, country
            )

    def test_the_form_decides(self):
        numbers = [SWISS, "49030123456", "912125551234"]
        self.assertEqual(
            known(numbers[:2], "DE", "international"), ["+41441234567", "+4930123456"]
        )
        self.assertEqual(
            known(numbers[:2], "DE", "national"), ["+4941441234567", "+4949030123456"]
        )
        self.assertEqual(known(numbers[2:], "US", "international"), ["+912125551234"])
        self.assertEqual(known(numbers[2:], "US", "national"), [None])

    def test_the_zero_after_the_code_of_every_country(self):
        """Written as at home behind the code; not where the 0 belongs to the number."""
        for country, number in EXAMPLES:
            code = f"+{phonenumbers.country_code_for_region(country)}"
            zero = f"{code}0{number.removeprefix(code)}"
            [read] = normalise_numbers([zero], dial_plan("US")).to_pylist()
            if country in TRUNK_ZERO and not exist([zero])[0]:
                self.assertIn(read, (number, zero, None))
                if not number.startswith(("+44", "+49", "+33", "+41", "+61", "+31")):
                    continue
                if len(zero) <= 16:
                    self.assertEqual(read, number)
            elif country not in TRUNK_ZERO:
                self.assertIn(read, (zero, None))

    @settings(deadline=None, max_examples=200)
    @given(
        st.sampled_from(TRUNK_ZERO),
        st.lists(st.sampled_from(EXAMPLES), min_size=1, max_size=5),
    )
    def test_numbers_with_country_code_are_never_another_one(self, country, examples):
        """Without +, where a 0 is dialled before national numbers: right, or open."""
        texts = [text[1:] for _country, text in examples if len(text) > 9]
        found, is_open, _shown = read_bare(texts, dial_plan(country))
        for text, number, open_ in zip(texts, found.to_pylist(), is_open, strict=True):
            self.assertTrue(open_ or number in (None, f"+{text}"), (text, number))
        told = normalise_numbers(texts, with_form(dial_plan(country), "international"))
        self.assertEqual(told.to_pylist(), [f"+{text}" for text in texts])

    @settings(deadline=None)
    @given(st.lists(st.from_regex(r"\+?[0-9]{0,16}", fullmatch=True), max_size=9))
    def test_an_open_number_has_two_readings(self, numbers):
        for country in ("DE", "US", "GB"):
            plan = dial_plan(country)
            found, is_open, _shown = read_bare(numbers, plan)
            self.assertEqual(found, normalise_numbers(numbers, plan))
            both = [
                normalise_numbers(numbers, with_form(plan, form)).to_pylist()
                for form in BARE_FORMS
            ]
            for one, other, open_ in zip(*both, is_open, strict=True):
                self.assertTrue(one != other or not open_)


class TestOpenCalls(unittest.TestCase):
    def outcome(self, *numbers, style=""):
        frame, plain = german(*numbers, style=style)
        found = prepare(frame, np.arange(len(frame)), [], plain)
        waiting = dict(zip(found.rejected.line, found.rejected.reason, strict=True))
        lines = found.cdrs["line"].tolist()
        read = dict(zip(lines, found.cdrs["callee"].to_pylist(), strict=True))
        return [read.get(line, waiting.get(line)) for line in range(len(frame))]

    def test_it_is_told_by_the_others_or_waits(self):
        own = "+4930111222"
        self.assertEqual(self.outcome((own, SWISS)), ["unclear_number"])
        self.assertEqual(
            self.outcome((BERLIN, SWISS)),
            ["no_destination"],  # a number of Switzerland, which no destination has
        )
        self.assertEqual(self.outcome((own, "030123456")), ["no_destination"])
        self.assertEqual(
            self.outcome((BERLIN, "15123456789"), (own, "442079460120")),
            ["+15123456789", "+442079460120"],
        )
        # Both forms in one file say nothing.
        self.assertEqual(
            self.outcome((BERLIN, "15123456789"), (own, "8912345678"))[0],
            "unclear_number",
        )

    def test_the_source_tells_it(self):
        own = "+4930111222"
        self.assertEqual(
            self.outcome((own, "15123456789"), style="international"), ["+15123456789"]
        )
        self.assertEqual(
            self.outcome((BERLIN, "15123456789"), style="national"), ["no_destination"]
        )

    def test_what_the_dialog_finds(self):
        own = "+4930111222"
        for rows, value, is_shown in (
            ([(own, SWISS)], "", False),
            ([(BERLIN, SWISS)], "international", True),
            ([(BERLIN, SWISS), (own, "8912345678")], "", False),
        ):
            frame, plain = german(*rows)
            found = survey(frame, plain.columns, "UTC", {}, dial_plan("DE"))
            [finding] = found.findings
            self.assertEqual(
                (finding.key, finding.records, finding.examples),
                ("number_form", 1, (SWISS,)),
            )
            self.assertEqual((finding.value, finding.is_shown), (value, is_shown))
        frame, plain = german((own, "030123456"), (BERLIN, "0041441234567"))
        self.assertFalse(
            survey(frame, plain.columns, "UTC", {}, dial_plan("DE")).findings
        )

    def test_read_otherwise_it_is_the_same_number(self):
        frame, plain = german(("+4930111222", SWISS))
        columns = (*plain.columns[:0], ColumnSpec("callee", "callee", "international"))
        others = [spec for spec in plain.columns if spec.target != "callee"]
        told = replace(plain, columns=(*others, *columns))
        one, other = of_frame(frame, plain), of_frame(frame, told)
        self.assertNotEqual(one.callee, other.callee)
        self.assertTrue(one.same_as(other).all())
        self.assertIsInstance(one, Comparable)


if __name__ == "__main__":
    unittest.main()
