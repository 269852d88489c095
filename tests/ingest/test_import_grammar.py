# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Every question accepted with its proposal gives nothing that is wrong.

Files are made by a grammar together with what their records truly are. They are read
as an import reads them, and each question is answered with what is proposed. Then each
record is right, or waits as an exception: none has other seconds, another start,
direction or number, and none is charged twice. Of files that are written plainly all
records are right, and nothing is asked.
"""

import tempfile
import unittest
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
from hypothesis import given, settings, target

from odoo.addons.metered_billing.connectors import files
from odoo.addons.metered_billing.ingest.answered import unread_answered
from odoo.addons.metered_billing.ingest.directions import word_key
from odoo.addons.metered_billing.ingest.identify import PayerStep
from odoo.addons.metered_billing.ingest.mapping import ColumnSpec
from odoo.addons.metered_billing.ingest.prepare import prepare
from odoo.addons.metered_billing.ingest.quantities import UNIT
from odoo.addons.metered_billing.ingest.survey import STYLES, survey

from ..support.plain_settings import make_settings
from ..support.record_grammar import OWN, call_files, usage_files

NUMBERS = [*OWN]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
METER = 7
EXAMPLES = 60


def read_file(text):
    """The frame and lines of a file, as an import reads it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.csv"
        path.write_text(text)
        form = files.detect_format(path, path.name)
        form, _repeated = files.settle_columns(path, form)
        chunks = list(files.read_chunks(path, form, 100_000))
    bad = [bad for chunk in chunks for bad in chunk.bad]
    frame = pd.concat([chunk.frame for chunk in chunks], ignore_index=True)
    return frame, [line for chunk in chunks for line in chunk.line.tolist()], bad


def answered(made, frame, source):
    """The settings of a source with every proposal accepted, and what was asked."""
    columns = [ColumnSpec(fact, "+".join(names)) for fact, names in made.names.items()]
    source = replace(source, columns=tuple(columns), timezone=made.zone)
    name, _texts, _unanswered = unread_answered(frame, source)
    if name:
        columns.append(ColumnSpec("answered", name))
        source = replace(source, columns=tuple(columns))
    dialling = source.dial_plans[0][0] if source.record_kind == "call" else None
    unit = source.unit_of_meter.get(source.default_meter_id, "")
    found = survey(
        frame,
        columns,
        made.zone,
        source.words,
        dialling,
        unit,
        source.column_names,
    )
    proposed = {finding.key: finding.value for finding in found.findings}
    for rank, spec in enumerate(columns):
        for key, targets in STYLES.items():
            if spec.target in targets and proposed.get(key):
                spec = replace(spec, style=proposed[key])
        if spec.target == "quantity":
            spec = replace(spec, factor=proposed.get("factor", ""))
        columns[rank] = spec
    words = {word_key(w.word): w.proposal for w in found.words if w.proposal}
    asked = [*found.questions, *found.words, *([name] if name else [])]
    asked += [one for one in (found.zone, found.shorter) if one]
    words = {**source.words, **words}
    return replace(source, columns=tuple(columns), words=words), asked


class TestImportGrammar(unittest.TestCase):
    def imported(self, made, source):
        """(dict line -> position in the records, prepared, what was asked)"""
        frame, lines, bad = read_file(made.text)
        self.assertFalse(bad, made.text)
        source, asked = answered(made, frame, source)
        prepared = prepare(frame, pd.Series(lines).to_numpy(), [], source)
        at = {int(line): row for row, line in enumerate(prepared.cdrs["line"])}
        lost = {int(line) for line in prepared.rejected.line}
        self.assertFalse(lost & {*at})
        return at, prepared, asked

    def check_calls(self, made):
        """Assert that no call is wrong; the lines of those that came in."""
        source = make_settings(NUMBERS, preset="generic")
        at, prepared, asked = self.imported(made, source)
        cdrs = prepared.cdrs
        seen, rows = set(), made.text.splitlines()
        for line, row in at.items():
            call = made.truth[line - 2]
            start = EPOCH + timedelta(microseconds=int(cdrs["start_us"][row]))
            about = f"{call} {made.notes}\n{made.text}"
            self.assertEqual(start, call.start, about)
            self.assertEqual(cdrs["direction"][row].as_py(), call.direction, about)
            numbers = cdrs["caller"][row].as_py(), cdrs["callee"][row].as_py()
            self.assertEqual(numbers, call.ends, about)
            seconds = call.seconds if call.answered else 0
            if cdrs["billable"][row]:
                self.assertEqual(int(cdrs["quantity"][row]), seconds, about)
                # Equal calls with ids of their own are several.
                self.assertNotIn(rows[line - 1], seen, about)
                seen.add(rows[line - 1])
        target(len(at) / len(made.truth))
        return at, asked

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(call_files())
    def test_no_call_is_wrong(self, made):
        self.check_calls(made)

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(call_files(plain=True))
    def test_plain_calls_are_right_and_not_asked_about(self, made):
        at, asked = self.check_calls(made)
        self.assertFalse(asked, made.text)
        count = len(made.truth) - (2 if made.notes["repeated"] else 0)
        self.assertGreaterEqual(len(at), min(count, len({*made.truth})), made.text)

    def check_usage(self, made):
        steps = (PayerStep("identifier", "number"),)
        source = make_settings(
            NUMBERS,
            preset="usage",
            record_kind="usage",
            steps=steps,
            default_meter_id=METER,
            unit_of_meter={METER: made.notes["units"][1]},
            currency_id=1,
        )
        at, prepared, asked = self.imported(made, source)
        for line, row in at.items():
            exact = Decimal(int(prepared.cdrs["quantity"][row])) / UNIT
            about = f"{made.notes}\n{made.text}"
            self.assertEqual(exact, made.truth[line - 2], about)
        return at, asked

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(usage_files())
    def test_no_quantity_is_wrong(self, made):
        self.check_usage(made)

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(usage_files(plain=True))
    def test_plain_quantities_are_right_and_not_asked_about(self, made):
        at, asked = self.check_usage(made)
        self.assertFalse(asked, made.text)
        self.assertEqual(len(at), len(made.truth), made.text)
