# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which calls take from which subscription's plans, and reading them."""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from ..ingest.frames import copy_out, frame_of
from ..ingest.usage_calls import USAGE_CDRS
from ..rating import number_keys
from .payers import payers_of, with_parents

_USAGE = """
    SELECT usage.id, usage.partner_id, coalesce(usage.subscription_id, 0), usage.day,
           coalesce(line.move_id, 0), usage.details_gone IS NOT NULL,
           partner.commercial_partner_id, move.commercial_partner_id
      FROM metered_usage usage
      LEFT JOIN account_move_line line ON line.id = usage.invoice_line_id
      LEFT JOIN account_move move ON move.id = line.move_id
      JOIN metered_meter meter ON meter.id = usage.meter_id AND meter.kind = 'call'
      JOIN res_partner partner ON partner.id = usage.partner_id
     WHERE usage.company_id = %s AND usage.partner_id = ANY(%s)
       AND usage.day >= %s AND usage.day < %s
     ORDER BY usage.id
"""
_NUMBERS = (
    "cdr_id",
    "start_us",
    "seconds",
    "billed_seconds",
    "rate_id",
    "band_id",
    "meter_id",
    "destination_id",
    "partner_id",
    "identifier_id",
    "usage_id",
    "currency_id",
    "charge_micro",
    "deck_micro",
    "covered_seconds",
)
_TEXTS = ("id", "callee", "taken")
_COLUMNS = dict.fromkeys(_NUMBERS, pa.int64()) | dict.fromkeys(_TEXTS, pa.string())
# The identity of a record, not the number that it was stored under: charges do not
# depend on the order in which records came in.
_CALLS = f"""
    SELECT cdr.id, (extract(epoch FROM cdr.start_time) * 1000000)::bigint,
           cdr.quantity::bigint, cdr.billed_quantity::bigint, cdr.rate_id,
           coalesce(cdr.band_id, 0), cdr.meter_id,
           coalesce(cdr.destination_id, 0), cdr.partner_id,
           coalesce(cdr.identifier_id, 0), cdr.usage_id, cdr.currency_id,
           (cdr.charge * 1000000)::bigint,
           (coalesce(cdr.deck_charge, cdr.charge) * 1000000)::bigint,
           coalesce(cdr.plan_quantity, 0)::bigint,
           cdr.call_id || '/' || cdr.source_id, cdr.callee, cdr.plan_taken::text
      FROM {USAGE_CDRS}
     WHERE cdr.state = 'rated' AND cdr.rate_id IS NOT NULL
       AND (%(everything)s OR cdr.plan_taken IS NOT NULL)
     ORDER BY cdr.start_time
"""


@dataclass(frozen=True)
class UsageRow:
    """A usage row that plans may apply to.

    :ivar subscription_id: that it names, 0 for none
    :ivar invoice_id: that it is on, 0 for none
    :ivar is_kept: its calls are gone, or are masked: what it came to stays
    :ivar owners: ids of the customer and of its parents, the nearest first
    :ivar payer_id: of them, the one whose invoice it is on; where it is on none, whose
        subscription bills it
    """

    usage_id: int
    partner_id: int
    subscription_id: int
    day: date
    invoice_id: int
    is_kept: bool
    owners: tuple
    payer_id: int

    @property
    def invoiced(self):
        """Whether it is on an invoice, or is billed as if it still were."""
        return bool(self.invoice_id) or self.is_kept

    def is_billed_by(self, owner_id):
        """Whether a subscription of this customer has its calls for its own."""
        return not self.subscription_id and owner_id in (self.owners[0], self.payer_id)


def read_usage(cr, company_id, partner_ids, first, end):
    """Usage of calls on some days.

    :param first, end: dates, half-open
    :return: list of :class:`UsageRow`
    """
    cr.execute(_USAGE, (company_id, list(partner_ids), first, end))
    rows = cr.fetchall()
    owners = {row[6] for row in rows}
    parents, payers = with_parents(cr, owners), payers_of(cr, company_id, owners)
    return [
        UsageRow(
            *row[:6],
            parents[row[6]],
            row[7] if row[7] in parents[row[6]] else payers[row[6]],
        )
        for row in rows
    ]


def anchor(row, candidates):
    """The subscription whose plans the calls of a usage row take from.

    The one that it names; else the customer's first one, which shares its plan where
    the row names another; else the first one of the nearest parent company that
    shares its plan, or that pays for the calls.

    :param candidates: list of ``plan_book.PlanSubscription``, by id
    :return: id, 0 for none
    """
    for candidate in candidates:
        if candidate.id == row.subscription_id and candidate.covers(row.day):
            return candidate.id
    for owner_id in row.owners:
        for candidate in candidates:
            if (
                candidate.owner_id == owner_id
                and candidate.covers(row.day)
                and (candidate.shared or row.is_billed_by(owner_id))
            ):
                return candidate.id
    return 0


def read_calls(cr, usage_ids, everything=True):
    """The rated calls of usage rows, by start.

    :param usage_ids: int64 array
    :param everything: False: only those that a plan took
    :return: DataFrame: int64 columns `_NUMBERS`, Arrow's texts id and taken, number_key
    """
    table = copy_out(
        cr, _CALLS, {"usage": usage_ids.tolist(), "everything": everything}, _COLUMNS
    )
    frame = frame_of(table.drop_columns("callee"))
    frame["number_key"] = number_keys(table["callee"])
    return frame
