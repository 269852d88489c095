# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What an import would make of the first records: who pays, and how much."""

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pyarrow.compute as pc

from ..rating.exact import MICRO
from . import mapping
from .directions import EMPTY, said_nothing
from .extract import column
from .numbers import normalise_numbers
from .prepare import prepare
from .times import parse_times

MOST_RECORDS = 2000
"""Records that are tried."""

MOST_SHOWN = 10
"""Records whose outcome is told one by one."""

MOST_UNKNOWN = 5
#: fact that tells the customer of a call as a rule
_CALLER = "caller"


@dataclass(frozen=True)
class Outcome:
    """What would become of one record.

    :ivar state: ``rated``, ``not_billable``, ``exception``, or ``duplicate`` of another
        one of the file
    :ivar partner_id: 0 where no customer is known
    :ivar charge: Decimal, before what a calling plan includes; None of what is priced
        with its billing period
    :ivar rule_id: the charging rule that decided; 0 for none
    :ivar reason, detail, tried: of exceptions, see ``outcome.Rejected``
    """

    state: str
    partner_id: int = 0
    charge: Decimal | None = None
    currency_id: int = 0
    rule_id: int = 0
    reason: str = ""
    detail: str = ""
    tried: tuple = ()


@dataclass(frozen=True)
class Trial:
    """What came of the records.

    :ivar records: how many were tried
    :ivar found: charged ones, whether rated or not, whose customer is known
    :ivar unknown: charged ones whose customer is not
    :ivar nobody: list of ("kind value" that was looked for first, records), the most
        frequent first
    :ivar looked: whether any payer step found a text to look for
    :ivar outcomes: list of :class:`Outcome` of the first :data:`MOST_SHOWN` records
    """

    records: int
    found: int
    unknown: int
    nobody: list
    looked: bool
    outcomes: list


def try_records(frame, settings):
    """Take records through the import, and store nothing.

    :param frame: DataFrame of text columns under the source's own names
    :param settings: :class:`~.settings.ImportSettings`
    :return: :class:`Trial`
    """
    prepared = prepare(frame, np.arange(len(frame)), [], settings)
    rejected = prepared.rejected
    nobody, looked, unknown = Counter(), False, 0
    for reason, tried in zip(rejected.reason, rejected.tried, strict=True):
        if reason == "unknown_customer":
            unknown += 1
            looked |= bool(tried)
            nobody.update(tried[:1])
    known = sum(partner is not None for partner in rejected.partner_id)
    return Trial(
        len(frame),
        int(prepared.cdrs["billable"].sum()) + known,
        unknown,
        nobody.most_common(MOST_UNKNOWN),
        looked,
        _outcomes(prepared, min(len(frame), MOST_SHOWN)),
    )


def _outcomes(prepared, count):
    outcomes = [Outcome("duplicate")] * count
    cdrs, rejected = prepared.cdrs, prepared.rejected
    is_priced_later = "charged" in cdrs
    for at in np.flatnonzero(np.asarray(cdrs["line"]) < count).tolist():
        billable = bool(cdrs["billable"][at])
        charge = Decimal(int(cdrs["charge_micro"][at])) * MICRO
        outcomes[int(cdrs["line"][at])] = Outcome(
            "rated" if billable else "not_billable",
            int(cdrs["partner_id"][at]),
            None if is_priced_later else charge,
            int(cdrs["currency_id"][at]),
            int(cdrs["rule_id"][at]),
        )
    for at, line in enumerate(rejected.line):
        if line < count:
            outcomes[line] = Outcome(
                "exception",
                rejected.partner_id[at] or 0,
                rule_id=rejected.rule_id[at] or 0,
                reason=rejected.reason[at],
                detail=rejected.detail[at] or "",
                tried=tuple(rejected.tried[at] or ()),
            )
    return outcomes


def without_direction(frame, settings):
    """How many records wait for a direction that others of the file say.

    :param frame: as :func:`try_records` takes it, of any size
    :param settings: :class:`~.settings.ImportSettings`
    :return: int; records that are not charged, or whose rule tells the direction, do
        not wait
    """
    texts, _spec = mapping.read_target(frame, settings.columns, "direction")
    if texts is None or settings.record_kind != "call" or settings.fills_columns:
        return 0
    rows = np.flatnonzero(said_nothing(texts, settings.words)[0])
    tried = rows[:MOST_RECORDS]
    if not len(tried):
        return 0
    prepared = prepare(
        frame.iloc[tried],
        np.arange(len(tried)),
        [],
        replace(settings, doubts_directions=True),
    )
    rejected = prepared.rejected
    lost = [*zip(rejected.reason, rejected.detail, strict=True)]
    share = lost.count(("unknown_direction", EMPTY)) / len(tried)
    return round(share * len(rows))


def likely_payer(frame, settings, kinds):
    """The column that likely tells who pays, and as what.

    :param frame: as :func:`try_records` takes it
    :param kinds: kinds of identifiers, the usual ones first
    :return: (column, kind) of which most records have an identifier; where none has
        one, the calling number; ("", "") without it
    """
    texts, spec = mapping.read_target(frame, settings.columns, "start_time")
    times = np.zeros(len(frame), np.int64)
    if texts is not None:
        times, _valid = parse_times(texts, spec.style, settings.timezone)
    best, most = ("", ""), 0
    for name in frame.columns:
        values = pc.utf8_trim_whitespace(column(frame, name))
        numbers = pc.fill_null(normalise_numbers(values, settings.dial_plans[0][0]), "")
        for kind in kinds:
            found = settings.payers.index.find(
                kind, numbers if kind == "number" else values, times
            )
            count = np.count_nonzero(found >= 0)
            if count > most:
                best, most = (name, kind), count
    if most:
        return best
    for spec in settings.columns:
        parts = spec.resolve(frame.columns) if spec.target == _CALLER else ()
        if len(parts) == 1:
            return parts[0], "number"
    return best
