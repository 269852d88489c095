# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.base.models.res_partner import _tz_get

from ..guard.untrusted import given
from ..screen.actions import window_action


class MeteredRateDeck(models.Model):
    _name = "metered.rate.deck"
    _description = "Rate Deck"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "mail.thread",
        "metered.cure",
        "metered.golden.guard",
    ]
    _order = "name"

    _curing = frozenset({"active", "timezone"})
    # A new deck prices nothing until somebody has it.
    _prices_when_new = False
    _pricing = frozenset(
        {
            *("active", "company_id", "crossing", "currency_id", "decimals"),
            *("holiday_ids", "rate_ids", "rounding", "timezone"),
        }
    )

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        tracking=True,
        help="Currency of all prices in this deck. Invoices in another currency are "
        "converted once, on the invoice line.",
    )
    timezone = fields.Selection(
        _tz_get,
        string="Time Zone",
        required=True,
        default=lambda self: self.env.company._metered_default_zone(),
        tracking=True,
        help="Time zone of the deck's time bands and holidays.",
    )
    rounding = fields.Selection(
        [
            ("half_up", "Half up"),
            ("up", "Always up"),
            ("down", "Always down"),
            ("half_even", "Half to even"),
        ],
        required=True,
        default="half_up",
        tracking=True,
        help="How the charge of a call is rounded. It is rounded only once, at "
        "the end.",
    )
    decimals = fields.Integer(
        required=True,
        default=4,
        tracking=True,
        help="Number of decimals of a call's charge, from 0 to 6.",
    )
    crossing = fields.Selection(
        [
            ("start", "Use the band at the start of the call"),
            ("split", "Split at the boundary"),
        ],
        string="Calls Across Time Bands",
        required=True,
        default="start",
        tracking=True,
        help="Split: each billing increment is charged at the price of the band "
        "it starts in.",
    )
    holiday_ids = fields.Many2many(
        "metered.holiday", string="Holidays", check_company=True
    )
    rate_ids = fields.One2many("metered.rate", "deck_id", copy=True)
    rate_count = fields.Integer(compute="_compute_rate_count")

    purpose = fields.Selection(
        [("sale", "Customer prices"), ("cost", "Supplier costs")],
        required=True,
        default="sale",
        help="A cost deck contains a supplier's rates. Customers are not charged with "
        "it; it is used to calculate margins.",
    )

    _decimals_range = models.Constraint(
        "CHECK (decimals BETWEEN 0 AND 6)",
        "The number of decimals must be between 0 and 6.",
    )
    _name_uniq = models.Constraint(
        "UNIQUE (company_id, name)",
        "There is already a rate deck with this name in this company.",
    )

    def copy_data(self, default=None):
        """A duplicate has a name of its own."""
        vals_list = super().copy_data(default)
        for record, vals in zip(self, vals_list, strict=True):
            if "name" not in (default or {}):
                vals["name"] = self.env._("%s (copy)", record.name)
        return vals_list

    def _compute_rate_count(self):
        counts = dict(
            self.env["metered.rate"]._read_group(
                [("deck_id", "in", self.ids)], ["deck_id"], ["__count"]
            )
        )
        for deck in self:
            deck.rate_count = counts.get(deck, 0)

    @api.constrains("purpose")
    def _check_purpose(self):
        """Refuse to change what a deck in use is for."""
        for deck in self:
            user = deck._purpose_users()
            if user:
                raise ValidationError(
                    self.env._(
                        "%(deck)s is in use as %(use)s. Choose another deck there "
                        "first.",
                        deck=deck.name,
                        use=user,
                    )
                )

    def write(self, vals):
        """Keep what rated calls rest on: a used deck keeps its currency."""
        if "currency_id" in vals:
            currency = given(self, vals, "currency_id")
            for deck in self:
                if deck.currency_id != currency and deck._is_used():
                    raise UserError(
                        self.env._(
                            "The currency cannot be changed because calls were "
                            "already rated with %(deck)s. Create another deck for the "
                            "other currency.",
                            deck=deck.name,
                        )
                    )
        return super().write(vals)

    def _is_used(self):
        """Whether any call was rated with a rate of this deck."""
        self.env.cr.execute(
            """
            SELECT EXISTS (
                SELECT 1 FROM metered_rate WHERE deck_id = %s AND used
            )
            """,
            (self.id,),
        )
        return self.env.cr.fetchone()[0]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for deck in self:
            if deck._is_used():
                raise UserError(
                    self.env._(
                        "%(deck)s cannot be deleted because calls were rated with it. "
                        "Archive it instead.",
                        deck=deck.name,
                    )
                )

    def _has_rates_today(self):
        """Whether any rate of this deck holds today, in its time zone."""
        self.ensure_one()
        today = datetime.now(UTC).astimezone(ZoneInfo(self.timezone)).date()
        return bool(
            self.env["metered.rate"].search(
                [
                    ("deck_id", "=", self.id),
                    "|",
                    ("date_from", "=", False),
                    ("date_from", "<=", today),
                    "|",
                    ("date_to", "=", False),
                    ("date_to", ">", today),
                ],
                limit=1,
                order="id",
            )
        )

    def action_view_rates(self):
        """Open the rates of this deck."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_rate",
            [("deck_id", "=", self.id)],
            context={"default_deck_id": self.id},
        )

    def _cure_targets(self):
        """Calls that had no rate."""
        return [(self.company_id, {"reasons": ["no_rate", "too_large"]})]

    # === SALE OR COST === #

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
                    "%s is a cost deck with a supplier's rates, so it cannot be used "
                    "to charge customers. Choose a deck with customer prices.",
                    deck.name,
                )
            else:
                text = self.env._(
                    "%s contains customer prices. Choose a cost deck instead.",
                    deck.name,
                )
            raise ValidationError(text)
