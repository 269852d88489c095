# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.base.models.res_partner import _tz_get

from ...ingest.load import company_zone
from ..exception.metered_cure import RATING

#: Everybody may read companies, portal users too: not what their decks are called.
DECK_GROUPS = "metered_billing.group_metered_user,base.group_system"
#: a year
MOST_HOURS = 8784
#: a hundred years
MOST_MONTHS = 1200


class ResCompany(models.Model):
    """A company's deck prices the calls of customers that have none of their own."""

    _name = "res.company"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "res.company",
        "metered.cure",
        "metered.golden.guard",
    ]

    _curing = frozenset({"metered_deck_id"})
    _prices_when_new = False
    _pricing = frozenset({"metered_deck_id"})

    metered_deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Default Rate Deck",
        domain="[('purpose', '=', 'sale')]",
        groups=DECK_GROUPS,
        help="Rates for customers without a rate deck of their own or of their group.",
        check_company=True,
    )
    metered_cost_deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Cost Deck",
        domain="[('purpose', '=', 'cost')]",
        groups=DECK_GROUPS,
        help="The supplier's rates for calls from sources without a cost deck of "
        "their own.",
        check_company=True,
    )
    metered_tz = fields.Selection(
        _tz_get,
        string="Billing Time Zone",
        help="Usage days start and end in this time zone. Leave empty to use the time "
        "zone of the company's working hours.",
    )
    metered_bills = fields.Selection(
        [("calls", "Calls"), ("usage", "Other usage"), ("both", "Both")],
        string="What You Bill",
        required=True,
        default="calls",
        help="Determines the steps of the Metered Billing setup.",
    )
    metered_responsible_id = fields.Many2one(
        "res.users",
        string="Responsible for Metered Billing",
        domain=lambda self: self._domain_metered_responsible_id(),
        help="Notified when a source or a renewal fails and no one is responsible for "
        "the record. Leave empty to notify an administrator of Metered Billing.",
    )

    metered_sync_days = fields.Integer(
        string="Keep Syncs (days)",
        default=90,
        help="Syncs that ended earlier are deleted together with their logs. The last "
        "sync of each account and all records are kept. 0 keeps all syncs.",
    )

    metered_samples_months = fields.Integer(
        string="Keep Samples For (months)",
        default=3,
        help="Older samples of levels are thinned: they are billed as before, but are "
        "no longer listed one by one, and their imports cannot be undone. 0 keeps all "
        "records.",
    )

    metered_pending_remind_hours = fields.Integer(
        string="Reminder for Waiting Invoices (hours)",
        default=24,
        help="Hours after which an activity is created for an invoice that waits for "
        "usage. 0 means no reminder.",
    )
    metered_pending_hours = fields.Integer(
        string="Wait for Usage (hours)",
        default=72,
        help="Hours that an invoice waits for usage. After that it is issued or put on "
        "hold, as set on the subscription template. 0 means no limit.",
    )

    @api.constrains("metered_pending_remind_hours", "metered_pending_hours")
    def _check_metered_pending_hours(self):
        for company in self:
            hours = company.metered_pending_remind_hours, company.metered_pending_hours
            if not all(0 <= one <= MOST_HOURS for one in hours):
                raise ValidationError(
                    self.env._(
                        "The hours that invoices wait for usage must be between 0 (no "
                        "limit) and %s.",
                        MOST_HOURS,
                    )
                )

    @api.constrains("metered_samples_months")
    def _check_metered_samples_months(self):
        for company in self:
            if not 0 <= company.metered_samples_months <= MOST_MONTHS:
                raise ValidationError(
                    self.env._(
                        "The number of months to keep samples must be between 0 (no "
                        "limit) and %s.",
                        MOST_MONTHS,
                    )
                )

    @api.constrains("metered_sync_days")
    def _check_metered_sync_days(self):
        for company in self:
            if company.metered_sync_days < 0:
                raise ValidationError(
                    self.env._(
                        "The number of days to keep syncs must be 0 (no limit) or "
                        "more, not %s.",
                        company.metered_sync_days,
                    )
                )

    @api.model
    def _domain_metered_responsible_id(self):
        group = self.env.ref("metered_billing.group_metered_user")
        return [("share", "=", False), ("all_group_ids", "in", group.ids)]

    metered_onboarding = fields.Selection(
        [
            ("auto", "Until setup is complete"),
            ("shown", "Always shown"),
            ("hidden", "Hidden"),
        ],
        string="Setup Panel",
        default="auto",
        help="Whether the dashboard shows the steps to your first invoice.",
        readonly=True,
    )

    @api.constrains("metered_deck_id")
    def _check_metered_deck(self):
        self.metered_deck_id._check_is_for("sale")

    @api.constrains("metered_cost_deck_id")
    def _check_metered_cost_deck(self):
        self.metered_cost_deck_id._check_is_for("cost")

    def _metered_timezone(self):
        """The time zone in which the company's days begin, an IANA name."""
        self.ensure_one()
        return company_zone(self)

    def _metered_default_zone(self):
        """The time zone of what is new: where days of usage begin, or the user's.

        Odoo takes the user's from the browser at the first login.
        """
        self.ensure_one()
        return self.metered_tz or self.env.user.tz or "UTC"

    def _metered_today(self):
        """The date that it is in the company's billing time zone."""
        self.ensure_one()
        return fields.Datetime.context_timestamp(
            self.with_context(tz=self._metered_timezone()), fields.Datetime.now()
        ).date()

    def write(self, vals):
        """Look at all seals again where sealing was turned off for some time."""
        resumed = self.browse()
        if vals.get("metered_sealing"):
            resumed = self.filtered(
                lambda one: one.metered_seal_count and not one.metered_sealing
            )
        result = super().write(vals)
        resumed._metered_note_resumed()
        return result

    def _cure_targets(self):
        return [(self, {"reasons": RATING})]

    def _golden_domain(self):
        return [("company_id", "in", self.ids)]

    def _golden_records(self):
        return self.browse()
