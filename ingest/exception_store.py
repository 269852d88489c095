# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Storing rejected records, and what they may be worth.

An estimate is, in this order:

1. what the customer's decks, or the company's where nobody pays yet, charge for the
   record (``prepare``);
2. its seconds times the average charge of a second of the same call type, over the
   newest usage of the company;
3. nothing: nobody can tell.
"""

from decimal import Decimal

from ..connectors.harmless import harmless, key_text, shown
from ..rating.exact import MICRO

#: rows of usage (a customer's day each) that averages are taken over: the newest
AVERAGE_ROWS = 50_000
#: characters of the text that a reason is about
MOST_DETAIL = 500

#: what an attempt finds out about a record, in the order of the values below
FOUND = (
    "reason",
    "detail",
    "kind",
    "cause",
    "tried",
    "partner_id",
    "start_time",
    "seconds",
    "callee",
    "meter_id",
    "destination_id",
    "rule_id",
    "estimate",
)
#: how each is written into SQL
CASTS = {
    "tried": "%s::text[]",
    "partner_id": "%s::int",
    "start_time": "timestamp 'epoch' + %s * interval '1 microsecond'",
    "seconds": "%s::int",
    "meter_id": "%s::int",
    "destination_id": "%s::int",
    "rule_id": "%s::int",
    "estimate": "%s::numeric",
}
PLACES = ", ".join(CASTS.get(name, "%s") for name in FOUND)


def kind_of(reason):
    """Whether a rule declared a record wrong, or it could not be processed."""
    return "declared" if reason == "declared" else "unprocessed"


def store_exceptions(cr, rejected, settings, batch_id):
    """Insert rejected records as open exceptions of a batch.

    :param rejected: :class:`~.outcome.Rejected`
    """
    if not len(rejected):
        return
    rows = [
        (settings.company_id, settings.source_id, batch_id, *own, *found)
        for own, found in zip(
            zip(
                rejected.line,
                rejected.call_id,
                rejected.record_id,
                rejected.fingerprint,
                map(printable, rejected.raw),
                rejected.readable,
                strict=True,
            ),
            found_values(cr, rejected, settings),
            strict=True,
        )
    ]
    cr.execute_values(
        "INSERT INTO metered_exception (company_id, source_id, batch_id, line, call_id,"
        f" record_id, fingerprint, raw, readable, {', '.join(FOUND)}, state,"
        " create_date, write_date) VALUES %s",
        rows,
        template=f"(%s, %s, %s, %s, %s, %s, %s, %s, %s, {PLACES}, 'open',"
        " now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')",
        page_size=1000,
    )


def update_exceptions(cr, ids, rejected, settings):
    """Note on exceptions that were tried again why they still are such.

    :param ids: ids of the exceptions, in the order of ``rejected``
    """
    if not ids:
        return
    assignments = ", ".join(f"{name} = new.{name}" for name in FOUND)
    cr.execute_values(
        f"UPDATE metered_exception old SET {assignments},"  # noqa: S608 - our columns
        " attempts = coalesce(old.attempts, 0) + 1,"
        " write_date = now() AT TIME ZONE 'UTC'"
        f" FROM (VALUES %s) AS new (id, {', '.join(FOUND)}) WHERE old.id = new.id",
        [
            (exception_id, *found)
            for exception_id, found in zip(
                ids, found_values(cr, rejected, settings), strict=True
            )
        ],
        template=f"(%s, {PLACES})",
        page_size=1000,
    )


def found_values(cr, rejected, settings):
    """The values of :data:`FOUND`, a tuple a record."""
    estimates = _estimates(cr, rejected, settings)
    return list(
        zip(
            rejected.reason,
            [shown(text, MOST_DETAIL) for text in rejected.detail],
            map(kind_of, rejected.reason),
            map(shown, rejected.cause),
            [[key_text(text) for text in texts] for texts in rejected.tried],
            rejected.partner_id,
            rejected.start_us,
            rejected.seconds,
            [text and key_text(text) for text in rejected.callee],
            rejected.meter_id,
            rejected.destination_id,
            rejected.rule_id,
            estimates,
            strict=True,
        )
    )


def _estimates(cr, rejected, settings):
    """The estimates, with averages where no deck could tell; texts or None."""
    averages = None
    estimates = []
    for estimate, meter_id, seconds in zip(
        rejected.estimate, rejected.meter_id, rejected.seconds, strict=True
    ):
        if estimate is None and meter_id and seconds:
            if averages is None:
                averages = average_charges(cr, settings)
            if meter_id in averages:
                estimate = seconds * averages[meter_id]
        if estimate is not None:
            estimate = str(estimate.quantize(MICRO))
        estimates.append(estimate)
    return estimates


def average_charges(cr, settings):
    """What a second of each call type cost lately.

    The newest rows of usage are found by their id, so that it takes the same few
    milliseconds whatever has been stored over the years.

    :return: dict meter id -> Decimal in the company's currency
    """
    cr.execute(
        """
        SELECT meter_id, currency_id, sum(amount)::text, sum(quantity)::text
          FROM metered_usage
         WHERE id > (SELECT max(id) - %s FROM metered_usage) AND company_id = %s
         GROUP BY meter_id, currency_id
        """,
        (AVERAGE_ROWS, settings.company_id),
    )
    amounts, seconds = {}, {}
    for meter_id, currency_id, amount, quantity in cr.fetchall():
        if currency_id not in settings.rate_of_currency:
            continue
        amounts[meter_id] = (
            amounts.get(meter_id, 0)
            + Decimal(amount) * settings.rate_of_currency[currency_id]
        )
        seconds[meter_id] = seconds.get(meter_id, 0) + Decimal(quantity)
    return {
        meter_id: amount / seconds[meter_id]
        for meter_id, amount in amounts.items()
        if seconds[meter_id]
    }


def printable(text):
    """JSON that can be stored, and read again without finding what cannot be."""
    return harmless(text).replace("\\u0000", "\\ufffd")
