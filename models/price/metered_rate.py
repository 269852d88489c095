# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

from ...rating.prefixes import prefix_ranges
from ..guard.untrusted import all_given, given
from .metered_destination import number_start

#: what a call that was rated rests on; never changed once a rate was used
PRICE_FIELDS = {
    "deck_id",
    "meter_id",
    "prefix",
    "destination_id",
    "band_id",
    "price",
    "per_seconds",
    "initial_increment",
    "increment",
    "connection_fee",
    "min_charge",
    "max_charge",
    "has_max_charge",
    "grace_seconds",
    "date_from",
}

#: so many prefixes are looked for one by one
FEW_RATES = 50


class MeteredRate(models.Model):
    _name = "metered.rate"
    _description = "Rate"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "metered.cure",
        "metered.golden.guard",
    ]
    _order = "deck_id, prefix, date_from desc, id"
    _rec_names_search = ["prefix", "name"]

    _curing = frozenset(
        {
            "deck_id",
            "prefix",
            "destination_id",
            "meter_id",
            "band_id",
            "date_from",
            "date_to",
            "price",
            "has_max_charge",
            "max_charge",
            "connection_fee",
        }
    )

    _pricing = frozenset({*PRICE_FIELDS, "date_to", "tier_ids"})

    deck_id = fields.Many2one(
        "metered.rate.deck",
        required=True,
        ondelete="cascade",
        index=True,
        string="Rate Deck",
    )
    company_id = fields.Many2one(related="deck_id.company_id", store=True)
    currency_id = fields.Many2one(related="deck_id.currency_id")
    name = fields.Char(
        string="Description",
        help="Name of the destination, for example United Kingdom Mobile.",
    )
    prefix = fields.Char(
        help="First digits of the international number, without +. The longest "
        "matching prefix applies. =911 is a short code that must be dialed "
        "exactly. Leave prefix and destination empty for all other numbers.",
    )
    destination_id = fields.Many2one(
        "metered.destination",
        ondelete="restrict",
        check_company=True,
        help="Use all prefixes of this destination instead of a single prefix.",
    )
    meter_id = fields.Many2one(
        "metered.meter",
        string="Call Type",
        ondelete="restrict",
        domain="[('kind', '=', 'call')]",
        check_company=True,
        help="Only for calls of this type. Leave empty for all types.",
    )
    band_id = fields.Many2one(
        "metered.time.band",
        string="Time Band",
        ondelete="restrict",
        check_company=True,
        help="Only in this time band. Leave empty for any time.",
    )
    date_from = fields.Date(
        string="Valid From",
        help="First day, in the deck's time zone. Leave empty for no start date.",
    )
    date_to = fields.Date(
        string="Valid Before",
        help="First day the rate is no longer valid; the day before is its last day. "
        "Leave empty for no end date.",
    )
    price = fields.Float(
        digits=0,
        min_display_digits=4,
        aggregator=None,
        required=True,
        help="Price for the number of seconds entered next to it, in the deck's "
        "currency.",
    )
    per_seconds = fields.Integer(
        string="Per (seconds)",
        aggregator=None,
        default=60,
        required=True,
        help="60 means price per minute.",
    )
    connection_fee = fields.Float(
        digits=0,
        min_display_digits=4,
        aggregator=None,
        required=True,
        default=0.0,
        help="Charged once per connected call.",
    )
    initial_increment = fields.Integer(
        string="First Increment",
        aggregator=None,
        required=True,
        default=1,
        help="Minimum number of seconds charged. 60/6 means the first 60 "
        "seconds, then 6-second increments.",
    )
    increment = fields.Integer(
        string="Next Increments",
        aggregator=None,
        required=True,
        default=1,
        help="Length in seconds of each increment after the first.",
    )
    min_charge = fields.Float(
        string="Minimum Charge",
        digits=0,
        min_display_digits=4,
        aggregator=None,
        required=True,
        default=0.0,
        help="Minimum charge for a call that is charged.",
    )
    has_max_charge = fields.Boolean(string="Has Maximum Charge")
    max_charge = fields.Float(
        string="Maximum Charge",
        digits=0,
        min_display_digits=4,
        aggregator=None,
        required=True,
        default=0.0,
        help="Maximum charge for a call.",
    )
    grace_seconds = fields.Integer(
        string="Free Call Limit (seconds)",
        aggregator=None,
        required=True,
        default=0,
        help="Calls shorter than this are free of charge.",
    )
    grace_kind = fields.Selection(
        [("below", "Free Below"), ("including", "Free up to and Including")],
        string="Short Calls",
        default="below",
        help="Free below 6 seconds and free up to and including 5 seconds are the "
        "same, because calls last whole seconds.",
    )
    free_seconds = fields.Integer(
        compute="_compute_free_seconds",
        inverse="_inverse_free_seconds",
        aggregator=None,
        help="Calls shorter than this, or up to and including it, are free of charge.",
    )
    tier_ids = fields.One2many(
        "metered.rate.tier",
        "rate_id",
        string="Tiers",
        copy=True,
        help="Prices for later parts of the call.",
    )
    used = fields.Boolean(
        readonly=True,
        copy=False,
        help="Calls were already rated with this rate, so its price can no longer be "
        "changed. Use Change from a Date to set a new price.",
    )

    _deck_prefix_idx = models.Index("(deck_id, prefix)")
    _one_scope = models.Constraint(
        "CHECK (prefix IS NULL OR destination_id IS NULL)",
        "A rate can have a prefix or a destination, not both.",
    )
    _dates_ordered = models.Constraint(
        "CHECK (date_from IS NULL OR date_to IS NULL OR date_from < date_to)",
        "The start of a rate must be before its end.",
    )
    _steps_positive = models.Constraint(
        "CHECK (per_seconds > 0 AND increment > 0 AND initial_increment >= 0"
        " AND grace_seconds >= 0)",
        "Price units and increments must be at least one second, and the free call "
        "limit at least zero.",
    )
    _money_exact = models.Constraint(
        "CHECK (price >= 0 AND connection_fee >= 0 AND min_charge >= 0"
        " AND max_charge >= 0 AND price = round(price, 8)"
        " AND connection_fee = round(connection_fee, 8)"
        " AND min_charge = round(min_charge, 8)"
        " AND max_charge = round(max_charge, 8))",
        "Prices cannot be negative and can have at most 8 decimal places.",
    )

    @api.depends("grace_seconds", "grace_kind")
    def _compute_free_seconds(self):
        for rate in self:
            rate.free_seconds = max(rate.grace_seconds - rate._includes_last(), 0)

    def _inverse_free_seconds(self):
        """What counts is one number: the shortest call that is charged."""
        for rate in self:
            more = rate._includes_last() and rate.free_seconds > 0
            rate.grace_seconds = rate.free_seconds + more

    @api.onchange("free_seconds")
    def _onchange_free_seconds(self):
        """Keep it when other words are chosen before the rate is saved."""
        self._inverse_free_seconds()

    def _includes_last(self):
        """Whether the length that is told is still free."""
        return self.grace_kind == "including"

    @api.depends("prefix", "destination_id.name", "name", "meter_id.name")
    def _compute_display_name(self):
        for rate in self:
            scope = rate.prefix or rate.destination_id.name or self.env._("all numbers")
            what = rate.name or rate.meter_id.name
            rate.display_name = f"{scope} {what}" if what else scope

    @api.constrains("prefix")
    def _check_prefix(self):
        for deck, rates in self.filtered("prefix").grouped("deck_id").items():
            try:
                prefix_ranges(rates.mapped("prefix"))
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "Rate deck %(deck)s: %(problem)s",
                        deck=deck.name,
                        problem=self.env["metered.explanation"]._error(error),
                    )
                ) from error

    @api.constrains(
        "deck_id",
        "prefix",
        "destination_id",
        "meter_id",
        "band_id",
        "date_from",
        "date_to",
    )
    def _check_overlap(self):
        """For one number at one time a deck has one price."""
        self.flush_model()
        self.env.cr.execute(
            """
            SELECT mine.id, other.id
              FROM metered_rate mine
              JOIN metered_rate other
                ON other.deck_id = mine.deck_id
               -- Not IS NOT DISTINCT FROM: that cannot be hashed.
               AND coalesce(other.prefix, '') = coalesce(mine.prefix, '')
               AND coalesce(other.destination_id, 0) = coalesce(mine.destination_id, 0)
               AND coalesce(other.meter_id, 0) = coalesce(mine.meter_id, 0)
               AND coalesce(other.band_id, 0) = coalesce(mine.band_id, 0)
               AND other.id != mine.id
               AND coalesce(other.date_from, '-infinity')
                   < coalesce(mine.date_to, 'infinity')
               AND coalesce(mine.date_from, '-infinity')
                   < coalesce(other.date_to, 'infinity')
             WHERE mine.id = ANY(%s)
             LIMIT 1
            """,
            (self.ids,),
        )
        clash = self.env.cr.fetchone()
        if clash:
            mine, other = self.browse(clash)
            raise ValidationError(
                self.env._(
                    "%(deck)s already has a rate for %(scope)s that is valid "
                    "%(dates)s. End that rate before the new one starts.",
                    deck=mine.deck_id.name,
                    scope=other.display_name,
                    dates=other._describe_dates(),
                )
            )

    def _describe_dates(self):
        """When it is valid, in words; its last day is one of them."""
        self.ensure_one()
        first, last = self.date_from, self.date_to
        days = {
            "first": first and format_date(self.env, first),
            "last": last and format_date(self.env, fields.Date.subtract(last, days=1)),
        }
        if first and last:
            return self.env._("from %(first)s through %(last)s", **days)
        if first:
            return self.env._("from %(first)s", **days)
        if last:
            return self.env._("through %(last)s", **days)
        return self.env._("always")

    def write(self, vals):
        """Refuse to change the price of calls that were rated already."""
        changed = PRICE_FIELDS & set(vals)
        for rate in self.filtered("used") if changed else ():
            if any(given(rate, vals, name) != rate[name] for name in changed):
                raise UserError(
                    self.env._(
                        "Calls were already rated with %(rate)s of %(deck)s. Click "
                        "Change from a Date to set a new price.",
                        rate=rate.display_name,
                        deck=rate.deck_id.name,
                    )
                )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for rate in self.filtered("used")[:1]:
            raise UserError(
                self.env._(
                    "%(rate)s of %(deck)s cannot be deleted because calls were rated "
                    "with it. Set its end date instead.",
                    rate=rate.display_name,
                    deck=rate.deck_id.name,
                )
            )

    def action_change(self):
        """Ask what it costs from which day on."""
        self.ensure_one()
        return self.env["metered.rate.change"]._action_open(self)

    def _cure_targets(self):
        """Calls to numbers with these prefixes; all of them where there are many."""
        targets = []
        for company, rates in self.grouped("company_id").items():
            target = {"reasons": ["no_rate", "too_large"]}
            scopes = {
                text
                for rate in rates[:FEW_RATES]
                for text in (
                    rate.destination_id._split_prefixes()
                    if rate.destination_id
                    else [rate.prefix or ""]
                )
            }
            if len(rates) <= FEW_RATES >= len(scopes) and "" not in scopes:
                target["prefixes"] = [number_start(text) for text in sorted(scopes)]
            targets.append((company, target))
        return targets

    # === GOLDEN CALLS === #

    def _golden_records(self):
        return self.deck_id

    def _golden_concerned(self, calls, vals_list):
        """Calls to numbers with these prefixes, of customers with these decks."""
        decks = all_given(self, vals_list, "deck_id") | self.deck_id
        calls = calls.filtered(lambda call: decks & call._decks())
        rates = [(rate.prefix, rate.destination_id) for rate in self]
        rates += [
            (given(self, vals, "prefix"), given(self, vals, "destination_id"))
            for vals in vals_list
            if not self or {"prefix", "destination_id"} & vals.keys()
        ]
        if not all(prefix and not destination for prefix, destination in rates):
            return calls
        starts = tuple(number_start(prefix) for prefix, _destination in rates)
        # A number is padded with zeros where it is shorter than a prefix.
        return calls.filtered(
            lambda call: (call.number or "").ljust(16, "0").startswith(starts)
        )
