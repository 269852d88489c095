# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredChargeVersion(models.Model):
    """What a charge was, and what it became: who changed it, and when."""

    _name = "metered.charge.version"
    _description = "Version of a Usage Charge"
    _inherit = ["metered.guarded"]
    _order = "charge_id, number desc"
    _rec_name = "number"

    charge_id = fields.Many2one(
        "metered.charge",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    company_id = fields.Many2one(related="charge_id.company_id", store=True)
    number = fields.Integer(string="Version", readonly=True, aggregator=None)
    moment = fields.Datetime(string="Changed On", readonly=True)
    changed_by = fields.Char(
        readonly=True, help="The API key or the user that changed it."
    )
    given = fields.Char(
        string="Given Quantity",
        readonly=True,
        help="Empty if the invoice was recalculated.",
    )
    quantity_before = fields.Char(readonly=True)
    quantity_after = fields.Char(string="Quantity", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    total_before = fields.Monetary(string="Amount Before", readonly=True)
    total_after = fields.Monetary(
        string="Amount", readonly=True, help="Excluding taxes."
    )


class MeteredCharge(models.Model):
    _inherit = "metered.charge"

    def _add_version(self, who, before, given=None):
        """Keep what a charge was before it was changed.

        :param str who: changed it
        :param before: of :meth:`_figures`; None: the charge was not there
        :param given: quantity that was given, as text; None: the invoice was
            recalculated, which is kept only where it changed something
        """
        self.ensure_one()
        quantity_before, total_before = before or ("0", 0)
        quantity, total = self._figures()
        is_same = quantity == quantity_before and not self.currency_id.compare_amounts(
            total, total_before
        )
        if given is None and (before is None or is_same):
            return
        self.version_number += 1
        self.env["metered.charge.version"].create(
            {
                "charge_id": self.id,
                "number": self.version_number,
                "moment": fields.Datetime.now(),
                "changed_by": who,
                "given": given,
                "quantity_before": quantity_before,
                "quantity_after": quantity,
                "currency_id": self.currency_id.id,
                "total_before": total_before,
                "total_after": total,
            }
        )
