# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass
from decimal import Decimal

from ...rating.exact import number, rounded


@dataclass
class Line:
    """A row of the summary: what is charged, and the exact sum behind it.

    A correction has no records of its own; ``seconds`` is None of what is no call.
    What is carried forward is not open: the two are added up.
    """

    title: str
    records: int
    seconds: Decimal | None
    usage: Decimal
    charged: Decimal
    is_same_currency: bool = True
    is_correction: bool = False
    is_open: bool = False


class Figures:
    """What the usage on a statement comes to, and whether it adds up."""

    def __init__(self, statement):
        self.statement, self.env = statement, statement.env
        self.currency = statement.currency_id
        self.groups = statement._read_groups()
        self.usage = statement._read_usage()
        self.readings = statement._read_readings()
        self.open_amounts = self._open_amounts()
        self.carried = statement._read_carried() if statement.scope == "period" else []
        self.lines = (
            self._invoice_lines()
            if statement.scope == "invoice"
            else self._period_lines()
        )
        self.listed = sum(group.calls for group in self.groups if group.listed)

    def _open_amounts(self):
        """What usage comes to that is priced when it is invoiced, as of now.

        :return: dict id of ``metered.usage`` -> Decimal, of those in the statement's
            currency that have a price
        """
        if self.statement.scope == "invoice":
            return {}
        ids = [key for one in self.usage for key in one.open_ids]
        found = self.env["metered.usage"].browse(ids)._price_so_far()
        return {
            key: amount
            for key, (amount, currency) in found.amounts.items()
            if currency == self.currency
        }

    def amount_of(self, amount, open_ids):
        """An amount with that of open usage; None where any of it has no price."""
        if not all(key in self.open_amounts for key in open_ids):
            return None
        return amount + sum((self.open_amounts[key] for key in open_ids), Decimal())

    def _invoice_lines(self):
        """What each line charges, beside the usage on it: list of :class:`Line`."""
        lines = self.statement.invoice_id.invoice_line_ids.filtered(
            lambda line: line.metered_usage_ids or line.metered_corrected_line_id
        ).sorted(lambda line: (line.sequence, line.id))
        self.env.cr.execute(
            """
            SELECT invoice_line_id, sum(records),
                   coalesce(sum(billed_quantity), 0)::text,
                   coalesce(sum(amount), 0)::text, array_agg(DISTINCT currency_id),
                   bool_and(meter.kind = 'call')
              FROM metered_usage usage
              JOIN metered_meter meter ON meter.id = usage.meter_id
             WHERE invoice_line_id = ANY(%s)
             GROUP BY invoice_line_id
            """,
            (lines.ids,),
        )
        found = {line_id: sums for line_id, *sums in self.env.cr.fetchall()}
        # A correction has no usage of its own.
        none = (0, "0", "0", [], None)
        return [self._line(line, *found.get(line.id, none)) for line in lines]

    def _line(self, line, records, quantity, amount, currencies, are_calls):
        charged = self._round(number(line.quantity) * number(line.price_unit))
        is_same = currencies == [self.currency.id]
        return Line(
            line.name.replace("\n", ", "),
            records,
            Decimal(quantity) if are_calls else None,
            Decimal(amount) if is_same else charged,
            charged,
            is_same or not currencies,
            is_correction=bool(line.metered_corrected_line_id),
        )

    def _period_lines(self):
        """What each meter comes to, by the invoice that it is on, if any."""
        lines = []
        carried = [key for one in self.carried for key in one["usage_ids"]]
        found = self.statement._read_meters(carried)
        for meter, are_calls, invoice, state, *sums in found:
            records, seconds, amount, open_ids = sums
            amount = self.amount_of(amount, open_ids)
            title = self._period_title(meter, invoice, state)
            if amount is None:
                title = self.env._("%(usage)s (no price yet)", usage=title)
                amount = Decimal()
            lines.append(
                Line(
                    title,
                    records,
                    seconds if are_calls else None,
                    amount,
                    amount,
                    is_open=state not in ("posted", "waived", "carried"),
                )
            )
        return lines

    def _period_title(self, meter, invoice, state):
        if state == "posted":
            return self.env._(
                "%(meter)s, on invoice %(invoice)s", meter=meter, invoice=invoice
            )
        if state == "waived":
            return self.env._("%(meter)s, not billed", meter=meter)
        if state == "carried":
            return self.env._("%(meter)s, carried forward", meter=meter)
        return self.env._("%(meter)s, not invoiced yet", meter=meter)

    def _round(self, amount):
        return rounded(amount, self.currency.decimal_places)

    @property
    def total(self):
        """What is charged, or will be: Decimal."""
        return sum((line.charged for line in self.lines), Decimal())

    @property
    def values(self):
        """Values of the statement's fields that say what it comes to."""
        usage = sum((line.usage for line in self.lines), Decimal())
        calls = sum((group.charge for group in self.groups), Decimal())
        is_of_invoice = self.statement.scope == "invoice"
        return {
            "calls": self.listed,
            "usage_amount": float(usage),
            "invoice_amount": float(self.total) if is_of_invoice else 0,
            "rounding": float(self.total - usage),
            "adds_up": self._adds_up(calls),
            "carried_amount": sum(one["amount"] for one in self.carried),
            "carried_since": min((one["since"] for one in self.carried), default=False),
        }

    def _adds_up(self, calls):
        """Whether the records come to the lines, each of which is rounded once."""
        most = Decimal(1).scaleb(-self.currency.decimal_places) / 2
        of_calls = sum(
            (line.usage for line in self.lines if line.seconds is not None), Decimal()
        )
        are_comparable = all(line.is_same_currency for line in self.lines)
        return (not are_comparable or calls == of_calls) and all(
            abs(line.charged - line.usage) <= most for line in self.lines
        )
