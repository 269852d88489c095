# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date


class MeteredPrice(models.Model):
    """What a price was before: versions of it, each until the next one begins."""

    _inherit = "metered.price"

    date_from = fields.Date(
        string="Valid From",
        tracking=True,
        help="First day of this price, as the usage counts its days. Empty: always "
        "was. A period in which it begins is priced by both, as the charge model says.",
    )
    current_id = fields.Many2one(
        "metered.price",
        string="Earlier Version of",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
        copy=False,
    )
    version_ids = fields.One2many(
        "metered.price",
        "current_id",
        string="Earlier Versions",
        readonly=True,
        help="What the price was before, each until the next one begins.",
    )

    _dates_uniq = models.UniqueIndex(
        "(current_id, date_from) WHERE current_id IS NOT NULL",
        "Two versions of the price begin on the same day.",
    )

    def action_change(self):
        """Ask from which day on the price is to be another one."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Change the Price from a Day"),
            "res_model": "metered.price.change",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_price_id": self.id},
        }

    def _keep_until(self, date):
        """Keep the price as it is until a day, so that it can change from then on.

        :param date: first day of what the price will be
        :raises UserError: when the day is not after the one on which it began
        """
        self.ensure_one()
        if self.current_id:
            raise UserError(
                self.env._(
                    "%(version)s is over. Change %(price)s instead.",
                    version=self.display_name,
                    price=self.current_id.name,
                )
            )
        if self.date_from and date <= self.date_from:
            raise UserError(
                self.env._(
                    "The price began on %(day)s. It can change on a later day only.",
                    day=format_date(self.env, self.date_from),
                )
            )
        self.sudo().copy(
            {
                "current_id": self.id,
                "name": self.name,
                "partner_ids": False,
                "date_from": self.date_from,
                "active": self.active,
            }
        )
        self.date_from = date
