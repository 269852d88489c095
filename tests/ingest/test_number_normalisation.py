# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import csv
import unittest
from pathlib import Path

import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.dial_plans import international_lengths
from odoo.addons.metered_billing.ingest.numbers import dial_plan, normalise_numbers

MASTER = Path(__file__).parents[2] / "demo" / "asterisk" / "Master.csv"

# country: {as dialled: normalised}
CASES = {
    "US": {
        "+14046058270": "+14046058270",
        "14046058270": "+14046058270",
        "4046058270": "+14046058270",
        " (404) 605-8270 ": "+14046058270",
        "404.605.8270": "+14046058270",
        "1-404-605-8270": "+14046058270",
        "tel:+1-404-605-8270;ext=5": "+14046058270",
        "sip:14046058270@pbx.example;user=phone": "+14046058270",
        "+14046058270; user=phone": "+14046058270",
        "+14046058270;": "+14046058270",
        "+14046058270;+14046058271": None,
        "+14046058270; 4046058271": None,
        "SIPS:+14046058270@10.0.0.1:5061": "+14046058270",
        "4046058270@pbx.example": "+14046058270",
        "14046058270.0": "+14046058270",
        "18005550199": "+18005550199",
        "19005550199": "+19005550199",
        "011442079460120": "+442079460120",
        "00442079460120": "+442079460120",
        "442079460120": "+442079460120",
        "+44 (0)20 7946 0120": "+442079460120",
        "+44 20 7946 0120": "+442079460120",
        "011 44 (0)20 7946 0120": "+442079460120",
        "0116779785": "+6779785",
        "006779959": "+6779959",
        "011883551988978571": "+883551988978571",
        "4540456341": "+14540456341",
        "911": "911",
        "411": "411",
        "988": "988",
        "2001": "2001",
        "40404": "40404",
        "0": "0",
        "5550123": None,
        "*97": None,
        "#31#4046058270": "+14046058270",
        "anonymous": None,
        "anonymous@anonymous.invalid": None,
        "trk-swa": None,
        "1-800-FLOWERS": None,
        "": None,
        "+": None,
        "+1234": None,
        "+0442079460120": None,
        "+1234567890123456": None,
        "12345678901234567": None,
        "+١٤٠٤٦٠٥٨٢٧٠": None,
    },
    "CA": {"16045550160": "+16045550160", "6045550160": "+16045550160"},
    "GB": {
        "02079460120": "+442079460120",
        "020 7946 0120": "+442079460120",
        "(020) 7946 0120": "+442079460120",
        "(0)20 7946 0120": "+442079460120",
        "2079460120": "+442079460120",
        "442079460120": "+442079460120",
        "00442079460120": "+442079460120",
        "0016025550150": "+16025550150",
        "16025550150": "+16025550150",
        "08001111": "+448001111",
        "08005550199": "+448005550199",
        "09095550199": "+449095550199",
        "01134960120": "+441134960120",
        "01114046058270": "+14046058270",
        "999": "999",
        "112": "112",
        "118500": "118500",
        "116123": "116123",
        "6541087729": "+6541087729",
    },
    "IT": {
        "0612345678": "+390612345678",
        "390612345678": "+390612345678",
        "+390612345678": "+390612345678",
        "3912345678": "+393912345678",
        "393331234567": "+393331234567",
        "3331234567": "+393331234567",
        "800123456": "+39800123456",
        "892424": "+39892424",
        "00442079460120": "+442079460120",
        "118": "118",
        "2001": "2001",
    },
    "DE": {
        "0302044255": "+49302044255",
        "030 / 2044-255": "+49302044255",
        "493020442556": "+493020442556",
        "015112345678": "+4915112345678",
        "110": "110",
        "11833": "11833",
        "0112": "0112",
    },
    "FR": {"0142345678": "+33142345678", "33142345678": "+33142345678", "15": "15"},
    "ES": {"912345678": "+34912345678", "34912345678": "+34912345678", "061": "061"},
    "NL": {"0201234567": "+31201234567", "31612345678": "+31612345678"},
    "AU": {
        "0212345678": "+61212345678",
        "0011442079460120": "+442079460120",
        "00442079460120": "+442079460120",
        "131234": "+61131234",
        "1300123456": "+611300123456",
        "000": "000",
    },
    "NO": {"22123456": "+4722123456", "02000": "+4702000", "116117": "116117"},
    "CI": {"0712345678": "+2250712345678"},
    "SG": {"61234567": "+6561234567", "001442079460120": "+442079460120"},
    "RU": {
        "84951234567": "+74951234567",
        "74951234567": "+74951234567",
        "4951234567": "+74951234567",
        "810442079460120": "+442079460120",
    },
    "HU": {"06301234567": "+36301234567"},
    "BY": {
        "80291234567": "+375291234567",
        "88011234567": "+3758011234567",
        "+375291234567": "+375291234567",
    },
    "LT": {"861234567": "+37061234567", "061234567": "+37061234567"},
    "JP": {"0312345678": "+81312345678", "010442079460120": "+442079460120"},
    "BR": {
        "01121234567": "+551121234567",
        "01511912345678": "+5511912345678",
        "015912345678": "+5515912345678",
        "0021442079460120": "+442079460120",
        "0015125551234": "+15125551234",
    },
}


def normalised(numbers, plan):
    return normalise_numbers(numbers, plan).to_pylist()


class TestNumberTable(unittest.TestCase):
    def test_cases_of_each_country(self):
        for country, cases in CASES.items():
            plan = dial_plan(country)
            result = dict(zip(cases, normalised(list(cases), plan), strict=True))
            self.assertEqual(result, cases, country)
            for number, expected in cases.items():
                self.assertEqual(normalised([number], plan), [expected], number)

    def test_kinds_of_input(self):
        plan = dial_plan("us")
        numbers = ["14046058270", None, "911"]
        expected = ["+14046058270", None, "911"]
        arrow = pa.array(numbers)
        for values in (
            numbers,
            arrow,
            arrow.slice(0),
            pa.chunked_array([arrow[:1], arrow[1:]]),
            arrow.cast(pa.large_string()),
            arrow.dictionary_encode(),
            pd.Series(numbers),
            pd.Series(numbers, dtype=pd.ArrowDtype(pa.string())),
            pd.Series([14046058270, None, 911]),
            pa.array([14046058270, None, 911]),
            ["14046058270", None, 911],
        ):
            result = normalise_numbers(values, plan)
            self.assertEqual(result.type, pa.string())
            self.assertEqual(result.to_pylist(), expected, repr(values))
        self.assertEqual(normalised(arrow.slice(2), plan), ["911"])
        self.assertEqual(normalised([], plan), [])
        self.assertEqual(normalised([None, None], plan), [None, None])

    def test_operator_settings(self):
        number = ["00442079460120"]
        self.assertEqual(normalised(number, dial_plan("US")), ["+442079460120"])
        only_own = dial_plan("US", idd_prefixes=["011"])
        self.assertEqual(normalised(number, only_own), [None])
        outside_line = dial_plan("US", idd_prefixes=("9011", "011"))
        self.assertEqual(
            normalised(["9011442079460120"], outside_line), ["+442079460120"]
        )
        short = dial_plan("US", short_code_max=3)
        self.assertEqual(normalised(["911", "2001"], short), ["911", None])

    def test_unknown_country(self):
        for country in ("ZZ", "", None, "001"):
            with self.assertRaisesRegex(ValueError, "No dial plan is known"):
                dial_plan(country)
        self.assertEqual(dial_plan("uk"), dial_plan("GB"))

    def test_calling_codes_are_unambiguous(self):
        codes = set(international_lengths())
        for code in codes:
            for length in range(1, len(code)):
                self.assertNotIn(code[:length], codes)


class TestNumberOfRealCalls(unittest.TestCase):
    """What the switch sent to the carrier is what was dialled, in normal form."""

    def test_every_billable_row(self):
        rows = []
        with MASTER.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                dst, context, channel, to, data = (row[i] for i in (2, 3, 5, 6, 8))
                if row[14] == "ANSWERED" and to.startswith("PJSIP/carrier-"):
                    british = context == "from-tpl" or "trk-tpl-" in channel
                    sent, _at, carrier = data.split(",")[0][6:].partition("@")
                    if carrier == "carrier-b":
                        self.assertTrue(sent.startswith("0099"), data)
                        sent = sent[4:]
                    rows.append(("GB" if british else "US", dst, sent))
        self.assertEqual(len(rows), 1647)
        frame = pd.DataFrame(rows, columns=["country", "dst", "sent"])
        for country, calls in frame.groupby("country"):
            result = pd.Series(normalised(calls.dst, dial_plan(country)), calls.index)
            wrong = calls[result.str.lstrip("+") != calls.sent]
            self.assertTrue(wrong.empty, wrong)
            is_short = ~result.str.startswith("+")
            self.assertLessEqual(
                set(result[is_short]), {"911", "411", "999", "112", "118500"}
            )


class TestNumberInvariants(unittest.TestCase):
    texts = st.lists(
        st.one_of(
            st.from_regex(r"\+?[0-9]{0,18}", fullmatch=True),
            st.from_regex(r"(sip:)?[0-9 ().+/-]{0,16}(@[a-z]{2})?", fullmatch=True),
            st.text(max_size=12),
            st.none(),
        ),
        max_size=20,
    )

    @settings(deadline=None)
    @given(texts, st.sampled_from(sorted(CASES)))
    def test_form_and_order(self, numbers, country):
        plan = dial_plan(country)
        result = normalised(numbers, plan)
        for value in result:
            if value is not None:
                self.assertRegex(
                    value, rf"\A(\+[1-9]\d{{4,14}}|\d{{1,{plan.short_code_max}}})\Z"
                )
        # a row does not depend on the rows around it
        self.assertEqual(normalised(numbers[::-1], plan), result[::-1])
        # normalising again changes nothing
        self.assertEqual(normalised(result, plan), result)
