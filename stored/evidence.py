# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The tables of an evidence pack: an invoice's usage, its records, what priced them.

Numbers are exact texts, times are UTC. Each table is a query of its own, so that a
million records are never in memory together.
"""

import csv
import io
from dataclasses import dataclass

from ..deck_files.sheet_texts import safe_text
from ..ingest.usage_calls import USAGE_CDRS
from .canonical import portions

_ROUNDED = 'to_char({}, \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')'


@dataclass(frozen=True)
class Table:
    """A table of the pack.

    :ivar columns: pairs of the name that people read and an SQL expression
    :ivar source: the rest of the query; its values are `usage`, the ids of the usage,
        and `line`, those of the invoice's lines
    """

    columns: tuple
    source: str

    def rows(self, cr, usage_ids, line_ids):
        """Yield the rows, each a list of texts; the first one has the names."""
        yield [name for name, _expression in self.columns]
        fields = ", ".join(
            f"({expression})::text" for _name, expression in self.columns
        )
        yield from portions(
            cr,
            f"SELECT {fields} {self.source}",  # noqa: S608 - ours
            {"usage": list(usage_ids), "line": list(line_ids)},
        )


_RECORDS = Table(
    (
        ("record", "cdr.id"),
        ("usage", "cdr.usage_id"),
        ("import", "cdr.batch_id"),
        ("line", "cdr.line"),
        ("source", "cdr.source_id"),
        ("record_id", "cdr.call_id"),
        ("start", _ROUNDED.format("cdr.start_time")),
        ("direction", "cdr.direction"),
        ("from", "cdr.caller"),
        ("to", "cdr.callee"),
        ("quantity", "trim_scale(cdr.quantity)"),
        ("billed_quantity", "trim_scale(cdr.billed_quantity)"),
        ("call_type_or_meter", "meter.code"),
        ("destination", "destination.name"),
        ("identifier", "identifier.value"),
        ("rate", "cdr.rate_id"),
        ("time_band", "band.name->>'en_US'"),
        ("charge_without_plan", "trim_scale(coalesce(cdr.deck_charge, cdr.charge))"),
        ("plan_quantity", "trim_scale(cdr.plan_quantity)"),
        ("plan_taken", "cdr.plan_taken"),
        ("charge", "trim_scale(cdr.charge)"),
        ("currency", "currency.name"),
    ),
    f"""
      FROM {USAGE_CDRS}
      JOIN metered_meter meter ON meter.id = cdr.meter_id
      LEFT JOIN metered_destination destination ON destination.id = cdr.destination_id
      LEFT JOIN metered_identifier identifier ON identifier.id = cdr.identifier_id
      LEFT JOIN metered_time_band band ON band.id = cdr.band_id
      LEFT JOIN res_currency currency ON currency.id = cdr.currency_id
     ORDER BY cdr.usage_id, cdr.start_time, cdr.id
    """,
)
_USAGE = Table(
    (
        ("usage", "usage.id"),
        ("invoice_line", "usage.invoice_line_id"),
        ("day", "usage.day"),
        ("call_type_or_meter", "meter.code"),
        ("kind", "meter.kind"),
        ("subscription", "subscription.name"),
        ("records", "usage.records"),
        ("quantity", "trim_scale(usage.quantity)"),
        ("billed_quantity", "trim_scale(usage.billed_quantity)"),
        ("amount", "trim_scale(usage.amount)"),
        ("currency", "currency.name"),
        ("details_gone", "usage.details_gone"),
    ),
    """
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id
      JOIN res_currency currency ON currency.id = usage.currency_id
      LEFT JOIN sale_subscription subscription
        ON subscription.id = usage.subscription_id
     WHERE usage.id = ANY(%(usage)s) ORDER BY usage.id
    """,
)
_LINES = Table(
    (
        ("invoice_line", "line.id"),
        ("name", "line.name"),
        ("quantity", "trim_scale(line.quantity::numeric)"),
        ("unit_price", "trim_scale(line.price_unit::numeric)"),
        ("discount", "trim_scale(line.discount::numeric)"),
        ("amount", "trim_scale(line.price_subtotal)"),
        ("currency", "currency.name"),
        ("decimals", "currency.decimal_places"),
        (
            "has_usage",
            "EXISTS (SELECT 1 FROM metered_usage WHERE invoice_line_id = line.id)",
        ),
        ("priced_together", "line.metered_price_id IS NOT NULL"),
    ),
    """
      FROM account_move_line line
      JOIN res_currency currency ON currency.id = line.currency_id
     WHERE line.id = ANY(%(line)s) ORDER BY line.id
    """,
)
_OF_RECORDS = f"(SELECT DISTINCT {{}} FROM {USAGE_CDRS})"
_RATES = Table(
    (
        ("rate", "rate.id"),
        ("deck", "deck.name"),
        ("imported_from", "version.file_name"),
        ("prefix", "rate.prefix"),
        ("destination", "destination.name"),
        ("call_type", "meter.code"),
        ("time_band", "band.name->>'en_US'"),
        ("valid_from", "rate.date_from"),
        ("valid_until", "rate.date_to"),
        ("price", "trim_scale(rate.price)"),
        ("per_seconds", "rate.per_seconds"),
        ("connection_fee", "trim_scale(rate.connection_fee)"),
        ("first_increment", "rate.initial_increment"),
        ("increment", "rate.increment"),
        ("minimum", "trim_scale(rate.min_charge)"),
        (
            "maximum",
            "CASE WHEN rate.has_max_charge THEN trim_scale(rate.max_charge) END",
        ),
        ("grace_seconds", "rate.grace_seconds"),
        (
            "tiers",
            """SELECT jsonb_agg(jsonb_build_array(
                tier.from_second, trim_scale(tier.price)::text, tier.per_seconds,
                tier.increment) ORDER BY tier.from_second)
              FROM metered_rate_tier tier WHERE tier.rate_id = rate.id""",
        ),
        ("currency", "currency.name"),
        ("rounding", "deck.rounding"),
        ("decimals", "deck.decimals"),
        ("timezone", "deck.timezone"),
        ("crossing", "deck.crossing"),
    ),
    f"""
      FROM metered_rate rate
      JOIN metered_rate_deck deck ON deck.id = rate.deck_id
      JOIN res_currency currency ON currency.id = deck.currency_id
      LEFT JOIN metered_rate_deck_version version ON version.id = rate.version_id
      LEFT JOIN metered_destination destination ON destination.id = rate.destination_id
      LEFT JOIN metered_meter meter ON meter.id = rate.meter_id
      LEFT JOIN metered_time_band band ON band.id = rate.band_id
     WHERE rate.id IN {_OF_RECORDS.format("cdr.rate_id")} ORDER BY rate.id
    """,
)
_ALLOWANCES = Table(
    (
        ("allowance", "allowance.id"),
        ("plan", "plan.name"),
        ("name", "allowance.name->>'en_US'"),
        ("unit", "allowance.unit"),
        ("amount", "trim_scale(allowance.amount)"),
        ("increment", "allowance.increment"),
        ("factor", "allowance.factor"),
        ("price", "trim_scale(allowance.price)"),
        ("overage_price", "trim_scale(allowance.overage_price)"),
        ("waives_connection_fee", "coalesce(allowance.waive_fee, FALSE)"),
    ),
    f"""
      FROM metered_calling_plan_allowance allowance
      JOIN metered_calling_plan plan ON plan.id = allowance.plan_id
     WHERE allowance.id IN (
           SELECT DISTINCT abs(taken.key::int)
             FROM {USAGE_CDRS} CROSS JOIN jsonb_each(cdr.plan_taken) taken
            WHERE cdr.plan_taken IS NOT NULL)
     ORDER BY allowance.id
    """,
)
_FILES = Table(
    (
        ("import", "batch.id"),
        ("source", "source.name"),
        ("file", "batch.file_name"),
        ("sha256", "batch.checksum"),
        ("records", "batch.records"),
        ("imported", _ROUNDED.format("batch.create_date")),
        ("engine", "batch.engine"),
        ("deleted", "batch.file_deleted_on"),
    ),
    f"""
      FROM metered_batch batch
      JOIN metered_source source ON source.id = batch.source_id
     WHERE batch.id IN {_OF_RECORDS.format("cdr.batch_id")} ORDER BY batch.id
    """,
)
_CHANGES = Table(
    (
        ("record", "change.cdr_id"),
        ("time", _ROUNDED.format("change.moment")),
        ("why", "change.reason"),
        ("charge_before", "trim_scale(change.charge_before)"),
        ("currency_before", "before.name"),
        ("rate_before", "change.rate_before_id"),
        ("charge_after", "trim_scale(change.charge_after)"),
        ("currency_after", "after.name"),
        ("rate_after", "change.rate_after_id"),
        ("by", "users.login"),
    ),
    f"""
      FROM metered_charge_change change
      LEFT JOIN res_currency before ON before.id = change.currency_before_id
      LEFT JOIN res_currency after ON after.id = change.currency_after_id
      LEFT JOIN res_users users ON users.id = change.user_id
     WHERE change.cdr_id IN {_OF_RECORDS.format("cdr.id")} ORDER BY change.id
    """,
)

#: name of a table's file -> table
TABLES = {
    "lines": _LINES,
    "usage": _USAGE,
    "records": _RECORDS,
    "rates": _RATES,
    "allowances": _ALLOWANCES,
    "files": _FILES,
    "changes": _CHANGES,
}


def write_csv(target, rows):
    """Write rows as CSV in UTF-8; no text is a formula where it is opened.

    :param target: binary file
    :param rows: iterable of lists of texts; None is an empty one
    :return: how many, without the names
    """
    text = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=True)
    writer, count = csv.writer(text), -1
    for row in rows:
        writer.writerow(
            safe_text(str(cell)) if cell is not None else "" for cell in row
        )
        count += 1
    text.detach()
    return count
