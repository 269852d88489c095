# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import io
from decimal import Decimal

import xlsxwriter

from odoo import models

from ...deck_files import sheet_title


class MeteredWhatIf(models.Model):
    """The result of a simulation: as a pivot, and as a workbook."""

    _inherit = "metered.simulation"

    def action_view_lines(self):
        """Open the result as a pivot, list and graph."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            f"metered_billing.action_metered_simulation_line_{self.kind}"
        )
        action["domain"] = [("simulation_id", "=", self.id)]
        action["display_name"] = self.display_name
        return action

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
        after = self.env._("Cost") if self.kind == "margin" else self.env._("Then")
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
            self.env._("Charged") if self.kind == "margin" else self.env._("Now"),
            after,
            change,
            self.env._("Without rate"),
            self.env._("Calls dearer than now")
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
