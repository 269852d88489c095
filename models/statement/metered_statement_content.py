# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from itertools import islice
from zoneinfo import ZoneInfo

from odoo import fields, models
from odoo.tools import format_date

from ...rating.exact import exact_text, number, rounded
from ...statement import CSV_COLUMNS, Column, Document, Formats, Section

#: widths of the columns of calls on a page
_WIDTHS = {
    "start": 76,
    "from": 68,
    "to": 72,
    "destination": 84,
    "call_type": 48,
    "seconds": 36,
    "billed": 36,
    "covered": 34,
    "price": 58,
    "charge": 44,
}
_DECIMALS = 4


class MeteredStatement(models.Model):
    """What a statement says: its summary, its calls, its other usage."""

    _inherit = "metered.statement"

    def _content(self):
        """Everything on the statement, in the language of the context.

        :return: :class:`Content`
        """
        self.ensure_one()
        lines = self.invoice_id.invoice_line_ids.filtered(
            lambda line: line.metered_usage_ids or line.metered_corrected_line_id
        ).sorted(lambda line: (line.sequence, line.id))
        return Content(self, lines, self._read_groups())

    def _formats(self):
        lang = self.env["res.lang"]._lang_get(self.lang or "en_US")
        return Formats(
            lang.decimal_point,
            lang.thousands_sep or "",
            tuple(_groups(lang.grouping)),
            lang.date_format,
            lang.time_format,
        )


def _groups(grouping):
    """The sizes of groups of digits, from Odoo's text `[3,0]`."""
    return [int(size) for size in grouping.strip("[]").split(",") if size.strip()]


@dataclass
class Line:
    """A line of the invoice: its title, what it charges, the exact sum behind it."""

    title: str
    records: int
    seconds: Decimal | None
    usage: Decimal
    charged: Decimal
    is_same_currency: bool


class Content:
    """What is on a statement, as it is written to its files."""

    def __init__(self, statement, lines, groups):
        self.statement, self.env = statement, statement.env
        self.groups = groups
        self.formats = statement._formats()
        self.masking = statement._masking()
        self.zone = ZoneInfo(statement.time_zone)
        self.currency = statement.currency_id
        self.lines = self._invoice_lines(lines)
        self.usage = self._other_usage(lines)
        self.listed = sum(group.calls for group in groups if group.listed)

    # === FIGURES === #

    def _invoice_lines(self, lines):
        """What each line charges, beside the usage on it: list of :class:`Line`."""
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
        )

    def _round(self, amount):
        return rounded(amount, self.currency.decimal_places)

    @property
    def figures(self):
        """Values of the statement's fields that say what it comes to."""
        usage = sum((line.usage for line in self.lines), Decimal())
        charged = sum((line.charged for line in self.lines), Decimal())
        calls = sum((group.charge for group in self.groups), Decimal())
        return {
            "calls": self.listed,
            "usage_amount": float(usage),
            "invoice_amount": float(charged),
            "rounding": float(charged - usage),
            "adds_up": self._adds_up(calls),
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

    # === FILES === #

    def pages(self):
        """The statement as a `Document` for a PDF: a section for each service."""
        limit = self.statement.company_id.metered_statement_rows
        sections = [self._summary(), *self._usage_sections()]
        closing = self._closing()
        if self.listed > limit:
            closing.insert(
                0,
                self.env._(
                    "The calls are listed in the CSV and XLSX files, as there are more "
                    "than %(limit)s.",
                    limit=self.formats.number(Decimal(limit), 0),
                ),
            )
        else:
            sections += self._call_sections()
        return self._document(sections, closing)

    def workbook(self):
        """The statement as a `Document` for a workbook: one sheet of calls."""
        columns = [Column(self.env._("Service")), *self._columns()]
        calls = Section(
            self.env._("Calls"),
            columns,
            ([call.service, *self._cells(call)] for call in self._calls()),
            self.listed,
        )
        sections = [self._summary(), *self._usage_sections()]
        return self._document(
            sections + [calls] if self.listed else sections, self._closing()
        )

    def table(self):
        """The rows of the CSV file."""
        statement = self.statement
        fixed = {
            "statement": statement.name,
            "invoice": statement.invoice_id.name,
            "time_zone": statement.time_zone,
        }
        for call in self._calls():
            start = call.start_time.replace(tzinfo=UTC)
            shown = {
                **fixed,
                "service": call.service.removeprefix("+"),
                "record_id": call.record_id,
                "start_local": start.astimezone(self.zone).isoformat(),
                "start_utc": start.isoformat().replace("+00:00", "Z"),
                "direction": call.direction,
                "from": self._caller(call).removeprefix("+"),
                "to": self._callee(call).removeprefix("+"),
                "destination": call.destination,
                "call_type": call.call_type,
                "duration_s": _plain(call.seconds),
                "billed_s": _plain(call.billed),
                "allowance_s": _plain(call.covered),
                "unit": "s",
                "quantity": _plain(call.billed),
                "price": _plain(call.price) if call.price else "",
                "price_unit": f"{call.per_seconds} s" if call.price else "",
                "increment": _increments(call),
                "tariff": call.deck,
                "charge": _plain(call.charge),
                "currency": call.currency,
            }
            yield [shown.get(name, "") for name in CSV_COLUMNS]
        for usage in self.usage:
            shown = {
                **fixed,
                "start_local": usage["day"].isoformat(),
                "call_type": usage["meter"],
                "unit": usage["unit"],
                "quantity": exact_text(usage["quantity"]),
                "charge": exact_text(usage["amount"]),
                "currency": self.currency.name,
            }
            yield [shown.get(name, "") for name in CSV_COLUMNS]

    # === SECTIONS === #

    def _document(self, sections, closing):
        statement, company = self.statement, self.statement.company_id
        address = company.partner_id._display_address(without_company=True)
        receiver = statement.invoice_id.partner_id
        lines = receiver._display_address(without_company=True).splitlines()
        logo = company.logo_web
        last = fields.Date.subtract(statement.date_to, days=1)
        period = " – ".join(
            format_date(self.env, day, lang_code=statement.lang)
            for day in (statement.date_from, last)
        )
        return Document(
            self.env._("Usage Statement"),
            [company.name, *filter(str.strip, address.splitlines()), company.vat or ""],
            [receiver.display_name, *filter(str.strip, lines)],
            [
                (self.env._("Statement"), statement.name),
                (self.env._("Invoice"), statement.invoice_id.name),
                (self.env._("Period"), period),
                (self.env._("Time Zone"), statement.time_zone),
                (self.env._("Currency"), self.currency.name),
            ],
            sections,
            closing,
            company.name,
            self.env._(
                "Page %(page)s of %(pages)s", page="%(page)s", pages="%(pages)s"
            ),
            self.env._("%(title)s (continued)", title="%(title)s"),
            base64.b64decode(logo) if logo else b"",
            company.primary_color or Document.color,
        )

    def _summary(self):
        decimals = self.currency.decimal_places
        columns = [
            Column(self.env._("Usage"), "text", 5),
            Column(self.env._("Records"), "number", 1),
            Column(self.env._("Billed Duration"), "seconds", 1.2),
            Column(self.env._("Amount"), "money", 1.2, decimals),
        ]
        rows = [
            [line.title, Decimal(line.records), line.seconds, line.usage]
            for line in self.lines
        ]
        usage = sum((line.usage for line in self.lines), Decimal())
        charged = sum((line.charged for line in self.lines), Decimal())
        if charged != usage:
            rounding = self.env._("Rounding to the invoice")
            rows.append([rounding, None, None, charged - usage])
        for title, calls, charge in self._remainders():
            rows.append([title, Decimal(calls), None, None])
            if charge:
                rows[-1][0] += f": {self.formats.number(charge, decimals)}"
        total = self.env._(
            "Usage on invoice %(invoice)s", invoice=self.statement.invoice_id.name
        )
        return Section(
            self.env._("Summary"),
            columns,
            rows,
            len(rows),
            [total, Decimal(sum(line.records for line in self.lines)), None, charged],
        )

    def _remainders(self):
        """What is counted, and not listed: (title, calls, charge)."""
        hidden = [group for group in self.groups if not group.listed]
        free = sum(group.calls for group in hidden if not group.charge)
        charged = [group for group in hidden if group.charge]
        if free:
            yield self.env._("Of these, free calls that are not listed"), free, None
        if charged:
            calls = sum(group.calls for group in charged)
            charge = sum((group.charge for group in charged), Decimal())
            yield self.env._("Of these, calls that are not listed"), calls, charge

    def _usage_sections(self):
        if not self.usage:
            return
        rows = [
            [row["day"], row["meter"], row["quantity"], row["unit"], row["amount"]]
            for row in self.usage
        ]
        yield Section(
            self.env._("Other Usage"),
            [
                Column(self.env._("Day"), "day", 1),
                Column(self.env._("Meter"), "text", 3),
                Column(self.env._("Quantity"), "number", 1),
                Column(self.env._("Unit"), "text", 1),
                Column(self.env._("Amount"), "money", 1, self.currency.decimal_places),
            ],
            rows,
            len(rows),
            [
                self.env._("Total"),
                None,
                None,
                None,
                sum((row["amount"] for row in self.usage), Decimal()),
            ],
        )

    def _other_usage(self, lines):
        """Usage of meters that are no calls, by day: list of dicts."""
        self.env.cr.execute(
            """
            SELECT day,
                   coalesce(meter.name ->> %s, meter.name ->> 'en_US') COLLATE "C"
                   AS meter,
                   coalesce(meter.unit, '') AS unit,
                   sum(usage.quantity)::text AS quantity,
                   coalesce(sum(usage.amount), 0)::text AS amount
              FROM metered_usage usage
              JOIN metered_meter meter ON meter.id = usage.meter_id
             WHERE invoice_line_id = ANY(%s) AND meter.kind <> 'call'
             GROUP BY 1, 2, 3 ORDER BY 2, 1, 3
            """,
            (self.statement.lang or "en_US", lines.ids),
        )
        found = self.env.cr.dictfetchall()
        for row in found:
            row["quantity"] = Decimal(row["quantity"])
            row["amount"] = Decimal(row["amount"])
        return found

    def _call_sections(self):
        """A section for each service; its rows are read one after the other."""
        listed = [group for group in self.groups if group.listed]
        calls = self._calls()
        for group in listed:
            title = group.service or self.env._("Calls")
            if group.late:
                title = self.env._("%(service)s: recorded late", service=title)
            yield Section(
                title,
                self._columns(),
                map(self._cells, islice(calls, group.calls)),
                group.calls,
                self._total(group),
            )

    def _total(self, group):
        values = {
            "start": self.env._("Total"),
            "seconds": group.seconds,
            "billed": group.billed,
            "covered": group.covered,
            "charge": group.charge,
        }
        return [values.get(name) for name in _WIDTHS]

    def _columns(self):
        titles = {
            "start": (self.env._("Start"), "time"),
            "from": (self.env._("From"), "text"),
            "to": (self.env._("To"), "text"),
            "destination": (self.env._("Destination"), "text"),
            "call_type": (self.env._("Call Type"), "text"),
            "seconds": (self.env._("Duration"), "seconds"),
            "billed": (self.env._("Billed"), "seconds"),
            "covered": (self.env._("Included"), "seconds"),
            "price": (self.env._("Price"), "text"),
            "charge": (self.env._("Charge"), "money"),
        }
        return [
            Column(*titles[name], width, _DECIMALS) for name, width in _WIDTHS.items()
        ]

    def _calls(self):
        return self.statement._read_calls()

    def _cells(self, call):
        start = call.start_time.replace(tzinfo=UTC).astimezone(self.zone)
        return [
            start,
            self._caller(call),
            self._callee(call),
            call.destination,
            call.call_type,
            _seconds(call.seconds),
            _seconds(call.billed),
            _seconds(call.covered) or None,
            self._price(call),
            Decimal(call.charge),
        ]

    def _caller(self, call):
        is_inbound = call.direction == "inbound"
        return self.masking.caller(call.caller) if is_inbound else call.caller

    def _callee(self, call):
        is_inbound = call.direction == "inbound"
        return call.callee if is_inbound else self.masking.called(call.callee)

    def _price(self, call):
        """`0.0225/min 60/6`; empty where a price has no rate."""
        if not call.price:
            return ""
        per = "min" if call.per_seconds == 60 else f"{call.per_seconds} s"
        price = self.formats.number(Decimal(call.price), _DECIMALS)
        return f"{price}/{per} {_increments(call)}"

    def _closing(self):
        company = self.statement.company_id.with_context(lang=self.statement.lang)
        found = [
            self.env._(
                "60/6 means: the first 60 seconds are charged in full, then every "
                "started 6 seconds."
            )
        ]
        if self.masking.digits or self.masking.caller_digits:
            found.append(
                self.env._("The letter x stands for a digit that is not shown.")
            )
        if company.metered_statement_objection:
            found.insert(0, company.metered_statement_objection)
        return found


def _increments(call):
    return f"{call.initial}/{call.increment}" if call.price else ""


def _seconds(text):
    value = Decimal(text)
    return int(value) if value == int(value) else value


def _plain(text):
    """A number of the database without zeros at its end."""
    return exact_text(Decimal(text)).rstrip("0").rstrip(".") if "." in text else text
