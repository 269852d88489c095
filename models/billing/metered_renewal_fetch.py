# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from odoo import fields, models

from ..job.metered_job import SLICE_SECONDS
from .metered_review import SYNC

#: a sync that ended so recently is recent enough for today's records
FRESH = timedelta(hours=1)


class MeteredSource(models.Model):
    _inherit = "metered.source"

    def _metered_not_fetched(self, partner, date_to):
        """What of a customer's records until a day was not fetched yet.

        :param partner: ``res.partner``
        :param date_to: the first day whose records are not needed
        :return: (``metered.source`` asked as a whole, ``metered.source.account``)
        """
        company = self.env.company
        zone = ZoneInfo(company._metered_timezone())
        midnight = datetime.combine(date_to, datetime.min.time(), zone)
        needed = min(
            midnight.astimezone(ZoneInfo("UTC")).replace(tzinfo=None),
            fields.Datetime.now() - FRESH,
        )
        sources = self.sudo().search(
            [
                ("company_id", "=", company.id),
                ("is_connected", "=", True),
                ("sync_before_invoice", "=", True),
                # What is posted to us cannot be asked for.
                ("is_posted_to", "=", False),
            ]
        )
        family = partner._metered_family()
        accounts = sources.account_ids.filtered(
            lambda a: a.active and a.partner_id in family
        )
        identified = (
            self.env["metered.identifier"]
            .sudo()
            .search(
                [("source_id", "in", sources.ids), ("partner_id", "in", family.ids)]
            )
        )
        # Identifiers may be of all sources: where calls came from tells it, too.
        mine = {
            *accounts.source_id.ids,
            *identified.source_id.ids,
            *partner.commercial_partner_id._metered_last_records(),
        }
        whole = sources.filtered(lambda s: not s._needs_account() and s.id in mine)
        return (
            whole.filtered(lambda s: s._metered_is_behind(needed)),
            accounts.filtered(
                lambda a: (
                    a.source_id._needs_account()
                    and (not a.synced_until or a.synced_until < needed)
                )
            ),
        )

    def _metered_is_behind(self, needed):
        """Whether records until a moment may be missing of all of the source.

        :param needed: datetime in UTC
        """
        if not self.synced_until or self.synced_until < needed:
            return True
        # Of a file store the files are here, and perhaps not their records yet.
        return self.brings_files and bool(self._unfinished_imports())

    def _unfinished_imports(self):
        return self.env["metered.batch"].search(
            [("source_id", "=", self.id), ("state", "in", ("queued", "running"))],
            order="id",
        )


class SaleSubscription(models.Model):
    """Invoices wait as drafts where records of their period may be missing."""

    _inherit = "sale.subscription"

    def _metered_complete(self, renewals):
        """Those of the renewals whose invoice need not be held."""
        return [
            renewal
            for renewal in renewals
            if not (renewal.invoice and renewal.subscription._metered_hold(renewal))
        ]

    def _metered_hold(self, renewal):
        """Whether an invoice is held, because its source could not be asked."""
        whole, accounts = self.env["metered.source"]._metered_not_fetched(
            self.partner_id, renewal.date_to
        )
        sources = (whole | accounts.source_id).filtered(
            lambda source: source.unreachable_policy == "hold"
        )
        if not sources:
            return False
        names = ", ".join(sources.mapped("name"))
        renewal.note = self.env._(
            "The invoice was kept as a draft because some records could not be "
            "fetched from %s.",
            names,
        )
        renewal.invoice._metered_raise(
            SYNC,
            self.env._("Records may be missing"),
            self.env._(
                "%(sources)s could not be reached to get the latest records of the "
                "period. After a successful sync, delete this draft and invoice the "
                "usage again, or confirm it unchanged. Records that arrive later go "
                "on the next invoice.",
                sources=names,
            ),
        )
        return True


class MeteredRenewal(models.Model):
    """Renewals begin with fetching what their customers used."""

    _inherit = "metered.renewal"

    is_fetched = fields.Boolean(
        readonly=True, help="The latest records were requested from the sources."
    )
    sync_ids = fields.Many2many("metered.sync", string="Syncs", readonly=True)

    def _fetch_once(self, commit, seconds):
        """Fetch before anything is renewed; whether that is done."""
        if not self.is_fetched:
            if not self._fetch_first(commit, seconds):
                return False
            self.is_fetched = True
            if commit:
                commit()
        return True

    def _fetch_first(self, commit, seconds):
        """Sync what is due; whether all of these syncs are over, well or not."""
        if not self.sync_ids:
            if not self._ask_usage_urls(commit, seconds):
                return False
            self.sync_ids = self._start_due_syncs()
            if commit:
                commit()
        deadline = time.monotonic() + (seconds or SLICE_SECONDS)
        for sync in self.sync_ids:
            left = deadline - time.monotonic()
            if sync.state in ("queued", "running"):
                if left <= 0 and commit:
                    return False
                if not sync._process(commit, None if seconds is None else left):
                    return False
        stores = self.sync_ids.source_id.filtered("brings_files")
        for store in stores:
            for batch in store._unfinished_imports():
                left = deadline - time.monotonic()
                if left <= 0 and commit:
                    return False
                if not batch._process(commit, None if seconds is None else left):
                    return False
        return True

    def _start_due_syncs(self):
        model = self.env["sale.subscription"].with_company(self.company_id)
        due = model.search(self._due_domain())
        sources = self.env["metered.source"].with_company(self.company_id)
        syncs = sources.sudo()._start_posted("invoice")
        if not sources.sudo().search_count(
            [
                ("company_id", "=", self.company_id.id),
                ("is_connected", "=", True),
                ("sync_before_invoice", "=", True),
            ]
        ):
            return syncs
        for partner, subscriptions in due.grouped(
            lambda s: s.partner_id.commercial_partner_id
        ).items():
            dates = subscriptions.mapped("recurring_next_date")
            whole, accounts = sources._metered_not_fetched(
                partner, max(filter(None, dates), default=self.date)
            )
            for source in whole | accounts.source_id:
                syncs |= source._start_syncs(
                    "invoice", accounts.filtered(lambda a, s=source: a.source_id == s)
                )
        return syncs
