# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls that are exported once more, written otherwise, are never charged twice."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import product

from odoo.tests import tagged

from ..support.metered_case import MeteredCase
from ..support.record_grammar import OTHERS, OWN, Call

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
#: those that are not the same moments where nobody says which zone they are in
LOCAL = ("-2 h", "+5:30")
LENGTHS = {"s": str, "h:mm:ss": lambda s: str(timedelta(seconds=s))}
NUMBERS = {"+": str, "without": lambda number: number[1:]}


START = datetime(2026, 10, 5, 14, 1, 3, tzinfo=UTC)
CALLS = [
    Call(START + timedelta(minutes=17 * n), 61 + 7 * n, "outbound", OWN[n % 3], other)
    for n, other in enumerate(OTHERS)
]


def styles(ids, time, is_odd):
    """How an export is written."""
    return {
        "id": ids,
        "time": time,
        "length": "h:mm:ss" if is_odd else "s",
        "number": "without" if is_odd else "+",
        "more": is_odd,
        "order": (3, 0, 5, 1, 4, 2) if is_odd else range(6),
    }


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

    def test_no_call_is_charged_twice(self):
        for first_id, ids in product(IDS, IDS):
            for rank, time in enumerate(TIMES):
                if (rank + len(first_id) + len(ids)) % 2 and time not in LOCAL:
                    continue
                styles_of = (
                    styles(first_id, "T" if rank % 3 else "fraction", False),
                    styles(ids, time, rank % 2 > 0),
                )
                with self.subTest(first=first_id, second=ids, time=time):
                    self.check_again(*(_written(CALLS, **one) for one in styles_of))

    def check_again(self, *texts):
        source = self.make_source(max_age_days=0)
        first = self.import_text(source, texts[0])
        self.assertEqual(first.rated, len(CALLS), texts[0])
        second = self.import_text(source, texts[1])
        self.assertEqual(second.rated, 0, texts[1])
        self.assertEqual((first.balance, second.balance), ("ok", "ok"))
        self.exceptions(second).action_retry()
        self.assertEqual(second.rated, 0, texts[1])
