# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError


class MeteredSyncStart(models.TransientModel):
    """Which days of a customer to fetch from the switch."""

    _name = "metered.sync.start"
    _description = "Sync Phone Numbers & Call Records"
    _inherit = ["metered.guarded"]

    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    source_id = fields.Many2one("metered.source", readonly=True)
    account_ids = fields.Many2many(
        "metered.source.account", string="Accounts", readonly=True
    )
    period = fields.Selection(
        [
            ("this_month", "This Month"),
            ("last_month", "Last Month"),
            ("since_invoice", "Since Last Invoice"),
            ("custom", "Custom"),
        ],
        required=True,
        default="since_invoice",
        help="Since Last Invoice starts on the day after the last invoiced usage; "
        "with several customers, after the earliest one. Without an invoice it "
        "starts with last month. It never goes back more than a year.",
    )
    date_from = fields.Date(
        string="From",
        required=True,
        compute="_compute_dates",
        precompute=True,
        store=True,
        readonly=False,
        help="The first day, in the company's time zone.",
    )
    date_to = fields.Date(
        string="Until",
        required=True,
        compute="_compute_dates",
        precompute=True,
        store=True,
        readonly=False,
        help="The last day, included.",
    )

    @api.depends("period")
    def _compute_dates(self):
        for start in self:
            today = start.env.company._metered_today()
            month = today.replace(day=1)
            if start.period == "last_month":
                start.date_from = fields.Date.subtract(month, months=1)
                start.date_to = month - timedelta(days=1)
            elif start.period == "since_invoice":
                start.date_from = start._day_after_invoiced(today)
                start.date_to = today
            else:
                # Custom begins with the days that were chosen before.
                custom = start.period == "custom"
                start.date_from = (custom and start.date_from) or month
                start.date_to = (custom and start.date_to) or today

    def _day_after_invoiced(self, today):
        """The first day that somebody was not invoiced for; see ``period``."""
        partners = (self.account_ids.partner_id | self.partner_id)._origin
        owners = partners.commercial_partner_id
        groups = self.env["metered.usage"]._read_group(
            [
                ("partner_id", "child_of", owners.ids),
                ("company_id", "=", self.env.company.id),
                ("invoice_line_id", "!=", False),
            ],
            ["partner_id"],
            ["day:max"],
        )
        last = {}
        for partner, day in groups:
            owner = partner.commercial_partner_id
            last[owner] = max(day, last.get(owner, day))
        last_month = fields.Date.subtract(today.replace(day=1), months=1)
        days = [
            last[owner] + timedelta(days=1) if owner in last else last_month
            for owner in owners
        ]
        first = min([*days, today]) if days else last_month
        return max(first, fields.Date.subtract(today, years=1))

    @api.model
    def _action_open(self, sources, partner_id=False):
        """A dialog that asks for the days.

        :param sources: ``metered.source``
        :param int partner_id: only the accounts of this customer; False: all
        """
        partner = self.env["res.partner"].browse(partner_id or [])
        accounts = sources.account_ids.filtered("active")
        if partner:
            family = partner._metered_family()
            accounts = accounts.filtered(lambda a: a.partner_id in family)
        if not accounts and any(source._needs_account() for source in sources):
            raise UserError(
                self.env._(
                    "%(sources)s does not have an account for this customer. Add one "
                    "first.",
                    sources=", ".join(sources.mapped("name")),
                )
            )
        wizard = self.sudo().create(
            {
                "partner_id": partner.id,
                "source_id": sources.id if len(sources) == 1 else False,
                "account_ids": accounts.ids,
            }
        )
        return wizard._get_records_action(
            name=self._description, target="new", context={}
        )

    def action_start(self):
        """Start fetching these days, and show how far it is."""
        self.ensure_one()
        if self.date_from > self.date_to:
            raise UserError(self.env._("The last day is before the first day."))
        sources = self.account_ids.source_id | self.source_id
        sources.check_access("read")
        date_from = self._moment(self.date_from)
        date_to = self._moment(self.date_to + timedelta(days=1))
        if date_to > fields.Datetime.now():
            date_to = None
        syncs = sources._start_syncs(
            "manual", self.account_ids or None, date_from, date_to
        )
        return syncs.sudo(False)._action_open()

    def _moment(self, day):
        """The first moment of a day in the company's time zone, in UTC."""
        zone = ZoneInfo(self.env.company._metered_timezone())
        moment = datetime.combine(day, time(), zone)
        return moment.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
