# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models
from odoo.exceptions import UserError

from ...deck_files import write_csv, write_xlsx
from .metered_rate_deck_file import TIERS


class MeteredRateDeck(models.Model):
    """A deck as a file to download."""

    _inherit = "metered.rate.deck"

    def _export_rows(self):
        """The rates by prefix that hold now or later, as ``deck_files.write`` wants.

        :return: list of tuples of texts
        """
        self.ensure_one()
        self.env["metered.rate"].flush_model()
        self.env["metered.rate.tier"].flush_model()
        self.env.cr.execute(
            f"""
            SELECT coalesce(rate.prefix, '*'), coalesce(rate.name, ''),
                   coalesce(meter.code, ''), coalesce(rate.band_id, 0),
                   trim_scale(rate.price)::text, rate.per_seconds::text,
                   rate.initial_increment::text, rate.increment::text,
                   trim_scale(rate.connection_fee)::text,
                   trim_scale(rate.min_charge)::text,
                   CASE WHEN rate.has_max_charge
                        THEN trim_scale(rate.max_charge)::text ELSE '' END,
                   CASE WHEN rate.grace_kind = 'including' THEN ''
                        ELSE rate.grace_seconds::text END,
                   CASE WHEN rate.grace_kind = 'including'
                        THEN greatest(rate.grace_seconds - 1, 0)::text ELSE '' END,
                   coalesce(tiers.text, ''),
                   coalesce(rate.date_from::text, ''), coalesce(rate.date_to::text, '')
              FROM metered_rate rate
              LEFT JOIN metered_meter meter ON meter.id = rate.meter_id
              LEFT JOIN ({TIERS}) tiers ON tiers.rate_id = rate.id
             WHERE rate.deck_id = %(deck)s AND rate.destination_id IS NULL
               AND (rate.date_to IS NULL OR rate.date_to > %(today)s)
             ORDER BY rate.prefix NULLS FIRST, meter.code, rate.band_id,
                      rate.date_from
            """,  # noqa: S608 - ours
            {"deck": self.id, "today": fields.Date.context_today(self)},
        )
        rows = self.env.cr.fetchall()
        bands = self.env["metered.time.band"].browse({row[3] for row in rows} - {0})
        names = {0: "", **{band.id: band.name for band in bands}}
        return [(*row[:3], names[row[3]], *row[4:]) for row in rows]

    def action_export_csv(self):
        """Download the rates as CSV."""
        return self._export("csv", write_csv)

    def action_export_xlsx(self):
        """Download the rates as a workbook."""
        return self._export("xlsx", lambda rows: write_xlsx(rows, self.name))

    def _export(self, kind, write):
        rows = self._export_rows()
        if not rows and self.rate_count:
            raise UserError(
                self.env._(
                    "The rates of %(deck)s are by destination; only rates by prefix "
                    "are exported.",
                    deck=self.name,
                )
            )
        download = self.env["metered.deck.export"]._download(
            write(rows), f"{self.name} {fields.Date.context_today(self)}.{kind}"
        )
        left_out = self.env["metered.rate"].search_count(
            [("deck_id", "=", self.id), ("destination_id", "!=", False)]
        )
        if not left_out:
            return download
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "sticky": True,
                "message": self.env._(
                    "Rates by destination are not in the file: %(count)s of "
                    "%(deck)s. A file has rates by prefix.",
                    count=left_out,
                    deck=self.name,
                ),
                "next": download,
            },
        }
