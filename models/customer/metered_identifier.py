# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import format_date

from ...ingest.dial_plans import dial_plan
from ...ingest.numbers import normalise_numbers

IDENTIFIER_KINDS = [
    ("number", "Phone number"),
    ("extension", "Extension"),
    ("endpoint", "Channel endpoint or trunk"),
    ("account_code", "Account code"),
    ("context", "Dialplan context"),
    ("device", "Device"),
    ("meter", "Meter serial number"),
    ("key", "API key name"),
]


class MeteredIdentifier(models.Model):
    _name = "metered.identifier"
    _description = "Service Identifier"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "metered.cure",
        "metered.number.search",
    ]
    _order = "partner_id, kind, value, date_from"
    _rec_name = "value"
    _rec_names_search = ["value", "normalised"]
    _number_fields = {"normalised": ("",)}

    _curing = frozenset(
        {
            "value",
            "kind",
            "normalised",
            "active",
            "partner_id",
            "source_id",
            "date_from",
            "date_to",
        }
    )

    kind = fields.Selection(IDENTIFIER_KINDS, required=True, default="number")
    value = fields.Char(
        string="Identifier",
        required=True,
        help="As it appears in the records, for example a phone number, extension or "
        "account code.",
    )
    normalised = fields.Char(
        compute="_compute_normalised",
        store=True,
        index=True,
        help="The value that records are compared with. Phone numbers are in "
        "international format; everything else is unchanged.",
        string="Normalized Value",
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
        help="Customer who pays for records with this identifier.",
    )
    source_id = fields.Many2one(
        "metered.source",
        ondelete="restrict",
        index=True,
        check_company=True,
        help="Only for records of this source. Leave empty for all sources.",
    )
    account_id = fields.Many2one(
        "metered.source.account",
        string="Source Account",
        ondelete="set null",
        index="btree_not_null",
        check_company=True,
        domain="[('partner_id', '=', partner_id)]",
    )
    is_synced = fields.Boolean(
        string="Found by Sync",
        readonly=True,
        copy=False,
        help="Created by a sync of the account, and ended when it is no longer "
        "on the switch.",
    )
    subscription_id = fields.Many2one(
        "sale.subscription",
        ondelete="set null",
        index="btree_not_null",
        check_company=True,
        # Of the customer, of a company above it, or of a contact of one of these.
        domain="[('company_id', '=', company_id),"
        " ('partner_id.commercial_partner_id.id', 'parent_of', partner_id)]",
        help="The usage is invoiced with this subscription. Leave empty to use the "
        "next invoice of any of the customer's subscriptions.",
    )
    date_from = fields.Datetime(
        string="From",
        help="Date and time from which it belongs to the customer. Leave empty "
        "for no start date.",
    )
    date_to = fields.Datetime(
        string="Until",
        help="Date and time from which it no longer belongs to the customer. "
        "Leave empty for no end date.",
    )

    _dates_ordered = models.Constraint(
        "CHECK (date_from IS NULL OR date_to IS NULL OR date_from < date_to)",
        "The start of an identifier must be before its end.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        """Registers of counters may be the customer's from now on."""
        identifiers = super().create(vals_list)
        self.env["metered.register"]._owners_changed(identifiers)
        return identifiers

    def write(self, vals):
        """Registers of counters may be another customer's, or until another day."""
        if not (self._curing | {"subscription_id"}) & vals.keys():
            return super().write(vals)
        registers = self.env["metered.register"]
        registers._owners_changed(self)
        named = registers._named_by(self)
        done = super().write(vals)
        registers._follow(named)
        registers._owners_changed(self)
        return done

    def unlink(self):
        """Registers of counters may be nobody's then."""
        self.env["metered.register"]._owners_changed(self)
        return super().unlink()

    @api.depends("kind", "value", "source_id.country_id", "account_id.country_id")
    def _compute_normalised(self):
        for country, identifiers in self.grouped(
            lambda i: (
                i.account_id.country_id
                or i.source_id.country_id
                or i.company_id.country_id
            )
        ).items():
            forms = self._normalised_forms(
                [(i.kind, i.value) for i in identifiers], country
            )
            for identifier, form in zip(identifiers, forms, strict=True):
                identifier.normalised = form

    @api.model
    def _normalised_forms(self, identifiers, country):
        """What records are compared with.

        :param identifiers: list of (kind, value)
        :param country: ``res.country`` that numbers are dialled in
        :return: list of texts, False where there is no value
        """
        forms = [(value or "").strip() for _kind, value in identifiers]
        numbers = [
            at
            for at, (kind, _value) in enumerate(identifiers)
            if kind == "number" and forms[at]
        ]
        if numbers:
            found = self._normalise_numbers([forms[at] for at in numbers], country)
            for at, form in zip(numbers, found, strict=True):
                forms[at] = form
        return [form or False for form in forms]

    @api.model
    def _normalise_numbers(self, values, country):
        """The international forms of numbers; a number itself where it has none."""
        try:
            dialling = dial_plan(country.code or "")
        except ValueError:
            return values
        found = normalise_numbers(values, dialling).to_pylist()
        return [form or value for form, value in zip(found, values, strict=True)]

    @api.model
    def _domain_valid(self, moment):
        """Identifiers that are somebody's at a moment.

        :param moment: datetime in UTC
        """
        return [
            "|",
            ("date_from", "=", False),
            ("date_from", "<=", moment),
            "|",
            ("date_to", "=", False),
            ("date_to", ">", moment),
        ]

    @api.model
    def _domain_no_number(self, text):
        """Extensions, trunks and keys are texts, too."""
        return Domain("value", "ilike", text) | super()._domain_no_number(text)

    def _describe_dates(self):
        """When it is valid, as text with days of the user's time zone."""
        self.ensure_one()
        days = {
            name: format_date(
                self.env, fields.Datetime.context_timestamp(self, self[name]).date()
            )
            for name in ("date_from", "date_to")
            if self[name]
        }
        if len(days) == 2:
            return self.env._("from %(date_from)s until %(date_to)s", **days)
        if self.date_from:
            return self.env._("from %(date_from)s", **days)
        if self.date_to:
            return self.env._("until %(date_to)s", **days)
        return self.env._("always")

    @api.model
    def _action_new(self, **defaults):
        """A dialog that adds an identifier.

        :param defaults: ``default_...`` keys of the context
        """
        return self.browse()._get_records_action(
            name=self.env._("Add an Identifier"), target="new", context=defaults
        )

    @api.constrains(
        "kind",
        "normalised",
        "source_id",
        "company_id",
        "date_from",
        "date_to",
        "active",
    )
    def _check_overlap(self):
        """One identifier belongs to one customer at a time."""
        self.flush_model()
        self.env.cr.execute(
            """
            SELECT mine.id, other.id
              FROM metered_identifier mine
              JOIN metered_identifier other
                ON other.kind = mine.kind
               AND other.normalised = mine.normalised
               AND other.company_id = mine.company_id
               AND other.id != mine.id
               AND other.active
               AND other.source_id IS NOT DISTINCT FROM mine.source_id
               AND coalesce(other.date_from, '-infinity')
                   < coalesce(mine.date_to, 'infinity')
               AND coalesce(mine.date_from, '-infinity')
                   < coalesce(other.date_to, 'infinity')
             WHERE mine.id = ANY(%s) AND mine.active
             LIMIT 1
            """,
            (self.ids,),
        )
        clash = self.env.cr.fetchone()
        if clash:
            mine, other = self.browse(clash)
            raise ValidationError(
                self.env._(
                    "%(value)s already belongs to %(other)s at that time. End that "
                    "assignment before the one for %(mine)s starts.",
                    value=mine.value,
                    other=other.partner_id.display_name,
                    mine=mine.partner_id.display_name,
                )
            )

    @api.constrains("subscription_id", "partner_id", "company_id")
    def _check_subscription(self):
        """A subscription bills its own customer, and the companies below it."""
        naming = self.filtered("subscription_id")
        for company, identifiers in naming.grouped("company_id").items():
            subscriptions = identifiers.subscription_id.sudo()
            owners = subscriptions.partner_id.commercial_partner_id
            households = owners.with_company(company)._metered_households()
            for identifier in identifiers:
                subscription = identifier.subscription_id.sudo()
                owner = subscription.partner_id.commercial_partner_id
                named = households[owner.id].named
                if (
                    subscription.company_id == company
                    and identifier.partner_id.id in named
                ):
                    continue
                raise ValidationError(
                    self.env._(
                        "%(value)s belongs to %(customer)s, but %(subscription)s "
                        "belongs to %(other)s and cannot invoice usage of "
                        "%(customer)s. Choose a subscription of %(customer)s or of "
                        "one of its parent companies for %(value)s, or leave it empty.",
                        value=identifier.value,
                        customer=identifier.partner_id.display_name,
                        subscription=subscription.name,
                        other=owner.display_name,
                    )
                )

    def _cure_targets(self):
        """Records that looked for these identifiers."""
        return [
            (
                company,
                {
                    "reasons": ["unknown_customer"],
                    "tried": [f"{i.kind} {i.normalised}" for i in identifiers],
                },
            )
            for company, identifiers in self.filtered("active")
            .grouped("company_id")
            .items()
        ]

    def _audit_home(self):
        return self.partner_id
