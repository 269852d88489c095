# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls that are exported once more, written otherwise, are never charged twice."""

from datetime import UTC, timedelta, timezone

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from ..support.metered_case import MeteredCase
from ..support.record_grammar import OWN, calls

IDS = {
    "none": None,
    "count": lambda rank: str(1000 + rank),
    "padded": lambda rank: f"{1000 + rank:08d}",
    "decimal": lambda rank: f"{1000 + rank}.0",
}
TIMES = {
    "iso": lambda at: at.strftime("%Y-%m-%d %H:%M:%S"),
    "T": lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "offset": lambda at: at.astimezone(timezone(timedelta(hours=5.5))).isoformat(),
    "month": lambda at: at.strftime("%d-%b-%Y %H:%M:%S"),
    "epoch": lambda at: str(int(at.timestamp())),
    "fraction": lambda at: at.strftime("%Y-%m-%d %H:%M:%S.417"),
    "minutes": lambda at: at.strftime("%Y-%m-%d %H:%M"),
    # Naive, in another zone than before.
    "-2 h": lambda at: (at - timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S"),
    "+5:30": lambda at: (at + timedelta(hours=5.5)).strftime("%Y-%m-%d %H:%M:%S"),
}
LENGTHS = {"s": str, "h:mm:ss": lambda s: str(timedelta(seconds=s))}
NUMBERS = {"+": str, "without": lambda number: number[1:]}


@st.composite
def exports(draw):
    """(calls, two texts, what was drawn)"""
    truth = [call for call in draw(calls(least=3)) if call.direction == "outbound"]
    truth = [*{call.start: call for call in truth}.values()]
    notes, texts = [], []
    for first in (True, False):
        names = sorted(TIMES)[2:] if first else sorted(TIMES)
        style = {
            "id": draw(st.sampled_from(sorted(IDS))),
            "time": draw(st.sampled_from(names)),
            "length": draw(st.sampled_from(sorted(LENGTHS))),
            "number": draw(st.sampled_from(sorted(NUMBERS))),
            "more": draw(st.booleans()),
            "order": draw(st.permutations(range(6))),
        }
        notes.append(style)
        texts.append(_written(truth, **style))
    return truth, texts, notes


def _written(truth, **style):
    write_id = IDS[style["id"]]
    columns = [
        ("call_id", [write_id(n) if write_id else "" for n in range(len(truth))]),
        ("start_time", [TIMES[style["time"]](c.start.astimezone(UTC)) for c in truth]),
        ("duration", [LENGTHS[style["length"]](c.seconds) for c in truth]),
        ("caller", [NUMBERS[style["number"]](c.own) for c in truth]),
        ("callee", [NUMBERS[style["number"]](c.other) for c in truth]),
        ("note", [f"of {n}" for n in range(len(truth))]),
    ]
    kept = [
        columns[place]
        for place in style["order"]
        if (place or write_id) and (place < 5 or style["more"])
    ]
    names, cells = zip(*kept, strict=True)
    rows = [names, *zip(*cells, strict=True)]
    return "".join(";".join(row) + "\n" for row in rows)


@tagged("post_install", "-at_install")
class TestImportAgain(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_customer("Acme", *OWN)

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(exports())
    def test_no_call_is_charged_twice(self, made):
        truth, texts, notes = made
        # Where one has no seconds, and the other another zone, nothing is the same.
        both = {note["time"] for note in notes}
        assume(not ("minutes" in both and both & {"-2 h", "+5:30"}))
        assume(len(truth) > 2)
        source = self.make_source(max_age_days=0)
        first = self.import_text(source, texts[0])
        self.assertEqual(first.rated + first.exceptions, len(truth), notes)
        second = self.import_text(source, texts[1])
        about = f"{notes}\n{texts[0]}\n{texts[1]}"
        self.assertLessEqual(first.rated + second.rated, len(truth), about)
        self.assertEqual((first.balance, second.balance), ("ok", "ok"), about)
        self.exceptions(second).action_retry()
        self.assertLessEqual(first.rated + second.rated, len(truth), about)
