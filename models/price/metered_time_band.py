# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class MeteredTimeBand(models.Model):
    _name = "metered.time.band"
    _description = "Time Band"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "mail.thread",
        "metered.golden.guard",
    ]
    _order = "sequence, name"

    # A new one has no rate yet.
    _prices_when_new = False
    _pricing = frozenset({"sequence", "active", "slot_ids"})

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(
        default=10,
        help="If two bands apply at the same time and both have a rate, the one with "
        "the lower number is used.",
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self._default_company(),
        help="Leave empty to share it with all companies.",
    )
    slot_ids = fields.One2many(
        "metered.time.band.slot", "band_id", string="Hours", copy=True
    )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_rated(self):
        rate = (
            self.env["metered.rate"]
            .sudo()
            .search([("band_id", "in", self.ids)], limit=1)
        )
        if rate:
            raise UserError(
                self.env._(
                    "%(band)s is used by rates of %(deck)s. Archive it instead.",
                    deck=rate.deck_id.name,
                    band=rate.band_id.name,
                )
            )


class MeteredTimeBandSlot(models.Model):
    _name = "metered.time.band.slot"
    _description = "Time Band Hours"
    _inherit = ["metered.guarded", "metered.audit", "metered.golden.guard"]
    _order = "band_id, hour_from, id"

    _pricing = frozenset({*DAYS, "band_id", "holiday", "hour_from", "hour_to"})

    band_id = fields.Many2one(
        "metered.time.band", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="band_id.company_id", store=True)
    monday = fields.Boolean("Mon", default=True)
    tuesday = fields.Boolean("Tue", default=True)
    wednesday = fields.Boolean("Wed", default=True)
    thursday = fields.Boolean("Thu", default=True)
    friday = fields.Boolean("Fri", default=True)
    saturday = fields.Boolean("Sat")
    sunday = fields.Boolean("Sun")
    holiday = fields.Boolean(
        "Holidays",
        help="On the rate deck's holidays, regardless of the day of the week.",
    )
    hour_from = fields.Float("From", default=8.0)
    hour_to = fields.Float(
        "To",
        default=18.0,
        help="If not later than From: until that time on the next day.",
    )

    @api.depends("hour_from", "hour_to", *DAYS, "holiday")
    def _compute_display_name(self):
        """Such as "Mon Tue Wed 08:00–18:00"."""
        for slot in self:
            days = " ".join(
                slot._fields[day]._description_string(self.env)
                for day in (*DAYS, "holiday")
                if slot[day]
            )
            hours = "–".join(
                "{:02}:{:02}".format(*divmod(round(hour * 60), 60))
                for hour in (slot.hour_from, slot.hour_to)
            )
            slot.display_name = f"{days} {hours}".strip()

    @api.constrains("hour_from", "hour_to", *DAYS, "holiday")
    def _check_hours(self):
        for slot in self:
            if not (0 <= slot.hour_from < 24 and 0 <= slot.hour_to <= 24):
                raise ValidationError(
                    self.env._(
                        "The hours of %(band)s must be between 0:00 and 24:00.",
                        band=slot.band_id.name,
                    )
                )
            if not (slot.holiday or any(slot[day] for day in DAYS)):
                raise ValidationError(
                    self.env._(
                        "Choose at least one day for the hours of %(band)s.",
                        band=slot.band_id.name,
                    )
                )


class MeteredHoliday(models.Model):
    _name = "metered.holiday"
    _description = "Holiday"
    _inherit = ["metered.guarded", "metered.audit", "metered.golden.guard"]
    _order = "date desc, name"

    # A new one is on no deck yet.
    _prices_when_new = False
    _pricing = frozenset({"date"})

    name = fields.Char(required=True)
    date = fields.Date(required=True, index=True)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self._default_company(),
        help="Leave empty to share it with all companies.",
    )

    def _audit_home(self):
        """The decks whose calls it prices otherwise."""
        decks = self.env["metered.rate.deck"].with_context(active_test=False).sudo()
        return decks.search([("holiday_ids", "in", self.ids)])
