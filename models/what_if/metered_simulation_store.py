# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import models


class MeteredSimulation(models.Model):
    """Margins keep what each call costs, so that those below cost can be found."""

    _inherit = "metered.simulation"

    def _get_ready(self, commit, seconds):
        """Do what has to be done before any portion; see :meth:`_run`.

        Margins first keep what is not kept yet; a run that is killed goes on. Calling
        plans that wait are applied before: what calls are sold for is then what they
        will be billed at.

        :return: False when it is not done yet
        """
        if self.kind == "margin":
            plans = self.env["metered.plan.mark"].sudo()
            if not plans._apply_plans(self._marked_owners(), commit, seconds):
                return False
            done = (
                self.env["metered.usage.cost"]
                .sudo()
                ._look_up(
                    self.company_id,
                    self.date_from,
                    self.date_to + timedelta(days=1),
                    commit,
                    seconds,
                )
            )
            if not done:
                return False
        return True

    def _marked_owners(self):
        """The customers that it is about; None: all."""
        chosen = self._chosen_partners()
        if chosen is None:
            return None
        return self.env["res.partner"].browse(chosen).commercial_partner_id

    def action_view_below(self):
        """Open the calls that were sold below cost."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_cdr"
        )
        action["display_name"] = self.env._("Calls Below Cost")
        domain = [
            ("company_id", "=", self.company_id.id),
            ("usage_id.day", ">=", self.date_from),
            ("usage_id.day", "<=", self.date_to),
        ]
        if self.partner_ids:
            domain.append(("partner_id", "child_of", self.partner_ids.ids))
        action["domain"] = domain
        action["context"] = {"search_default_below_cost": 1}
        # What they cost is what it is about.
        view = self.env.ref("metered_billing.metered_cdr_view_list_cost")
        action["views"] = [
            (view.id if mode == "list" else view_id, mode)
            for view_id, mode in action["views"]
        ]
        return action
