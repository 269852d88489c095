# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records and usage as texts that are the same for the same facts, and their digests.

A digest is a SHA-256 that PostgreSQL computes, so that no row leaves the database. What
is hashed is one JSON array a row: times in UTC with microseconds, exact numbers without
zeros at their end, as texts.
"""

#: of a query whose rows may be a million
ROWS_IN_MEMORY = 10_000
#: a record, as it is hashed
RECORD = """
    json_build_array(
        cdr.source_id, cdr.call_id,
        to_char(cdr.start_time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), cdr.duration,
        trim_scale(cdr.quantity)::text, trim_scale(cdr.billed_quantity)::text,
        cdr.direction, cdr.caller, cdr.callee, cdr.state, cdr.meter_id,
        cdr.destination_id, cdr.identifier_id, cdr.rate_id, cdr.band_id,
        trim_scale(cdr.charge)::text, trim_scale(cdr.deck_charge)::text,
        cdr.currency_id, cdr.plan_taken, cdr.fingerprint, cdr.properties)::text
"""
#: SHA-256 over the lines of many records, by start and identity
RECORDS = f"""
    encode(sha256(convert_to(string_agg(
        {RECORD}, E'\\n'
        ORDER BY cdr.start_time, cdr.call_id COLLATE "C", cdr.source_id), 'UTF8')),
        'hex')
"""
#: a row of usage, with the digest of its records, of a table `sealed`
_USAGE = """
    json_build_array(
        sealed.id, sealed.partner_id, sealed.meter_id, sealed.day, sealed.records,
        trim_scale(sealed.quantity)::text, {amount}, sealed.digest)::text
"""
_AMOUNT = """
    json_build_array(trim_scale(sealed.billed_quantity)::text,
                      trim_scale(sealed.amount)::text, sealed.currency_id)
"""
# What other usage comes to, its period decides: it is written when that is invoiced.
_AMOUNT_OF_DAY = f"CASE WHEN sealed.is_call THEN {_AMOUNT} END"
_DIGEST_OF_USAGE = f"""
    encode(sha256(convert_to(
        string_agg({_USAGE}, E'\\n' ORDER BY sealed.id), 'UTF8')), 'hex')
"""
_SAMPLES = """
    json_build_array(
        kept.source_id, kept.level_property, kept.level_of, kept.samples,
        to_jsonb(kept.kept_time), to_jsonb(kept.kept_quantity),
        to_jsonb(kept.kept_key))::text
"""
# Samples that were thinned: their records are gone, and these are billed instead.
_THINNED = f"""
    SELECT encode(sha256(convert_to(string_agg(
               {_SAMPLES}, E'\\n' ORDER BY kept.id), 'UTF8')), 'hex')
      FROM metered_level_kept kept WHERE kept.usage_id = usage.id
"""  # noqa: S608 - ours
# What was deleted or masked under a retention rule is what it was before.
_SEALED = f"""
    SELECT usage.*, meter.kind = 'call' AS is_call,
           CASE WHEN usage.details_gone IS NULL THEN nullif(concat_ws(' ', (
                SELECT {RECORDS} FROM metered_cdr cdr WHERE cdr.usage_id = usage.id),
                CASE WHEN meter.kind = 'gauge' THEN ({_THINNED}) END), '')
           ELSE (SELECT seal FROM metered_retention_sum kept
                  WHERE kept.usage_id = usage.id ORDER BY id LIMIT 1)
           END AS digest
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id
"""
_SUMS = """
    sum(sealed.records), trim_scale(sum(sealed.quantity))::text,
    trim_scale(sum(sealed.billed_quantity))::text, trim_scale(sum(sealed.amount))::text
"""
# OFFSET: or each digest is computed twice, once for the condition.
_DAYS = f"""
    SELECT sealed.day, {_DIGEST_OF_USAGE.format(amount=_AMOUNT_OF_DAY)},
           sum(sealed.records)
      FROM ({_SEALED}
             WHERE usage.company_id = %(company)s
               AND usage.day = ANY(%(days)s) OFFSET 0) sealed
     WHERE sealed.digest IS NOT NULL
     GROUP BY sealed.day
"""  # noqa: S608 - ours
_DAY_SUMS = f"""
    SELECT sealed.day, sealed.meter_id, sealed.currency_id, {_SUMS}
      FROM metered_usage sealed
      JOIN metered_meter meter ON meter.id = sealed.meter_id
     WHERE sealed.records > 0 AND sealed.company_id = %(company)s
       AND sealed.day = ANY(%(days)s)
     GROUP BY sealed.day, sealed.meter_id, sealed.currency_id
     ORDER BY sealed.day, sealed.meter_id, sealed.currency_id
"""  # noqa: S608 - ours
# Not the account of a line: accountants may choose another one at any time.
_INVOICE_LINES = """
    SELECT line.move_id, string_agg(
               json_build_array(
                   line.id, trim_scale(line.quantity::numeric)::text,
                   trim_scale(line.price_unit::numeric)::text,
                   trim_scale(line.price_subtotal)::text,
                   line.currency_id)::text, E'\\n' ORDER BY line.id) AS lines
      FROM account_move_line line
     WHERE line.move_id = ANY(%(moves)s) AND EXISTS (
           SELECT 1 FROM metered_usage WHERE invoice_line_id = line.id)
     GROUP BY line.move_id
"""
_HEAD = """
    json_build_array(move.name, move.invoice_date, move.partner_id,
                      move.currency_id)::text || E'\\n' || lines.lines
"""
_USAGE_OF_INVOICES = f"""
    SELECT each.*, line.move_id
      FROM ({_SEALED}
             WHERE usage.invoice_line_id IN (
                   SELECT id FROM account_move_line
                    WHERE move_id = ANY(%(moves)s))) each
      JOIN account_move_line line ON line.id = each.invoice_line_id
"""
_INVOICES = f"""
    SELECT move.id, encode(sha256(convert_to(
               {_HEAD} || E'\\n' || usage.digest, 'UTF8')), 'hex'), usage.records
      FROM account_move move
      JOIN ({_INVOICE_LINES}) lines ON lines.move_id = move.id
      JOIN (SELECT sealed.move_id, {_DIGEST_OF_USAGE.format(amount=_AMOUNT)} AS digest,
                   sum(sealed.records) AS records
              FROM ({_USAGE_OF_INVOICES}) sealed
             GROUP BY sealed.move_id) usage ON usage.move_id = move.id
     WHERE move.id = ANY(%(moves)s) AND move.state = 'posted'
"""  # noqa: S608 - ours
_INVOICE_HEAD = f"""
    SELECT {_HEAD} FROM account_move move
      JOIN ({_INVOICE_LINES}) lines ON lines.move_id = move.id
     WHERE move.id = ANY(%(moves)s)
"""  # noqa: S608 - ours
_INVOICE_USAGE = f"""
    SELECT {_USAGE.format(amount=_AMOUNT)} FROM ({_USAGE_OF_INVOICES}) sealed
     ORDER BY sealed.id
"""  # noqa: S608 - ours
_RECORDS_OF_USAGE = f"""
    SELECT cdr.usage_id, {RECORD}
      FROM metered_cdr cdr WHERE cdr.usage_id = ANY(%(usage)s)
     ORDER BY cdr.usage_id, cdr.start_time, cdr.call_id COLLATE "C", cdr.source_id
"""  # noqa: S608 - ours
_SAMPLES_OF_USAGE = f"""
    SELECT kept.usage_id, {_SAMPLES} FROM metered_level_kept kept
     WHERE kept.usage_id = ANY(%(usage)s) ORDER BY kept.usage_id, kept.id
"""  # noqa: S608 - ours
_INVOICE_SUMS = f"""
    SELECT line.move_id, sealed.meter_id, sealed.currency_id, {_SUMS}
      FROM metered_usage sealed
      JOIN account_move_line line ON line.id = sealed.invoice_line_id
     WHERE line.move_id = ANY(%(keys)s)
     GROUP BY line.move_id, sealed.meter_id, sealed.currency_id
     ORDER BY line.move_id, sealed.meter_id, sealed.currency_id
"""  # noqa: S608 - ours


def days(cr, company_id, wanted):
    """What the usage of days comes to, by day of the customers' time zones.

    :param wanted: dates
    :return: dict date -> (digest, number of records); days without usage are not in it
    """
    cr.execute(_DAYS, {"company": company_id, "days": list(wanted)})
    return {day: (digest, records) for day, digest, records in cr.fetchall()}


def day_sums(cr, company_id, wanted):
    """Exact sums of days, by meter and currency.

    :return: dict date -> list of [meter id, currency id, records, quantity, billed
        quantity, amount], numbers as texts
    """
    cr.execute(_DAY_SUMS, {"company": company_id, "days": list(wanted)})
    return _grouped(cr.fetchall())


def invoices(cr, move_ids):
    """What posted invoices charge: their lines with usage, and that usage.

    :return: dict id -> (digest, number of records); others are not in it
    """
    cr.execute(_INVOICES, {"moves": list(move_ids)})
    return {move: (digest, records) for move, digest, records in cr.fetchall()}


def invoice_sums(cr, move_ids):
    """The same as :func:`day_sums`, of invoices by their ids."""
    cr.execute(_INVOICE_SUMS, {"keys": list(move_ids)})
    return _grouped(cr.fetchall())


def texts_of_invoice(cr, move_id):
    """What the digest of an invoice is made of, before that of its usage.

    :return: (text of its number, date, customer, and lines; list of a text a row of
        usage, whose last item is the digest of its records)
    """
    cr.execute(_INVOICE_HEAD, {"moves": [move_id]})
    head = cr.fetchone()
    cr.execute(_INVOICE_USAGE, {"moves": [move_id]})
    return head[0] if head else "", [text for (text,) in cr.fetchall()]


def texts_of_records(cr, usage_ids):
    """Yield (id of usage, text) of each record, as they are hashed together."""
    yield from portions(cr, _RECORDS_OF_USAGE, {"usage": list(usage_ids)})


def texts_of_samples(cr, usage_ids):
    """The same of samples of levels that were thinned."""
    yield from portions(cr, _SAMPLES_OF_USAGE, {"usage": list(usage_ids)})


def portions(cr, query, values):
    """Yield the rows of a query, which are in memory some at a time.

    :param query: text of a SELECT, ours
    """
    cr.execute(f"DECLARE metered_rows NO SCROLL CURSOR FOR {query}", values)
    try:
        while True:
            cr.execute("FETCH %s FROM metered_rows", (ROWS_IN_MEMORY,))
            rows = cr.fetchall()
            if not rows:
                return
            yield from rows
    finally:
        cr.execute("CLOSE metered_rows")


def _grouped(rows):
    found = {}
    for key, *sums in rows:
        found.setdefault(key, []).append([*sums[:2], int(sums[2]), *sums[3:]])
    return found
