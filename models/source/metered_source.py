# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.base.models.res_partner import _tz_get

from ...ingest import presets
from ...ingest.dial_plans import dial_plan
from ...ingest.load import column_specs, load_settings
from ...ingest.mapping import missing_targets
from ..screen.actions import window_action


class MeteredSource(models.Model):
    _name = "metered.source"
    _description = "Metered Source"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "metered.allowed.networks",
        "mail.thread",
        "mail.activity.mixin",
        "metered.cure",
    ]
    _order = "sequence, name"

    # The next sync is set by each of them; an event is tried.
    _not_audited = frozenset({"sequence", "next_sync", "event_sample"})
    _cures_when_new = False
    _curing = frozenset(
        {
            "column_ids",
            "rule_ids",
            "payer_ids",
            "timezone",
            "country_id",
            "idd_prefixes",
            "short_code_max",
            "duration_rounding",
            "repeated_hour",
            "max_duration_hours",
            "future_hours",
            "max_age_days",
            "default_outcome",
            "default_direction",
            "record_kind",
            "meter_id",
        }
    )

    name = fields.Char(required=True, tracking=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    source_type = fields.Selection(
        [
            ("file", "Uploaded files"),
            ("netsapiens", "NetSapiens"),
            ("brightlink", "Brightlink PBX Cloud"),
            ("file_store", "File store"),
            ("asterisk_sql", "Asterisk SQL table"),
            ("freeswitch_json", "FreeSWITCH, posting JSON"),
            ("http_json", "Any REST API (HTTP/JSON)"),
            ("events", "Events, pushed by a program"),
            ("chargeover", "Usage per subscription line, pushed (ChargeOver API)"),
            ("usage_url", "Usage URL, called at each renewal"),
            ("kafka", "Kafka"),
        ],
        string="Type",
        required=True,
        default="file",
        help="How records of this source are imported.",
    )
    record_kind = fields.Selection(
        [("call", "Phone calls"), ("usage", "Other usage: events, readings")],
        string="Record Type",
        required=True,
        default="call",
        help="Calls have numbers and a duration, and are rated individually. Other "
        "usage has a quantity and a meter, and is priced by billing period.",
    )
    meter_id = fields.Many2one(
        "metered.meter",
        string="Default Meter",
        ondelete="restrict",
        domain="[('kind', '!=', 'call')]",
        check_company=True,
        help="For records without a meter.",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    preset = fields.Selection(
        selection="_selection_preset",
        help="Fills in columns, charging rules and customer lookup for a known kind "
        "of file. You can change everything afterwards.",
    )
    # --- how to read times and numbers
    timezone = fields.Selection(
        _tz_get,
        string="Time Zone",
        required=True,
        default=lambda self: self.env.company._metered_default_zone(),
        help="Times without an offset are in this time zone.",
    )
    country_id = fields.Many2one(
        "res.country",
        string="Home Country",
        required=True,
        default=lambda self: self.env.company.country_id,
        help="Numbers are interpreted as dialed in this country: its international "
        "and national prefixes and its number lengths. A source account can have "
        "a different country.",
    )
    idd_prefixes = fields.Char(
        string="International Prefixes",
        help="Digits dialed before an international number, separated by commas, for "
        "example 011,00. Leave empty to use those of the home country, plus 00 "
        "and 011.",
    )
    short_code_max = fields.Integer(
        string="Maximum Short Code Length",
        help="Numbers with at most this many digits are short codes or extensions and "
        "are kept as dialed. 0 uses the default of the home country.",
    )
    local_digits = fields.Integer(
        string="Local Call Digits",
        help="A call is local if the caller and the called number have this many "
        "leading digits in common, including the country code (4 in North "
        "America: 1 and the area code). 0 means no local calls.",
    )
    # --- what is plausible
    duration_rounding = fields.Selection(
        [("down", "Down"), ("up", "Up"), ("nearest", "To the nearest second")],
        string="Fractional Seconds",
        required=True,
        default="down",
        help="How to handle fractions of a second in durations.",
    )
    repeated_hour = fields.Selection(
        [
            ("first", "The first one, before the clock is set back"),
            ("second", "The second one, after the clock is set back"),
        ],
        help="When a clock is set back, it shows the same hour twice. Times in this "
        "hour, without an offset such as +02:00, become exceptions if this is empty.",
    )
    max_duration_hours = fields.Integer(
        string="Longest Call (hours)",
        default=24,
        help="Longer calls become exceptions. 0 means no limit.",
    )
    future_hours = fields.Integer(
        string="Clock Tolerance (hours)",
        default=24,
        help="Records that start further in the future become exceptions.",
    )
    max_age_days = fields.Integer(
        string="Oldest Record (days)",
        default=400,
        help="Records that started earlier become exceptions. 0 means no limit.",
    )
    # --- what is charged, and to whom
    column_ids = fields.One2many(
        "metered.source.column", "source_id", string="Columns", copy=True
    )
    rule_ids = fields.One2many(
        "metered.source.rule", "source_id", string="Charging Rules", copy=True
    )
    payer_ids = fields.One2many(
        "metered.source.payer", "source_id", string="Customer Lookup", copy=True
    )
    default_outcome = fields.Selection(
        [("billable", "Charged"), ("not_billable", "Not charged")],
        string="All Other Records",
        required=True,
        default="billable",
        help="What happens to records that match no charging rule.",
    )
    default_direction = fields.Selection(
        [
            ("outbound", "Outbound"),
            ("inbound", "Inbound"),
            ("internal", "Internal"),
        ],
        required=True,
        default="outbound",
        help="The direction of records if neither a rule nor a column determines it.",
    )
    account_ids = fields.One2many("metered.source.account", "source_id")
    batch_ids = fields.One2many(
        "metered.batch",
        "source_id",
        readonly=True,
    )
    batch_count = fields.Integer(compute="_compute_counts")
    open_exception_count = fields.Integer(compute="_compute_counts")

    cost_deck_id = fields.Many2one(
        "metered.rate.deck",
        domain="[('purpose', '=', 'cost'), ('company_id', '=', company_id)]",
        check_company=True,
        help="The supplier's rates for calls of this source, used to calculate "
        "margins. Leave empty to use the company's cost deck.",
    )

    _name_uniq = models.Constraint(
        "UNIQUE (company_id, name)",
        "There is already a source with this name in this company.",
    )

    def copy_data(self, default=None):
        """A duplicate has a name of its own."""
        vals_list = super().copy_data(default)
        for record, vals in zip(self, vals_list, strict=True):
            if "name" not in (default or {}):
                vals["name"] = self.env._("%s (copy)", record.name)
        return vals_list

    @api.model
    def _selection_preset(self):
        return [(preset.key, preset.name) for preset in presets.PRESETS.values()]

    def _compute_counts(self):
        batches = dict(
            self.env["metered.batch"]._read_group(
                [("source_id", "in", self.ids)], ["source_id"], ["__count"]
            )
        )
        exceptions = dict(
            self.env["metered.exception"]._read_group(
                [("source_id", "in", self.ids), ("state", "=", "open")],
                ["source_id"],
                ["__count"],
            )
        )
        for source in self:
            source.batch_count = batches.get(source, 0)
            source.open_exception_count = exceptions.get(source, 0)

    @api.constrains("country_id")
    def _check_country(self):
        for source in self:
            try:
                dial_plan(source.country_id.code or "")
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "The dialing rules of %(country)s are not known. Choose "
                        "another home country for the source %(switch)s.",
                        country=source.country_id.name or self.env._("no country"),
                        switch=source.name,
                    )
                ) from error

    @api.constrains("max_duration_hours", "future_hours", "max_age_days")
    def _check_limits(self):
        for source in self:
            if (
                min(source.max_duration_hours, source.future_hours, source.max_age_days)
                < 0
            ):
                raise ValidationError(
                    self.env._("The limits of a source cannot be negative.")
                )

    @api.constrains("cost_deck_id")
    def _check_cost_deck(self):
        self.cost_deck_id._check_is_for("cost")

    @api.onchange("preset")
    def _onchange_preset(self):
        if self.preset:
            self.update(self._prepare_preset_values(self.preset))

    @api.model_create_multi
    def create(self, vals_list):
        """Fill in what the preset says, where the values given do not say it.

        A kind of source may have a preset of its own.
        """
        self._check_environment_names(vals_list)
        for vals in vals_list:
            if "preset" not in vals:
                source = self.new({"source_type": vals.get("source_type")})
                if preset := source._preset_of_type():
                    vals["preset"] = preset
            if vals.get("preset"):
                filled = self._prepare_preset_values(vals["preset"])
                for name, value in filled.items():
                    vals.setdefault(name, value)
        return super().create(vals_list)

    def action_apply_preset(self):
        """Set columns, rules and payer steps anew from the preset."""
        for source in self.filtered("preset"):
            source.write(source._prepare_preset_values(source.preset))
        return True

    @api.model
    def _prepare_preset_values(self, key):
        """Values of a source set up for a preset.

        :param key: a key of ``ingest.presets.PRESETS``
        :return: dict with x2many commands that replace what was there
        """
        preset = presets.PRESETS.get(key)
        if preset is None:
            raise UserError(
                self.env._(
                    "There is no preset %(key)s. Available presets: %(known)s.",
                    key=key,
                    known=", ".join(presets.PRESETS),
                )
            )
        clear = fields.Command.clear
        create = fields.Command.create
        zone = {"timezone": preset.timezone} if preset.timezone else {}
        return zone | {
            "record_kind": preset.record_kind,
            "default_outcome": preset.default_outcome,
            "default_direction": preset.default_direction,
            "column_ids": [clear()]
            + [
                create(
                    {
                        "sequence": rank,
                        "target": column.target,
                        "columns": column.columns,
                        "style": column.style,
                        "pattern": column.pattern,
                    }
                )
                for rank, column in enumerate(preset.columns)
            ],
            "rule_ids": [clear()]
            + [
                create(
                    {
                        "sequence": rank,
                        "name": rule.name,
                        "outcome": rule.outcome,
                        "direction": rule.direction,
                        "condition_ids": [
                            create(
                                {
                                    "column": not condition.fact and condition.column,
                                    "fact": condition.fact,
                                    "operator": condition.operator,
                                    "value": condition.value,
                                }
                            )
                            for condition in rule.conditions
                        ],
                    }
                )
                for rank, rule in enumerate(preset.rules)
            ],
            "payer_ids": [clear()]
            + [
                create(
                    {
                        "sequence": rank,
                        "column": not step.fact and step.column,
                        "fact": step.fact,
                        "pattern": step.pattern,
                        "kind": step.kind,
                        "direction": step.direction,
                    }
                )
                for rank, step in enumerate(preset.payers)
            ],
            "word_ids": [clear()]
            + [
                create({"word": word, "direction": direction})
                for word, direction in preset.words
            ],
        }

    def _needed_columns(self):
        """What every file of this source has to tell."""
        if self.record_kind == "usage":
            return ("start_time",)
        return ("start_time", "seconds")

    def _check_columns(self, names):
        """Refuse a file whose columns do not tell what a call needs.

        :param names: the file's column names
        :raises UserError: naming what is missing
        """
        self.ensure_one()
        specs = column_specs(self.column_ids)
        missing = missing_targets(specs, names, self._needed_columns())
        if missing:
            labels = dict(
                self.column_ids._fields["target"]._description_selection(self.env)
            )
            raise UserError(
                self.env._(
                    "No column is set for: %(facts)s. Choose from the columns of the "
                    "file: %(names)s.",
                    facts=", ".join(
                        labels[getattr(spec, "target", spec)].lower()
                        for spec in missing
                    ),
                    names=", ".join(names),
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = self.env["metered.batch"].search(
            [("source_id", "in", self.ids)], limit=1
        )
        if used:
            raise UserError(
                self.env._(
                    "%(switch)s cannot be deleted because records were imported from "
                    "it. Archive it instead.",
                    switch=used.source_id.name,
                )
            )

    def _load_settings(self):
        """What records of this source are read and rated with.

        :return: ``ingest.settings.ImportSettings``
        """
        source = self.sudo().with_company(self.company_id)
        company = source.company_id
        plans, alerts = (
            source.env["metered.plan.mark"],
            source.env["metered.alert.mark"],
        )
        return load_settings(
            source, plans._plan_partners(company), alerts._alert_partners(company)
        )

    def action_view_batches(self):
        """Open the imports of this source."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_batch",
            [("source_id", "=", self.id)],
            context={"default_source_id": self.id},
        )

    def action_view_exceptions(self):
        """Open what of this source waits for a person."""
        self.ensure_one()
        return window_action(
            self.env, "action_metered_exception", [("source_id", "=", self.id)]
        )

    def action_import(self):
        """Open the upload wizard for this source."""
        self.ensure_one()
        return window_action(
            self.env, "action_metered_import", context={"default_source_id": self.id}
        )

    def _cure_targets(self):
        """Everything of these sources: another setting may cure any of it."""
        return [(source.company_id, {"source_id": source.id}) for source in self]

    # === COSTS === #

    def _cost_deck(self):
        """The deck that says what calls of this source cost; may be empty."""
        self.ensure_one()
        return self.cost_deck_id or self.company_id.metered_cost_deck_id
