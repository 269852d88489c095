# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64
from datetime import UTC, datetime
from decimal import Decimal
from itertools import compress, islice
from zoneinfo import ZoneInfo

from odoo import fields, models
from odoo.tools import format_date, groupby

from ...rating.exact import exact_text
from ...statement import CSV_COLUMNS, Column, Document, Formats, Section
from ...statement.call_rows import CallRows, exact_seconds, increments, plain
from .statement_figures import Figures

#: widths of the columns of calls on a page
_WIDTHS = {
    "start": 88,
    "from": 66,
    "to": 66,
    "destination": 70,
    "call_type": 48,
    "seconds": 43,
    "billed": 38,
    "covered": 34,
    "tariff": 48,
    "price": 58,
    "charge": 44,
}
#: where no call took from an allowance, the room of its column is theirs
_WITHOUT_ALLOWANCES = {"destination": 8, "call_type": 26}
_DECIMALS = 4


class MeteredStatement(models.Model):
    """What a statement says: its summary, its calls, its other usage."""

    _inherit = "metered.statement"

    def _content(self):
        """Everything on the statement, in the language of the context.

        :return: :class:`Content`
        """
        self.ensure_one()
        self.env.flush_all()
        return Content(self)

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


class Content(Figures):
    """What is on a statement, as it is written to its files."""

    def __init__(self, statement):
        super().__init__(statement)
        self.formats = statement._formats()
        self.masking = statement._masking()
        self.zone = ZoneInfo(statement.time_zone)
        self.tariffs = sorted({one for group in self.groups for one in group.tariffs})
        self.took = any(group.covered for group in self.groups if group.listed)
        # Of one tariff the head says which; sheets have room for a column.
        self.widths = self._widths(len(self.tariffs) > 1)
        self.sheet_widths = self._widths(bool(self.tariffs))
        # Of many calls few: what the database says -> what is printed.
        self.prices = {}

    # === FILES === #

    def pages(self):
        """The statement as a `Document` for a PDF: a section for each service."""
        limit = self.statement.company_id.metered_statement_rows
        sections = self._first_sections()
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
        columns = [
            Column(self.env._("Service")),
            Column(self.env._("Contact")),
            *self._columns(self.sheet_widths),
        ]
        calls = Section(
            self.env._("Calls"),
            columns,
            (
                [call.service, call.contact, *cells]
                for call, cells in self._rows(self._calls(), self.sheet_widths)
            ),
            self.listed,
        )
        sections = self._first_sections()
        return self._document(
            sections + [calls] if self.listed else sections, self._closing()
        )

    def table(self):
        """The rows of the CSV file."""
        statement = self.statement
        invoice = statement.invoice_id.name or ""
        make = CallRows(statement.name, invoice, self.zone).row
        for call in self._calls():
            yield make(call, *self._ends(call))
        fixed = {
            "statement": statement.name,
            "invoice": invoice,
            "time_zone": statement.time_zone,
        }
        for usage in self.usage:
            amount = self.amount_of(usage.amount, usage.open_ids)
            shown = {
                **fixed,
                "start_local": usage.day.isoformat(),
                "call_type": usage.meter,
                "unit": usage.unit,
                "quantity": plain(exact_text(usage.quantity)),
                "charge": "" if amount is None else plain(exact_text(amount)),
                "currency": self.currency.name,
            }
            yield [shown.get(name, "") for name in CSV_COLUMNS]

    # === SECTIONS === #

    def _document(self, sections, closing):
        statement, company = self.statement, self.statement.company_id
        address = company.partner_id._display_address(without_company=True)
        receiver = statement.invoice_id.partner_id or statement.partner_id
        lines = receiver._display_address(without_company=True).splitlines()
        # Odoo's own picture says "Your logo".
        logo = not company.uses_default_logo and company.logo_web
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
                *(
                    [(self.env._("Invoice"), statement.invoice_id.name)]
                    if statement.invoice_id
                    else []
                ),
                (self.env._("Period"), period),
                (self.env._("Time Zone"), statement.time_zone),
                (self.env._("Currency"), self.currency.name),
                *(
                    [(self.env._("Tariff"), self.tariffs[0])]
                    if len(self.tariffs) == 1
                    else []
                ),
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
        charged = self.total
        if charged != usage:
            rounding = self.env._("Rounding to the invoice")
            rows.append([rounding, None, None, charged - usage])
        for title, calls, charge in self._remainders():
            rows.append([title, Decimal(calls), None, None])
            if charge:
                rows[-1][0] += f": {self.formats.number(charge, decimals)}"
        total = (
            self.env._(
                "Usage on invoice %(invoice)s", invoice=self.statement.invoice_id.name
            )
            if self.statement.scope == "invoice"
            else self.env._("Usage of the period")
        )
        return Section(
            self.env._("Summary"),
            columns,
            rows,
            len(rows),
            [total, Decimal(sum(line.records for line in self.lines)), None, charged],
        )

    def _first_sections(self):
        """What stands before the calls."""
        return [
            self._summary(),
            *self._corrections(),
            *self._services(),
            *self._usage_sections(),
            *self._reading_sections(),
        ]

    def _corrections(self):
        """Differences that earlier invoices are corrected by."""
        rows = [[line.title, line.charged] for line in self.lines if line.is_correction]
        if rows:
            yield Section(
                self.env._("Corrections of Earlier Invoices"),
                [
                    Column(self.env._("Correction"), "text", 6),
                    Column(
                        self.env._("Amount"), "money", 1.2, self.currency.decimal_places
                    ),
                ],
                rows,
                len(rows),
                [self.env._("Total"), sum((row[1] for row in rows), Decimal())],
            )

    def _services(self):
        """What the calls of each number, extension, or contact come to."""
        sums = {}
        for group in self.groups:
            key = self._title(group)
            before = sums.get(key, (0, 0, 0, 0, 0))
            values = group[4:9]
            sums[key] = [a + b for a, b in zip(before, values, strict=True)]
        if len(sums) < 2:
            return
        rows = [
            [title, Decimal(calls), seconds, billed, covered or None, charge]
            for title, (calls, seconds, billed, covered, charge) in sums.items()
        ]
        totals = [sum(values) for values in zip(*sums.values(), strict=True)]
        columns = [
            Column(self.env._("Service"), "text", 4),
            Column(self.env._("Calls"), "number", 1),
            Column(self.env._("Duration"), "seconds", 1.2),
            Column(self.env._("Billed"), "seconds", 1.2),
            Column(self.env._("Included"), "seconds", 1.2),
            Column(self.env._("Charge"), "money", 1.2, _DECIMALS),
        ]
        total = [self.env._("Total"), Decimal(totals[0]), *totals[1:3], None, totals[4]]
        if not self.took:
            for row in (columns, total, *rows):
                del row[4]
        yield Section(self.env._("By Service"), columns, rows, len(rows), total)

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
        """Usage that is no calls, by day: of each kind, and what came late apart."""
        titles = {
            "counter": self.env._("Metered Consumption"),
            "measured": self.env._("Measured Services"),
            "other": self.env._("Other Usage"),
        }
        columns = [
            Column(self.env._("Day"), "day", 1),
            Column(self.env._("Meter"), "text", 3),
            Column(self.env._("Quantity"), "number", 1),
            Column(self.env._("Unit"), "text", 1),
            Column(self.env._("Amount"), "money", 1, self.currency.decimal_places),
        ]
        for (late, kind), found in groupby(self.usage, lambda one: one[:2]):
            title = titles[kind]
            if late:
                title = self.env._("%(service)s: recorded late", service=title)
            rows = []
            for one in found:
                amount = self.amount_of(one.amount, one.open_ids)
                rows.append([one.day, one.meter, one.quantity, one.unit, amount])
            total = sum((row[-1] or Decimal() for row in rows), Decimal())
            yield Section(
                title,
                columns,
                rows,
                len(rows),
                [self.env._("Total"), None, None, None, total],
            )

    def _reading_sections(self):
        """Old and new reading of each device, and whether somebody read it."""
        rows = [
            [
                one.meter,
                one.serial,
                *self._reading(one.first, "from"),
                *self._reading(one.last, "to"),
                one.quantity,
                one.unit,
            ]
            for one in self.readings
        ]
        if rows:
            yield Section(
                self.env._("Meter Readings"),
                [
                    Column(self.env._("Meter"), "text", 2),
                    Column(self.env._("Serial Number"), "text", 1.6),
                    Column(self.env._("Old Reading"), "text", 1.2),
                    Column(self.env._("On"), "text", 1.6),
                    Column(self.env._("New Reading"), "text", 1.2),
                    Column(self.env._("On"), "text", 1.6),
                    Column(self.env._("Quantity"), "number", 1.2),
                    Column(self.env._("Unit"), "text", 0.8),
                ],
                rows,
                len(rows),
            )

    def _reading(self, told, name):
        """A reading as it stands on the device, and its day with how it was found."""
        at = datetime.fromisoformat(told[f"{name}_time"]).astimezone(self.zone)
        day = format_date(self.env, at.date(), lang_code=self.statement.lang)
        if told[f"{name}_estimated"]:
            day = self.env._("%(date)s, estimated", date=day)
        else:
            day = self.env._("%(date)s, read", date=day)
        return told[name].replace(".", self.formats.decimal_point), day

    def _call_sections(self):
        """A section for each service; its rows are read one after the other."""
        listed = [group for group in self.groups if group.listed]
        calls = self._calls()
        for group in listed:
            yield Section(
                self._title(group),
                self._columns(self.widths),
                (
                    cells
                    for _call, cells in self._rows(
                        islice(calls, group.calls), self.widths
                    )
                ),
                group.calls,
                self._total(group),
            )

    def _title(self, group):
        """Whose calls a group has, and whether they came late."""
        parts = [part for part in (group.service, group.contact) if part]
        title = ", ".join(parts) or self.env._("Calls")
        if group.late:
            title = self.env._("%(service)s: recorded late", service=title)
        return title

    def _total(self, group):
        values = {
            "start": self.env._("Total"),
            "seconds": group.seconds,
            "billed": group.billed,
            "covered": group.covered or None,
            "charge": group.charge,
        }
        return [values.get(name) for name in self.widths]

    def _widths(self, has_tariff):
        """Columns of calls -> how wide they are."""
        is_shown = {"covered": self.took, "tariff": has_tariff}
        more = {} if self.took else _WITHOUT_ALLOWANCES
        return {
            name: width + more.get(name, 0)
            for name, width in _WIDTHS.items()
            if is_shown.get(name, True)
        }

    def _columns(self, widths):
        titles = {
            "start": (self.env._("Start"), "time"),
            "from": (self.env._("From"), "text"),
            "to": (self.env._("To"), "text"),
            "destination": (self.env._("Destination"), "text"),
            "call_type": (self.env._("Call Type"), "text"),
            "seconds": (self.env._("Duration"), "seconds"),
            "billed": (self.env._("Billed"), "seconds"),
            "covered": (self.env._("Included"), "seconds"),
            "tariff": (self.env._("Tariff"), "text"),
            "price": (self.env._("Price"), "text"),
            "charge": (self.env._("Charge"), "money"),
        }
        return [
            Column(*titles[name], width, _DECIMALS) for name, width in widths.items()
        ]

    def _calls(self):
        return self.statement._read_calls()

    def _rows(self, calls, widths):
        """Calls with the cells of their columns: iterator of (`Call`, list)."""
        is_shown = [name in widths for name in _WIDTHS]
        for call in calls:
            yield call, [*compress(self._cells(call), is_shown)]

    def _cells(self, call):
        start = call.start_time.replace(tzinfo=UTC).astimezone(self.zone)
        return (
            start,
            *self._ends(call),
            call.destination,
            call.call_type,
            exact_seconds(call.seconds),
            exact_seconds(call.billed),
            exact_seconds(call.covered) or None,
            call.deck,
            self._price(call),
            Decimal(call.charge),
        )

    def _ends(self, call):
        """Who called whom, as the customer sees it."""
        is_inbound = call.direction == "inbound"
        return self.masking.ends(call.caller, call.callee, is_inbound)

    def _price(self, call):
        """`0.0225/min 60/6`; empty where a price has no rate."""
        if not call.price:
            return ""
        per = "min" if call.per_seconds == 60 else f"{call.per_seconds} s"
        if call.price not in self.prices:
            price = self.formats.number(Decimal(call.price), _DECIMALS)
            self.prices[call.price] = price
        return f"{self.prices[call.price]}/{per} {increments(call)}"

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
        found.append(self.env._("Amounts are without taxes."))
        if company.metered_statement_objection:
            found.insert(0, company.metered_statement_objection)
        return [*self._outlook(), *found]

    def _outlook(self):
        """What becomes of the usage of a period, whether or not it is invoiced."""
        if self.statement.scope == "invoice":
            return
        still_open = sum((one.charged for one in self.lines if one.is_open), Decimal())
        if not self.total:
            yield self.env._("Nothing to pay: no usage of this period is charged.")
        elif still_open:
            yield self.env._(
                "Not invoiced yet: %(amount)s. It is billed with a later invoice.",
                amount=self.currency.format(float(self._round(still_open))),
            )
        for one in self.carried:
            yield self._carried_text(
                amount=self.currency.format(one["amount"]),
                date=format_date(self.env, one["since"], lang_code=self.statement.lang),
                is_earlier=one["since"] < self.statement.date_from,
            )

    def _carried_text(self, amount, date, is_earlier):
        if is_earlier:
            return self.env._(
                "Carried forward: %(amount)s since %(date)s, with usage of earlier "
                "periods. It is not payable yet, and is billed together with later "
                "usage.",
                amount=amount,
                date=date,
            )
        return self.env._(
            "Carried forward: %(amount)s since %(date)s. It is not payable yet, and is "
            "billed together with later usage.",
            amount=amount,
            date=date,
        )
