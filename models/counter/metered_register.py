# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import datetime
from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...ingest.reading_store import lock_registers, mark_registers, read_dials
from ...rating.counters import take_in
from ..customer.metered_identifier import IDENTIFIER_KINDS

LONG_AGO = datetime.datetime(1900, 1, 1)


class MeteredRegister(models.Model):
    """One device's register for one meter, and its readings: the ledger.

    Whose it is say the service identifiers of its kind and value, with their dates. So
    it stays the same register when somebody moves out, and one reading closes for one
    customer and opens for the next. Another device has another serial, and another
    register.
    """

    _name = "metered.register"
    _description = "Register"
    _inherit = ["metered.guarded", "metered.audit", "mail.thread"]
    _order = "serial, meter_id, id"
    _rec_name = "serial"
    _rec_names_search = ["serial", "identifier_value"]

    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    meter_id = fields.Many2one(
        "metered.meter",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
        domain="[('kind', '=', 'counter'), ('company_id', 'in', [False, company_id])]",
    )
    unit = fields.Char(related="meter_id.unit")
    identifier_kind = fields.Selection(
        IDENTIFIER_KINDS,
        string="Identified By",
        required=True,
        default="meter",
    )
    identifier_value = fields.Char(
        string="Identifier",
        required=True,
        help="The identifier in the records. The service identifier with this value "
        "determines the customer.",
    )
    source_id = fields.Many2one(
        "metered.source",
        ondelete="restrict",
        index="btree_not_null",
        check_company=True,
        help="Limit to records of one source. Leave empty for all sources.",
    )
    serial = fields.Char(required=True, help="Serial number of the device.")
    active = fields.Boolean(default=True)
    digits = fields.Integer(
        string="Digits Before the Decimal Point",
        help="Enter a value only if this device differs from the meter's setting. 0 "
        "uses the meter's setting.",
    )
    replaces_id = fields.Many2one(
        "metered.register",
        ondelete="set null",
        index="btree_not_null",
        check_company=True,
    )
    factor_ids = fields.One2many(
        "metered.register.factor", "register_id", string="Factors"
    )
    reading_ids = fields.One2many("metered.reading", "register_id", string="Readings")
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        compute="_compute_partner_id",
        search="_search_partner_id",
        help="The customer it is assigned to today.",
    )
    last_time = fields.Datetime(string="Last Read", compute="_compute_last")
    last_value = fields.Float(string="Last Reading", digits=0, compute="_compute_last")
    changed_from = fields.Datetime(
        readonly=True,
        copy=False,
        help="The readings from this time on have changed since usage was calculated.",
    )
    projected_until = fields.Datetime(
        string="Estimated Until",
        readonly=True,
        copy=False,
        help="Usage was billed up to this time without an actual reading.",
    )

    _device_uniq = models.UniqueIndex(
        "(company_id, meter_id, identifier_kind, identifier_value, serial,"
        " coalesce(source_id, 0))",
        "A register for this meter and device already exists.",
    )
    _value_idx = models.Index("(company_id, identifier_kind, identifier_value)")
    _changed_idx = models.Index("(company_id) WHERE changed_from IS NOT NULL")
    _digits_plausible = models.Constraint(
        "CHECK (digits IS NULL OR digits BETWEEN 0 AND 18)",
        "A register must have 0 to 18 digits before the decimal point.",
    )

    @api.onchange("identifier_value")
    def _onchange_identifier_value(self):
        """Most identifiers of counters are the serial of the device."""
        if self.identifier_value and not self.serial:
            self.serial = self.identifier_value

    @api.model_create_multi
    def create(self, vals_list):
        """An identifier is compared without blanks around it."""
        for vals in vals_list:
            for name in ("identifier_value", "serial"):
                if isinstance(vals.get(name), str):
                    vals[name] = vals[name].strip()
        return super().create(vals_list)

    def write(self, vals):
        """What was used may be another quantity, or somebody else's."""
        done = super().write(vals)
        if "digits" in vals:
            self._check_ledgers(plausible=True)
        if {"digits", "identifier_kind", "identifier_value", "active"} & vals.keys():
            self._changed()
        return done

    # === WHOSE === #

    def _identifiers(self):
        """The service identifiers that say whose these registers are.

        :return: dict ``metered.register`` -> ``metered.identifier`` records
        """
        identifiers = self.env["metered.identifier"].sudo()
        ids = {}
        for register_id, identifier_id in self._read_named(
            SQL("register.id = ANY(%s) AND identifier.active", self.ids)
        ):
            ids.setdefault(register_id, []).append(identifier_id)
        return {one: identifiers.browse(ids.get(one._origin.id, ())) for one in self}

    @api.model
    def _read_named(self, condition):
        """(id of a register, id of an identifier that names it), in this order."""
        self.env["metered.identifier"].flush_model()
        self.flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT register.id, identifier.id
                  FROM metered_register register
                  JOIN metered_identifier identifier
                    ON identifier.company_id = register.company_id
                   AND identifier.kind = register.identifier_kind
                   AND identifier.normalised = register.identifier_value
                   AND identifier.source_id IS NOT DISTINCT FROM register.source_id
                 WHERE %s
                 ORDER BY 1, 2
                """,
                condition,
            )
        )

    @api.depends("identifier_kind", "identifier_value", "source_id", "company_id")
    def _compute_partner_id(self):
        now = fields.Datetime.now()
        identifiers = self._identifiers() if self else {}
        for register in self:
            register.partner_id = (
                identifiers[register]
                .filtered(
                    lambda i: (
                        (not i.date_from or i.date_from <= now)
                        and (not i.date_to or i.date_to > now)
                    )
                )[:1]
                .partner_id
            )

    @api.model
    def _search_partner_id(self, operator, value):
        found = self.env["metered.identifier"].search([("partner_id", operator, value)])
        return [("id", "in", self._of_identifiers(found).ids)]

    @api.model
    def _of_identifiers(self, identifiers):
        """The registers that service identifiers say whose they are."""
        found = self._read_named(SQL("identifier.id = ANY(%s)", identifiers.ids))
        return self.sudo().browse(sorted({register_id for register_id, _id in found}))

    @api.depends("reading_ids.time", "reading_ids.value", "reading_ids.active")
    def _compute_last(self):
        self.env["metered.reading"].flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT ON (register_id) register_id, time, value"
                " FROM metered_reading WHERE register_id = ANY(%s) AND active"
                " ORDER BY register_id, time DESC",
                self.ids,
            )
        )
        last = {register_id: row for register_id, *row in rows}
        for register in self:
            register.last_time, register.last_value = last.get(
                register._origin.id, (False, 0.0)
            )

    # === CHANGES === #

    def _check_ledgers(self, new=None, plausible=False):
        """Refuse ledgers whose readings cannot all be true.

        :param new: ``metered.reading`` records that are to be plausible beside the
            others, which stand
        :param plausible: whether all of them have to be
        :raises UserError: with the readings that contradict each other
        """
        self.env.flush_all()
        dials = read_dials(self.env.cr, self.ids)
        readings = self.env["metered.reading"].with_context(active_test=True)
        for register in self:
            ledger = readings.search([("register_id", "=", register.id)])
            dial, _serial = dials[register.id]
            if new:
                known, added = (ledger - new)._as_plain(), (ledger & new)._as_plain()
                _taken, refused = take_in(known, added, dial)
                if refused:
                    raise UserError(readings._refusal(refused[0], register))
            if not plausible:
                dial = replace(dial, most_percent=100, most_per_day=None)
            _taken, refused = take_in([], ledger._as_plain(), dial)
            if refused:
                raise UserError(readings._refusal(refused[0], register))

    def _changed(self, since=LONG_AGO):
        """Note that what was used is to be found anew, and find it before the commit.

        :param since: naive datetime in UTC
        """
        if not self:
            return
        self.env.flush_all()
        lock_registers(self.env.cr, self.ids)
        mark_registers(self.env.cr, self.ids, [since] * len(self))
        self.invalidate_recordset(["changed_from"], flush=False)
        precommit = self.env.cr.precommit
        if not precommit.data.get("metered_registers"):
            precommit.data["metered_registers"] = True
            precommit.add(self.env["metered.register"]._book_changed)

    @api.model
    def _book_changed(self):
        """Find what was used of registers that this transaction changed."""
        self.env.cr.precommit.data.pop("metered_registers", None)
        self._book()

    @api.model
    def _owners_changed(self, identifiers):
        """Have what was used looked at anew where it may be somebody else's now."""
        if identifiers:
            self._of_identifiers(identifiers.sudo())._changed()

    @api.model
    def _named_by(self, identifiers):
        """Registers by the identifier that alone names them: list of pairs.

        Ids of identifiers are compared: one register may have several, by date.
        """
        pairs = []
        for register, named in self._of_identifiers(identifiers)._identifiers().items():
            if named <= identifiers:
                pairs.append((register, named[-1:]))
        return pairs

    @api.model
    def _follow(self, pairs):
        """Have registers be named as their identifiers are now.

        Otherwise the next reading would open another register, and what was used
        before it would be lost. Another value may be a correction, or another device:
        which, a person says.

        :param pairs: as of :meth:`_named_by`, before the identifiers changed
        :raise UserError: the value of a register with readings changed
        """
        for register, one in pairs:
            if one.normalised != register.identifier_value and register.reading_ids:
                raise UserError(
                    self.env._(
                        "The register %(serial)s has readings with the identifier "
                        "%(value)s. If the device was replaced, click Replace Meter "
                        "on the register. To correct the identifier, change it on the "
                        "register first, then here.",
                        serial=register.serial,
                        value=register.identifier_value,
                    )
                )
            if one.normalised == register.identifier_value and (
                (one.kind, one.source_id)
                != (register.identifier_kind, register.source_id)
            ):
                register.write(
                    {"identifier_kind": one.kind, "source_id": one.source_id.id}
                )

    def action_view_readings(self):
        """Open the readings of this register."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_reading"
        )
        return {
            **action,
            "domain": [("register_id", "=", self.id)],
            "context": {"default_register_id": self.id},
        }

    def action_view_usage(self):
        """Open what was used, day by day."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_cdr"
        )
        return {
            **action,
            "name": self.env._("Daily Usage"),
            "domain": [("register_id", "=", self.id)],
            "context": {},
        }

    def action_replace(self):
        """Open the dialog that puts another device in its place."""
        self.ensure_one()
        return self.env["metered.meter.replace"]._get_records_action(
            name=self.env._("Replace Meter"),
            target="new",
            context={"default_register_id": self.id},
        )
