# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class MeteredRateDeck(models.Model):
    """What a deck is for: to charge customers, or to know what calls cost us."""

    _inherit = "metered.rate.deck"

    purpose = fields.Selection(
        [("sale", "What customers pay"), ("cost", "What calls cost us")],
        required=True,
        default="sale",
        help="A cost deck has the rates of a supplier. It charges nobody: it tells the "
        "margin.",
    )

    @api.constrains("purpose")
    def _check_purpose(self):
        """Refuse to change what a deck in use is for."""
        for deck in self:
            user = deck._purpose_users()
            if user:
                raise ValidationError(
                    self.env._(
                        "%(deck)s is in use as %(use)s: choose another one there "
                        "first.",
                        deck=deck.name,
                        use=user,
                    )
                )

    def _purpose_users(self):
        """Who has this deck for what it is not; False for nobody."""
        self.ensure_one()
        deck = self.sudo().with_company(self.company_id)
        archived = deck.env["res.partner"].with_context(active_test=False)
        company = deck.company_id
        if self.purpose == "cost":
            if company.metered_deck_id == deck:
                return self.env._("the default deck of %s", company.name)
            groups = deck.env["metered.customer.group"].with_context(active_test=False)
            group = groups.search([("deck_id", "=", deck.id)], limit=1)
            if group:
                return self.env._("the deck of the customer group %s", group.name)
            partner = archived.search([("metered_deck_id", "=", deck.id)], limit=1)
            return partner and self.env._("the deck of %s", partner.display_name)
        if company.metered_cost_deck_id == deck:
            return self.env._("the cost deck of %s", company.name)
        sources = deck.env["metered.source"].with_context(active_test=False)
        source = sources.search([("cost_deck_id", "=", deck.id)], limit=1)
        return source and self.env._("the cost deck of %s", source.name)

    def _check_is_for(self, purpose):
        """Refuse decks that are for something else.

        :param purpose: as the field
        """
        for deck in self.sudo().filtered(lambda deck: deck.purpose != purpose):
            if purpose == "sale":
                text = self.env._(
                    "%s has the rates of a supplier: what calls cost us. It cannot "
                    "charge customers; choose a deck for what customers pay.",
                    deck.name,
                )
            else:
                text = self.env._(
                    "%s is for what customers pay. Choose a cost deck: one that is for "
                    "what calls cost us.",
                    deck.name,
                )
            raise ValidationError(text)
