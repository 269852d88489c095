# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class MeteredEventType(models.Model):
    """Which meter a type of events counts for, where it is not the meter's code."""

    _name = "metered.event.type"
    _description = "Event Type"
    _inherit = ["metered.guarded", "metered.audit", "metered.cure"]
    _order = "source_id, name, id"

    _curing = frozenset({"name", "meter_id"})

    source_id = fields.Many2one(
        "metered.source", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True)
    name = fields.Char(
        string="Type",
        required=True,
        help="As given in the events, for example com.example.api.call",
    )
    meter_id = fields.Many2one(
        "metered.meter",
        required=True,
        ondelete="restrict",
        domain="[('kind', '!=', 'call')]",
        check_company=True,
    )

    _name_uniq = models.Constraint(
        "UNIQUE (source_id, name)", "The source already has this event type."
    )

    @api.constrains("meter_id")
    def _check_meter(self):
        for kind in self:
            if kind.meter_id.kind == "call":
                raise ValidationError(
                    self.env._(
                        "Events cannot be calls. Choose a meter other than %(meter)s "
                        "for %(type)s.",
                        meter=kind.meter_id.name,
                        type=kind.name,
                    )
                )

    def _cure_targets(self):
        """Events whose meter was not known."""
        return [
            (source.company_id, {"source_id": source.id, "reasons": ["unknown_meter"]})
            for source in self.source_id
        ]


class MeteredSource(models.Model):
    _inherit = "metered.source"

    event_type_ids = fields.One2many(
        "metered.event.type",
        "source_id",
        string="Event Types",
        copy=True,
        help="The meter for each event type. A type that is not listed here must be "
        "the code of a meter.",
    )
