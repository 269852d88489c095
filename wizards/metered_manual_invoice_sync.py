# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import fields, models


class MeteredManualInvoice(models.TransientModel):
    """A manual invoice begins with fetching what its customer used."""

    _inherit = "metered.manual.invoice"

    sync_note = fields.Char(readonly=True)

    def _fetch_missing(self):
        """Have records fetched that may still be on the switch, and say so."""
        self._set_as_program({"sync_note": self._start_missing_syncs()})

    def _start_missing_syncs(self):
        """Fetch what was not fetched of the days asked for, in the background.

        :return: what to tell about it; False where nothing is missing
        """
        sources = self.env["metered.source"].with_company(self.company_id)
        whole, accounts = sources._metered_not_fetched(
            self.partner_id, self.date_to + timedelta(days=1)
        )
        if not whole and not accounts:
            return False
        whole._start_syncs("invoice")
        for source in accounts.source_id:
            source._start_syncs(
                "invoice", accounts.filtered(lambda a, s=source: a.source_id == s)
            )
        failed = [target for target in (*whole, *accounts) if target.sync_error]
        names = ", ".join((whole | accounts.source_id).mapped("name"))
        if not failed:
            return self.env._(
                "The last records of these days are being fetched from %s. Search "
                "again in a minute to have them on the invoice.",
                names,
            )
        return self.env._(
            "The last records of these days may be missing: %(names)s could not be "
            "asked for them the last time, and is asked again now. Search again in a "
            "minute; what comes later goes on the next invoice. %(error)s",
            names=names,
            error=failed[0].sync_error,
        )
