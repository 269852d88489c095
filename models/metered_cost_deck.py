# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..ingest.load import load_engine
from ..ingest.why import make_call, rate_one


class MeteredRateDeck(models.Model):
    _inherit = "metered.rate.deck"

    purpose = fields.Selection(
        [("sale", "What customers pay"), ("cost", "What calls cost us")],
        required=True,
        default="sale",
        help="A cost deck has the rates of a supplier. It charges nobody: it tells the "
        "margin.",
    )


class MeteredSource(models.Model):
    _inherit = "metered.source"

    cost_deck_id = fields.Many2one(
        "metered.rate.deck",
        domain="[('purpose', '=', 'cost'), ('company_id', '=', company_id)]",
        check_company=True,
        help="What the supplier charges for calls of this source, to know the margin. "
        "Empty: the company's cost deck.",
    )


class ResCompany(models.Model):
    _inherit = "res.company"

    metered_cost_deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Cost Deck",
        domain="[('purpose', '=', 'cost')]",
        help="What calls cost the company, where their source has no cost deck of its "
        "own.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    metered_cost_deck_id = fields.Many2one(
        related="company_id.metered_cost_deck_id", readonly=False
    )


class MeteredCdr(models.Model):
    _inherit = "metered.cdr"

    def _cost(self):
        """What a rated call costs at the supplier's, by today's cost deck.

        :return: ``ingest.why.Outcome``, None where there is no cost deck
        """
        self.ensure_one()
        cdr = self.sudo()
        deck = cdr.source_id.cost_deck_id or cdr.company_id.metered_cost_deck_id
        if not deck:
            return None
        loaded = load_engine(cdr.env, [(deck.id,)], cdr.callee or "")
        call = make_call(cdr.callee, cdr.start_time, int(cdr.quantity), cdr.meter_id)
        return rate_one(loaded, call)
