# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class MeteredMeterReplace(models.TransientModel):
    """Another device in the place of one: where the old ends and the new begins."""

    _name = "metered.meter.replace"
    _description = "Replace Meter"
    _inherit = ["metered.guarded"]

    register_id = fields.Many2one("metered.register", required=True, readonly=True)
    company_id = fields.Many2one(related="register_id.company_id")
    unit = fields.Char(related="register_id.unit")
    last_value = fields.Float(related="register_id.last_value")
    last_time = fields.Datetime(related="register_id.last_time")
    time = fields.Datetime(
        string="Replaced At", required=True, default=lambda self: fields.Datetime.now()
    )
    old_value = fields.Float(
        string="Last Reading of Old Device", digits=0, required=True
    )
    old_estimated = fields.Boolean(
        string="Estimated", help="Select this if the old device could not be read."
    )
    serial = fields.Char(string="Serial Number of New Device", required=True)
    new_value = fields.Float(string="First Reading of New Device", digits=0)
    digits = fields.Integer(
        string="Digits Before the Decimal Point",
        help="Enter it only if it differs from the meter's setting.",
    )
    factor = fields.Float(
        digits=0,
        help="Enter it only if it differs from the old device. 0 means the same "
        "factor.",
    )

    @api.onchange("register_id")
    def _onchange_register_id(self):
        """It shows at least what it showed last."""
        if not self.old_value:
            self.old_value = self.register_id.last_value

    def action_replace(self):
        """Close the old device, and open the new one.

        :return: the action that shows the new register
        :raises UserError: where the readings cannot be true
        """
        self.ensure_one()
        old = self.register_id
        serial = self.serial.strip()
        if serial == old.serial:
            raise UserError(
                self.env._(
                    "The serial number of the new device must differ from %s.",
                    old.serial,
                )
            )
        # Every meter of the device goes with it.
        new = self._replace(old, serial)
        return new._get_records_action()

    def _replace(self, old, serial):
        readings = self.env["metered.reading"]
        readings.create(
            {
                "register_id": old.id,
                "time": self.time,
                "value": self.old_value,
                "is_estimated": self.old_estimated,
                "kind": "closing",
            }
        )
        value = old.identifier_value
        if value == old.serial:
            self._hand_over(old, serial)
            value = serial
        factor = self.factor or self._factor_of(old)
        new = self.env["metered.register"].create(
            {
                "company_id": old.company_id.id,
                "meter_id": old.meter_id.id,
                "identifier_kind": old.identifier_kind,
                "identifier_value": value,
                "source_id": old.source_id.id,
                "serial": serial,
                "digits": self.digits or old.digits,
                "replaces_id": old.id,
                "factor_ids": [fields.Command.create({"factor": factor})],
            }
        )
        readings.create(
            {
                "register_id": new.id,
                "time": self.time,
                "value": self.new_value,
                "kind": "opening",
            }
        )
        return new

    def _factor_of(self, register):
        """The factor that a register has when it is replaced."""
        day = fields.Date.to_date(self.time)
        lines = register.factor_ids.filtered(
            lambda line: not line.date_from or line.date_from <= day
        ).sorted(lambda line: (bool(line.date_from), line.date_from or day))
        return lines[-1:].factor or register.meter_id.factor or 1.0

    def _hand_over(self, old, serial):
        """End the identifier that is the old serial, and begin one of the new."""
        identifiers = self.env["metered.identifier"].search(
            [
                ("company_id", "=", old.company_id.id),
                ("kind", "=", old.identifier_kind),
                ("normalised", "=", old.identifier_value),
                ("source_id", "=", old.source_id.id),
                "|",
                ("date_to", "=", False),
                ("date_to", ">", self.time),
            ]
        )
        for one in identifiers:
            if one.date_from and one.date_from >= self.time:
                one.value = serial
                continue
            one.copy({"value": serial, "date_from": self.time, "date_to": one.date_to})
            one.date_to = self.time
