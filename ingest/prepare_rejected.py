# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records that leave an import as exceptions, with all that is known of them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.harmless import shortened
from ..rating import NO_DECK, NO_RATE, RATED, TOO_LARGE
from ..rating.exact import MICRO
from ..rating.rate_search import EARLIEST_US, LATEST_US
from . import mapping
from .causes import cause_key
from .facts import step_texts
from .numbers import normalise_numbers
from .rules import DIRECTIONS

REASON_OF_STATUS = {"no_rate": (NO_RATE, NO_DECK), "too_large": (TOO_LARGE,)}
UNKNOWN_OF_BAD_LINES = (
    "partner_id",
    "start_us",
    "seconds",
    "callee",
    "meter_id",
    "destination_id",
    "rule_id",
    "estimate",
)


def reject_bad_lines(bad, rejected, source_id):
    """Add unreadable lines to the rejected; the number of repeated ones."""
    seen, repeated = set(), 0
    for line in bad:
        # Of a line that is too long only the beginning is kept.
        where = f"{line.line}:" if line.reason == "too_long" else ""
        key = mapping.digest(where + line.raw)
        if key in seen:
            repeated += 1
            continue
        seen.add(key)
        rejected.line.append(line.line)
        rejected.call_id.append(key)
        rejected.record_id.append(None)
        rejected.fingerprint.append(None)
        rejected.reason.append(
            line.reason if line.reason == "column_count" else "unparsable"
        )
        rejected.detail.append(line.message)
        rejected.raw.append(line.raw if line.is_whole else shortened(line.raw))
        rejected.readable.append(False)
        rejected.row.append(-1)
        rejected.cause.append(
            cause_key(rejected.reason[-1], source_id, line.message, (), None, 0, 0, 0)
        )
        rejected.tried.append([])
        for name in UNKNOWN_OF_BAD_LINES:
            getattr(rejected, name).append(None)
    return repeated


class RejectingSteps:
    """What turns records of a chunk into exceptions."""

    def _reject(self, mask, reason, detail):
        """Turn the records of ``mask`` that are still on board into exceptions."""
        rows = np.flatnonzero(mask & self.alive)
        if not len(rows):
            return
        self.alive[rows] = False
        rejected = self.rejected
        rejected.row += rows.tolist()
        rejected.line += self.lines[rows].tolist()
        rejected.call_id += self.ids.take(pa.array(rows)).to_pylist()
        rejected.record_id += [self.same.get(row, (None,))[0] for row in rows.tolist()]
        rejected.fingerprint += self.prints.take(pa.array(rows)).to_pylist()
        rejected.reason += [reason] * len(rows)
        if detail is None:
            rejected.detail += [None] * len(rows)
        elif isinstance(detail, pa.Array):
            rejected.detail += detail.take(pa.array(rows)).to_pylist()
        else:
            rejected.detail += [detail[row] for row in rows]
        rejected.raw += mapping.raw_texts(self.frame, rows)
        rejected.readable += [True] * len(rows)

    def _complete_rejected(self):
        """Tell of the rejected all that the later steps found out as well."""
        rejected, settings = self.rejected, self.settings
        first = len(rejected.cause)
        rows = np.array(rejected.row[first:], np.int64)
        if not len(rows):
            return
        reasons = np.array(rejected.reason[first:], object)
        # Whose a number is depends on the time: nobody's where the time is not known.
        payer = np.where(self.time_valid[rows], self.payer[rows], -1)
        partner = np.append(settings.payers.partner_id, 0)[payer]
        tried = self._tried(rows[reasons == "unknown_customer"])
        rejected.tried += [tried.get(row, []) for row in rows.tolist()]
        rejected.partner_id += [int(p) or None for p in partner]
        rejected.start_us += [
            int(t) if ok else None
            for t, ok in zip(self.start_us[rows], self.time_valid[rows], strict=True)
        ]
        rejected.seconds += self.seconds[rows].tolist()
        rejected.callee += self.callee.take(pa.array(rows)).to_pylist()
        for name in ("meter_id", "destination_id", "rule_id"):
            ids = getattr(self, name)[rows]
            getattr(rejected, name).extend(int(value) or None for value in ids)
        rejected.estimate += self._estimates(rows, payer, reasons)
        rejected.cause += [
            cause_key(
                rejected.reason[at],
                settings.source_id,
                rejected.detail[at],
                rejected.tried[at],
                rejected.callee[at],
                rejected.meter_id[at] or 0,
                rejected.destination_id[at] or 0,
                rejected.rule_id[at] or 0,
            )
            for at in range(first, len(rejected))
        ]

    def _estimates(self, rows, payer, reasons):
        """What rejected records would cost: by their customer's decks where they have
        one, by the company's otherwise.

        :return: list of Decimal in the company's currency, None where nobody can tell
        """
        settings = self.settings
        estimates = [None] * len(rows)
        seconds, start = self.seconds[rows], self.start_us[rows]
        known = np.flatnonzero(
            (seconds > 0)
            & self.time_valid[rows]
            & (start >= EARLIEST_US)
            & (start < LATEST_US)
            & ~np.isin(reasons, [*REASON_OF_STATUS])
        )
        if not len(known):
            return estimates
        chain = np.append(settings.payers.chain, settings.default_chain)[payer]
        result = settings.engine.rate(
            pd.DataFrame(
                {
                    "number_key": self.callee_key[rows[known]],
                    "start_us": start[known],
                    "seconds": seconds[known],
                    "meter_id": self.meter_id[rows[known]],
                    "chain": chain[known],
                }
            )
        ).frame
        for at, status, deck, micro in zip(
            known.tolist(),
            result["status"].tolist(),
            result["deck_id"].tolist(),
            result["charge_micro"].tolist(),
            strict=True,
        ):
            if status == RATED:
                currency = settings.currency_of_deck.get(deck, 0)
                factor = settings.rate_of_currency.get(currency, 1)
                estimates[at] = micro * MICRO * factor
        return estimates

    def _looked_for(self, mask):
        """What the payer steps looked for first, for the people who mend it."""
        shown = np.full(self.count, "", object)
        for step, values in self._step_values():
            values = values.to_numpy(zero_copy_only=False)
            take = mask & (shown == "") & (values != "")
            shown[take] = [f"{step.kind} {value}" for value in values[take]]
        return shown

    def _tried(self, rows):
        """Everything that the payer steps looked for, as identifiers are compared.

        :param rows: int64 array of positions
        :return: dict position -> list of "kind value" texts
        """
        tried = {row: [] for row in rows.tolist()}
        if not tried:
            return tried
        dialling = self.settings.dial_plans[0][0]
        direction = DIRECTIONS[self.direction]
        for step, values in self._step_values():
            values = values.take(pa.array(rows))
            if step.kind == "number":
                own = normalise_numbers(values, dialling)
                values = pc.coalesce(own, values)
            for row, value in zip(rows.tolist(), values.to_pylist(), strict=True):
                if value and (not step.direction or step.direction == direction[row]):
                    tried[row].append(f"{step.kind} {value}")
        return tried

    def _step_values(self):
        """The payer steps that the file has a column for, with their texts."""
        for step in self.settings.steps:
            values = step_texts(self.frame, self.facts, step)
            if values is not None:
                yield step, values
