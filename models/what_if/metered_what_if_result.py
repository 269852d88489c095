# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import io
from decimal import Decimal

import xlsxwriter

from odoo import api, fields, models
from odoo.tools.misc import formatLang

from ...deck_files import sheet_title
from ..guard.unchecked_many2one import UncheckedMany2one
from ..record.metered_sums import Money
from ..screen.actions import window_action

#: customers that are shown of each kind
SHOWN = 10
#: a difference that is shown; sums of floats differ by less
LEAST = 0.00005


class MeteredWhatIfLine(models.Model):
    """What calls cost, and would cost: by customer, call type and destination."""

    _name = "metered.simulation.line"
    _description = "What If Result"
    _inherit = ["metered.guarded", "metered.sums"]
    _log_access = False
    _order = "simulation_id desc, difference, id"

    simulation_id = fields.Many2one(
        "metered.simulation",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    # Many lines: what the run and the calls keep in place needs no foreign key.
    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    meter_id = fields.Many2one("metered.meter", string="Call Type", readonly=True)
    destination_id = fields.Many2one("metered.destination", readonly=True)
    currency_id = UncheckedMany2one("res.currency", readonly=True)
    calls = fields.Integer(readonly=True)
    seconds = fields.Float(digits=0, readonly=True, help="Connected seconds.")
    unrated = fields.Integer(
        string="Without Rate",
        readonly=True,
        help="Calls without a matching rate in the deck. They count as 0.",
    )
    below = fields.Integer(
        string="Calls at a Loss",
        readonly=True,
        help="Calls that cost more with the deck than they are charged now.",
    )
    before = Money(string="Current", readonly=True, help="Current charge of the calls.")
    after = Money(
        string="Simulated",
        readonly=True,
        help="Charge or cost of the calls with the deck.",
    )
    difference = Money(readonly=True)
    lost = Money(
        string="Shortfall",
        readonly=True,
        help="How much the calls at a loss cost in excess of their charge.",
    )

    _scope_uniq = models.UniqueIndex(
        "(simulation_id, partner_id, meter_id, coalesce(destination_id, 0),"
        " currency_id)"
    )

    def action_view_cdrs(self):
        """Open the calls of this line."""
        self.ensure_one()
        run = self.simulation_id
        return window_action(
            self.env,
            "action_metered_cdr",
            [
                ("partner_id", "=", self.partner_id.id),
                ("meter_id", "=", self.meter_id.id),
                ("destination_id", "=", self.destination_id.id),
                ("usage_id.day", ">=", run.date_from),
                ("usage_id.day", "<=", run.date_to),
            ],
            context={},
        )


class MeteredWhatIf(models.Model):
    """The result: who would pay more, and who less; a pivot, and a workbook."""

    _inherit = "metered.simulation"

    customers = fields.Html(
        string="Largest Differences",
        compute="_compute_customers",
        sanitize=False,
        help="Customers with the largest differences. For margins, the customers and "
        "destinations with the lowest margin.",
    )

    @api.depends("state")
    @api.depends_context("uid", "lang")
    def _compute_customers(self):
        for run in self:
            describe = (
                run._describe_margins
                if run.kind == "margin"
                else run._describe_customers
            )
            run.customers = run.state == "done" and describe()

    def _describe_margins(self):
        """The lowest margins by customer and by destination, as HTML."""
        blocks = []
        for name, title in (
            ("partner_id", self.env._("By customer")),
            ("destination_id", self.env._("By destination")),
        ):
            found = self.env["metered.simulation.line"]._read_group(
                [("simulation_id", "=", self.id)],
                [name, "currency_id"],
                ["before:sum", "after:sum", "difference:sum"],
            )
            found = sorted(found, key=lambda row: (row[4], row[0].id))
            rows = [self._describe_customer(*row) for row in found[:SHOWN]]
            for row, (_record, _currency, before, _after, margin) in zip(
                rows, found[:SHOWN], strict=True
            ):
                row["share"] = self._percent(repr(margin), repr(before))
                row["style"] = "text-danger" if margin < 0 else ""
            blocks.append(
                {
                    "model": "res.partner" if name == "partner_id" else "",
                    "title": title,
                    "count": len(found),
                    "others": self._describe_others(len(found)),
                    "rows": rows,
                }
            )
        return self.env["ir.qweb"]._render(
            "metered_billing.simulation_margins", {"blocks": blocks}
        )

    def _describe_customers(self):
        """Those who would pay most more, and most less, as HTML."""
        found = self.env["metered.simulation.line"]._read_group(
            [("simulation_id", "=", self.id)],
            ["partner_id", "currency_id"],
            ["before:sum", "after:sum", "difference:sum"],
        )
        more = [row for row in found if row[4] >= LEAST]
        less = [row for row in found if row[4] <= -LEAST]
        more.sort(key=lambda row: -row[4])
        less.sort(key=lambda row: row[4])
        same = len(found) - len(more) - len(less)
        blocks = [
            (self.env._("Would pay more"), more, "text-danger"),
            (self.env._("Would pay less"), less, "text-success"),
        ]
        return self.env["ir.qweb"]._render(
            "metered_billing.simulation_customers",
            {
                "same": same
                and self.env._("Customers who would pay the same: %s", same),
                "blocks": [
                    {
                        "title": title,
                        "count": len(rows),
                        "others": self._describe_others(len(rows)),
                        "style": style,
                        "rows": [self._describe_customer(*row) for row in rows[:SHOWN]],
                    }
                    for title, rows, style in blocks
                ],
            },
        )

    def _describe_others(self, count):
        """How many are not shown; empty where all are."""
        more = count - SHOWN
        return more > 0 and self.env._("%s more: see Pivot and List", more)

    def _describe_customer(self, partner, currency, before, after, difference):
        """One customer as texts."""
        share = 100 * difference / before if before else 0
        shown = formatLang(self.env, share, digits=1)
        # Less than a cent is still a difference.
        places = 2 if abs(difference) >= 0.005 else 4
        return {
            "id": partner.id,
            "name": partner.display_name or self.env._("Unknown"),
            "before": formatLang(self.env, before, digits=2),
            "after": formatLang(self.env, after, digits=2),
            "difference": formatLang(self.env, difference, digits=places),
            "share": f"{shown}%" if abs(share) >= 0.05 else "",
            "currency": currency.name,
        }

    # === PIVOT AND WORKBOOK === #

    def action_view_lines(self):
        """Open the result as a pivot, list and graph."""
        self.ensure_one()
        return window_action(
            self.env,
            f"metered_billing.action_metered_simulation_line_{self.kind}",
            [("simulation_id", "=", self.id)],
            display_name=self.display_name,
        )

    def action_download(self):
        """Download the result as a workbook."""
        self.ensure_one()
        self.check_access("read")
        content = io.BytesIO()
        # A customer may be called "=1+1" or "http://x": names are written as texts.
        texts = {"strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(content, texts) as book:
            title = (
                self.env._("Margins")
                if self.kind == "margin"
                else self.env._("What if")
            )
            sheet = book.add_worksheet(sheet_title(title, self.kind))
            titles, rows = self._sheet()
            sheet.write_row(0, 0, titles, book.add_format({"bold": True}))
            sheet.set_column(0, 2, 28)
            sheet.set_column(4, 4, 10, book.add_format({"num_format": "#,##0"}))
            sheet.set_column(5, 5, 10, book.add_format({"num_format": "#,##0.0"}))
            money = book.add_format({"num_format": "#,##0.00##"})
            sheet.set_column(6, 8, 14, money)
            sheet.set_column(9, 10, 20)
            for place, row in enumerate(rows, start=1):
                sheet.write_row(place, 0, row)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, max(len(rows), 1), len(titles) - 1)
            self._write_totals(book, sheet, rows)
        return self.env["metered.deck.export"]._download(
            content.getvalue(), f"{self.display_name.replace('/', '-')}.xlsx"
        )

    def _write_totals(self, book, sheet, rows):
        """Below the rows and an empty one: the sums of each currency, as formulas."""
        bold = book.add_format({"bold": True})
        money = book.add_format({"bold": True, "num_format": "#,##0.00##"})
        whole = book.add_format({"bold": True, "num_format": "#,##0"})
        last = len(rows) + 1
        for place, currency in enumerate(sorted({row[3] for row in rows}), last + 1):
            sheet.write(place, 0, self.env._("Total"), bold)
            sheet.write(place, 3, currency, bold)
            quoted = currency.replace('"', '""')
            for column, letter in enumerate("EFGHIJK", start=4):
                total = sum(
                    Decimal(repr(row[column])) for row in rows if row[3] == currency
                )
                sheet.write_formula(
                    place,
                    column,
                    f'SUMIF($D$2:$D${last},"{quoted}",{letter}$2:{letter}${last})',
                    money if letter in "GHI" else whole,
                    float(total),
                )

    def _sheet(self):
        """The result as (titles in the user's language, rows)."""
        lines = self.env["metered.simulation.line"].search(
            [("simulation_id", "=", self.id)]
        )
        after = self.env._("Cost") if self.kind == "margin" else self.env._("Simulated")
        change = (
            self.env._("Margin") if self.kind == "margin" else self.env._("Difference")
        )
        titles = [
            self.env._("Customer"),
            self.env._("Call type"),
            self.env._("Destination"),
            self.env._("Currency"),
            self.env._("Calls"),
            self.env._("Minutes"),
            self.env._("Charged") if self.kind == "margin" else self.env._("Current"),
            after,
            change,
            self.env._("No rate"),
            self.env._("Calls that cost more")
            if self.kind == "what_if"
            else self.env._("Calls below cost"),
        ]
        return (
            titles,
            [
                (
                    line.partner_id.display_name,
                    line.meter_id.name,
                    line.destination_id.name or "",
                    line.currency_id.name,
                    line.calls,
                    line.seconds / 60,
                    line.before,
                    line.after,
                    line.difference,
                    line.unrated,
                    line.below,
                )
                for line in lines
            ],
        )
