# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class BasePartnerMerge(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Hand usage and call details over as well.

        Their columns have no foreign key in the database (see ``UncheckedMany2one``),
        which is what the merge goes by.
        """
        result = super()._update_foreign_keys(src_partners, dst_partner)
        self.env["metered.usage"].flush_model()
        values = {"src": src_partners.ids, "dst": dst_partner.id}
        # Two rows of one day may meet: only the one of the customer that stays
        # collects.
        self.env.cr.execute(
            "UPDATE metered_usage SET partner_id = %(dst)s, collecting = FALSE"
            " WHERE partner_id = ANY(%(src)s)",
            values,
        )
        self.env.cr.execute(
            "UPDATE metered_cdr SET partner_id = %(dst)s"
            " WHERE partner_id = ANY(%(src)s)",
            values,
        )
        for table in ("metered_allowance_balance", "metered_plan_mark"):
            self.env.cr.execute(
                f"UPDATE {table} SET partner_id = %(dst)s"  # noqa: S608 - our tables
                " WHERE partner_id = ANY(%(src)s)",
                values,
            )
        self.env.invalidate_all()
        self._apply_plans_of(dst_partner)
        return result

    def _apply_plans_of(self, partner):
        """Have the plans applied anew: what came over may take from them now."""
        marks = self.env["metered.plan.mark"].sudo()
        usage = self.env["metered.usage"].sudo()
        marks._mark_usage(
            usage.search(
                [("partner_id", "=", partner.id), ("invoice_line_id", "=", False)]
            ).ids
        )
