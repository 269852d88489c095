# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage of calls, and the invoice lines with it, added up once more.

Usage of a day is the sum of its calls. An invoice line with usage of calls is the exact
sum of what was found for them, rounded once; in another currency than the calls it is
converted first, at the rate of the invoice's date.
"""

from .currencies import Currencies
from .exact import exact, text
from .findings import Difference

USAGE = "usage"
LINES = "invoice lines"

_USAGE = """
    SELECT usage.id, usage.day, usage.meter_id, usage.records, usage.quantity::text,
           usage.billed_quantity::text, usage.amount::text, usage.currency_id, line.id,
           usage.details_gone IS NOT NULL, partner.name
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id AND meter.kind = 'call'
      JOIN res_partner partner ON partner.id = usage.partner_id
      LEFT JOIN account_move_line line ON line.id = usage.invoice_line_id
     WHERE usage.company_id = %(company)s
       AND usage.day >= %(first)s AND usage.day < %(end)s
     ORDER BY usage.id
"""
_LINES = """
    SELECT line.id, move.name, line.price_subtotal::text, line.currency_id,
           coalesce(move.invoice_date, move.date), move.move_type, move.state,
           line.discount,
           (SELECT array_agg(usage.id) FROM metered_usage usage
             WHERE usage.invoice_line_id = line.id)
      FROM account_move_line line
      JOIN account_move move ON move.id = line.move_id
     WHERE line.id = ANY(%s)
     ORDER BY line.id
"""


class Usage:
    """Usage of calls of a company on some days.

    :param charges: as `calls.Calls` found it
    """

    def __init__(self, cursor, scope, charges):
        self.cursor, self.scope, self.charges = cursor, scope, charges
        self.currencies = Currencies(cursor, scope.company)

    def compare(self):
        """Compare usage, then the invoice lines."""
        self.cursor.execute(_USAGE, self.scope.values)
        of_line, meter_of = {}, {}
        for row in self.cursor.fetchall():
            usage, day, meter, records, quantity, billed, amount, currency = row[:8]
            line, gone, customer = row[8:]
            tally = self.scope.tally(USAGE, meter)
            found = self.charges.get(usage, [0, 0, 0, exact(0)])
            if line:
                of_line.setdefault(line, {})[usage] = currency, found[3], gone
                meter_of[line] = meter
            if gone:
                tally.left_out["its calls were deleted or masked"] += 1
                continue
            if found[3] is None:
                tally.left_out["with calls that were left out"] += 1
                continue
            stored = [records, exact(quantity), exact(billed), exact(amount)]
            if stored == found:
                tally.equal += 1
                continue
            tally.differ(
                Difference(
                    f"usage {usage} of {customer} on {day}",
                    _sums(stored),
                    _sums(found),
                    found[3] - stored[3],
                )
            )
        self._compare_lines(of_line, meter_of)

    def _compare_lines(self, of_line, meter_of):
        self.cursor.execute(_LINES, (list(of_line),))
        rows = self.cursor.fetchall()
        for line, name, subtotal, currency, day, kind, state, discount, usages in rows:
            tally = self.scope.tally(LINES, meter_of[line])
            reason = _why_not(kind, state, discount, usages, of_line[line])
            if reason:
                tally.left_out[reason] += 1
                continue
            amount, steps = exact(0), []
            for of_currency in sorted({of[0] for of in of_line[line].values()}):
                sum_of = sum(
                    of[1] for of in of_line[line].values() if of[0] == of_currency
                )
                steps.append(f"the calls come to {text(sum_of)}")
                ratio = self.currencies.ratio(of_currency, currency, day)
                steps.append(f"converted at {text(ratio)}: {text(sum_of * ratio)}")
                amount += sum_of * ratio
            found = self.currencies.rounded(amount, currency)
            stored = exact(subtotal)
            if found == stored:
                tally.equal += 1
                continue
            tally.differ(
                Difference(
                    f"line {line} of {name}",
                    text(stored),
                    text(found),
                    found - stored,
                    steps,
                )
            )


def _why_not(kind, state, discount, usages, found):
    if kind != "out_invoice":
        return "of other documents than invoices"
    if state == "cancel":
        return "of canceled invoices"
    if discount:
        return "with a discount"
    if set(usages) != set(found):
        return "with usage of other days, too"
    if any(gone for _currency, _charge, gone in found.values()):
        return "with usage whose calls were deleted or masked"
    if any(charge is None for _currency, charge, _gone in found.values()):
        return "with calls that were left out"
    return None


def _sums(values):
    records, quantity, billed, amount = values
    return f"{records} calls, {text(quantity)} s, {text(billed)} s, {text(amount)}"
