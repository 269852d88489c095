# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime
from odoo.tools.misc import formatLang

from ...ingest.reading_store import lock_registers
from ...rating.counters import NANO, Reading
from ...rating.exact import exact, exact_text, number
from ..guard.unchecked_many2one import UncheckedMany2one

#: what of a reading the increases depend on
DECIDING = frozenset({"register_id", "time", "value", "is_estimated", "kind", "active"})


class MeteredReading(models.Model):
    """What a register showed at a moment: a line of its ledger.

    Of an import, or entered by hand. Everything that a ledger holds can be true
    together: what cannot is refused here, and an exception of an import.
    """

    _name = "metered.reading"
    _description = "Reading"
    _inherit = ["metered.guarded", "metered.audit", "mail.thread", "metered.cure"]
    _order = "time desc, id desc"
    _rec_name = "call_id"

    _curing = DECIDING

    register_id = fields.Many2one(
        "metered.register",
        required=True,
        ondelete="restrict",
        index=True,
    )
    company_id = fields.Many2one(
        "res.company", related="register_id.company_id", store=True, index=True
    )
    meter_id = fields.Many2one(related="register_id.meter_id")
    unit = fields.Char(related="register_id.unit")
    time = fields.Datetime(
        string="Reading Time",
        required=True,
        default=lambda self: fields.Datetime.now(),
        tracking=True,
    )
    value = fields.Float(
        string="Reading",
        digits=0,
        required=True,
        tracking=True,
        help="Value shown by the register, before any factor.",
    )
    is_estimated = fields.Boolean(
        string="Estimated",
        help="Estimated reading. Its usage is corrected by the next actual reading.",
    )
    kind = fields.Selection(
        [
            ("normal", "Reading"),
            ("opening", "First reading of a device"),
            ("rollover", "After a rollover"),
            ("closing", "Last reading of a device"),
        ],
        required=True,
        default="normal",
        help="The first reading of a register is always the starting point and is not "
        "billed. After a rollover: the register passed its highest value since "
        "the previous reading, no matter by how much.",
    )
    active = fields.Boolean(default=True, help="Archived readings are ignored.")
    note = fields.Char()
    # --- of an import
    source_id = UncheckedMany2one("metered.source", readonly=True)
    batch_id = fields.Many2one(
        "metered.batch",
        string="Import",
        readonly=True,
        ondelete="restrict",
        index="btree_not_null",
    )
    call_id = fields.Char(string="Record ID", readonly=True)
    line = fields.Integer(readonly=True, aggregator=None)

    _moment_uniq = models.UniqueIndex(
        "(register_id, time, (kind = 'opening'), coalesce(is_estimated, FALSE))"
        " WHERE active",
        "There is already a reading at this time.",
    )

    @api.depends("register_id.serial", "value", "time", "meter_id.unit")
    def _compute_display_name(self):
        for reading in self:
            if not reading.register_id:
                reading.display_name = self.env._("New")
                continue
            reading.display_name = self.env._(
                "%(serial)s: %(value)s %(unit)s, %(time)s",
                serial=reading.register_id.serial,
                value=exact_text(number(reading.value)),
                unit=reading.unit or "",
                time=format_datetime(self.env, reading.time),
            )

    # === CHANGES === #

    @api.model_create_multi
    def create(self, vals_list):
        """Take readings that are entered into the ledger, if they can be true."""
        self._refuse_repeated(vals_list)
        readings = super().create(vals_list)
        readings._take_in(None)
        return readings

    def write(self, vals):
        """Correct readings; what was billed by them is set right."""
        if not DECIDING & vals.keys():
            return super().write(vals)
        before = [(one.register_id, one.time) for one in self]
        done = super().write(vals)
        self._take_in(before)
        return done

    @api.ondelete(at_uninstall=False)
    def _unlink_except_imported(self):
        if self.filtered("batch_id") and not self.env.su:
            raise UserError(
                self.env._(
                    "Imported readings cannot be deleted. Archive the reading so that "
                    "it is ignored, or undo its import."
                )
            )

    def unlink(self):
        """Take readings out of the ledger; what they billed is set right."""
        before = [(one.register_id, one.time) for one in self]
        registers = self.register_id
        done = super().unlink()
        registers._check_ledgers()
        self._tell_registers(before)
        return done

    @api.model
    def _refuse_repeated(self, vals_list):
        """Refuse a second reading of a moment, naming the first.

        :raises UserError: where there is one
        """
        for vals in vals_list:
            time = fields.Datetime.to_datetime(vals.get("time"))
            same = self.search(
                [
                    ("register_id", "=", vals.get("register_id")),
                    ("time", "=", time),
                    ("is_estimated", "=", bool(vals.get("is_estimated"))),
                    ("kind", "=" if vals.get("kind") == "opening" else "!=", "opening"),
                ],
                limit=1,
            )
            if time and same and vals.get("active", True):
                raise UserError(self._same_moment(same))

    def _same_moment(self, other):
        return self.env._(
            "There is already a reading of %(serial)s at that time: %(other)s. "
            "Correct that reading instead.",
            serial=other.register_id.serial,
            other=other._describe(),
        )

    def _take_in(self, before):
        """Check the ledgers that these are in now, and have them read anew.

        :param before: list of (register, time) as they were; None: they are new
        """
        self.env.flush_all()
        lock_registers(self.env.cr, self.register_id.ids)
        self.register_id._check_ledgers(new=self)
        now = [(one.register_id, one.time) for one in self]
        self._tell_registers([*(before or ()), *now])

    @api.model
    def _tell_registers(self, changes):
        since = {}
        for register, time in changes:
            since[register] = min(time, since.get(register, time))
        for register, time in since.items():
            register._changed(time)

    def _as_plain(self):
        """These as ``rating.counters`` takes them; their keys are ids."""
        if not self:
            return []
        self.env.cr.execute(
            "SELECT id, (extract(epoch FROM time) * 1000000)::bigint, value::text,"
            " is_estimated IS TRUE, kind FROM metered_reading WHERE id = ANY(%s)",
            (self.ids,),
        )
        found = []
        for key, at_us, text, estimated, kind in self.env.cr.fetchall():
            value = exact(text) * NANO
            if value.denominator != 1:
                raise UserError(
                    self.env._(
                        "Readings can have up to 9 decimal places: %(value)s",
                        value=text,
                    )
                )
            found.append(Reading(at_us, value.numerator, estimated, kind, key))
        return found

    @api.model
    def _refusal(self, refused, register):
        """Why a reading cannot be held, in words."""
        one = self.browse(refused.reading.key)
        values = {"serial": register.serial, "one": one._describe()}
        if refused.reason == "no_reading":
            return self.env._(
                "The register of %(serial)s cannot show %(one)s: it has %(digits)s "
                "digits before the decimal point and no negative values.",
                digits=register.digits or register.meter_id.digits or "∞",
                **values,
            )
        values["other"] = self.browse(refused.other.key)._describe()
        if refused.reason == "negative_increase":
            return self.env._(
                "%(serial)s would have run backward: %(one)s conflicts with "
                "%(other)s. Correct one of them, mark it as a reading after a "
                "rollover, or replace the meter.",
                **values,
            )
        return self._same_moment(self.browse(refused.other.key))

    def _describe(self):
        """Value and time, in a few words."""
        self.ensure_one()
        return self.env._(
            "%(value)s (%(time)s)",
            value=formatLang(self.env, self.value, digits=_places(self.value)),
            time=format_datetime(self.env, self.time),
        )

    # === CURES === #

    def _cure_targets(self):
        """Readings of the same register that could not be true before."""
        return [
            (
                company,
                {
                    "reasons": ["negative_increase", "other_reading", "no_reading"],
                    "tried": [f"register {key}" for key in readings.register_id.ids],
                },
            )
            for company, readings in self.grouped("company_id").items()
        ]


def _places(value):
    """Decimals of a value, as it was written."""
    _whole, _point, decimals = exact_text(number(value)).partition(".")
    return len(decimals.rstrip("0"))
