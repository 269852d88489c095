# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError

#: how far back a sync by hand goes unless told
DAYS = 7


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
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: self._default_date_from(),
        help="The first day, in the company's time zone.",
    )
    date_to = fields.Date(
        string="Until",
        required=True,
        default=lambda self: self.env.company._metered_today(),
        help="The last day, included.",
    )

    def _default_date_from(self):
        return self.env.company._metered_today() - timedelta(days=DAYS)

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
                    "Nothing says what %(sources)s calls this customer. Add its "
                    "account first.",
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
            raise UserError(self.env._("The last day lies before the first one."))
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
