# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
import time

from odoo import api, fields, models, tools

from ...ingest.conflicts import StillInTheWay, again, is_conflict, wait_briefly
from ...ingest.marks import store_alert_marks
from ..guard.unchecked_many2one import UncheckedMany2one

_logger = logging.getLogger(__name__)

#: seconds that the scheduled action works at a time
SLICE_SECONDS = 40
#: marked customers that are checked and committed together
PORTION = 500


class MeteredAlertMark(models.Model):
    """Usage of a customer changed, and alerts of its subscriptions look at it.

    Only ever added to while records come in, so that imports do not wait for each
    other; who checks takes the marks that it has seen. A mark is written by the
    transaction that changes the usage: what has none was checked.
    """

    _name = "metered.alert.mark"
    _description = "Pending Alert Check"
    _inherit = ["metered.guarded"]
    _log_access = False

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    partner_id = UncheckedMany2one(
        "res.partner", string="Customer", required=True, readonly=True
    )
    moment = fields.Datetime(
        required=True, readonly=True, help="When the records were stored."
    )

    _partner_idx = models.Index("(company_id, partner_id)")

    # === MARKING === #

    @api.model
    @tools.ormcache()
    def _exist_alerts(self):
        """Whether there is any alert; without one nothing is ever asked."""
        self.env["metered.alert"].flush_model(["active"])
        self.env.cr.execute("SELECT EXISTS (SELECT 1 FROM metered_alert WHERE active)")
        return self.env.cr.fetchone()[0]

    @api.model
    def _alert_partners(self, company):
        """Customers whose usage an alert looks at, with contacts and children.

        :return: frozenset of ids
        """
        if not self._exist_alerts():
            return frozenset()
        alerts = self.env["metered.alert"].sudo()
        alerts = alerts.search([("company_id", "=", company.id), ("active", "=", True)])
        owners = alerts._concerned_subscriptions().partner_id.commercial_partner_id
        partners = self.env["res.partner"].sudo().with_context(active_test=False)
        return frozenset(partners.search([("id", "child_of", owners.ids)]).ids)

    @api.model
    def _mark(self, company, partners):
        """Have subscriptions of customers checked soon.

        :param company: ``res.company``
        :param partners: ``res.partner``
        """
        if partners and self._exist_alerts():
            self.env.flush_all()
            store_alert_marks(self.env.cr, company.id, partners.ids)
            self._enqueue()

    @api.model
    def _mark_new_customers(self, company, known, batch):
        """Mark what an import stored of customers that got an alert while it ran.

        :param known: ids of the customers that it marked by itself
        """
        new = self._alert_partners(company) - known
        if new:
            self.env.cr.execute(
                "SELECT DISTINCT partner_id FROM metered_cdr"
                " WHERE batch_id = %s AND partner_id = ANY(%s)",
                (batch.id, list(new)),
            )
            found = [row[0] for row in self.env.cr.fetchall()]
            store_alert_marks(self.env.cr, company.id, found)

    @api.model
    def _check_soon(self):
        """Have what is marked checked by the scheduled action; nobody waits for it."""
        if self._exist_alerts() and self.sudo().search_count([], limit=1):
            self._enqueue()

    @api.model
    def _enqueue(self):
        """Ask the scheduled action to run soon."""
        self.env.ref("metered_billing.ir_cron_check_alerts").sudo()._trigger()

    # === CHECKING === #

    @api.model
    def _cron_check(self):  # the name that databases have stored
        """Check what is marked, and begin anew where a period is over."""
        if self._exist_alerts():
            self.env["metered.alert.state"]._mark_ended()
        self._check(commit=self.env.cr.commit, seconds=SLICE_SECONDS)
        self.env["ir.cron"]._commit_progress(remaining=0)

    @api.model
    def _check(self, commit=None, seconds=None):
        """Check the subscriptions of marked customers.

        :param commit: function that commits after each portion; None: the caller's
            transaction has it all
        :param seconds: stop before a further portion after this time
        :return: whether all that was marked is checked
        """
        begun = time.monotonic()
        after, size, done = (0, 0), PORTION, True
        while portion := self._next_portion(after, size):
            if seconds is not None and time.monotonic() - begun > seconds:
                self._enqueue()
                return False
            try:
                self._check_portion(portion, commit)
            except StillInTheWay:
                # Others are at it, or change what it looks at: it stays marked.
                done = False
            except Exception as error:
                if not commit or self.env.cr.closed or is_conflict(error):
                    raise
                self.env.cr.rollback()
                if size > 1:
                    # One of them stands in the way of all the others.
                    size = 1
                    continue
                _logger.exception("Alerts of customer %s were not checked", portion)
                done = False
            after = portion[-1]
        return done

    @api.model
    def _next_portion(self, after, size):
        """Marked customers in a fixed order, all of one company.

        :param after: (company id, partner id) of the last one before them
        :return: list of (company id, partner id)
        """
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT DISTINCT company_id, partner_id FROM metered_alert_mark
             WHERE (company_id, partner_id) > (%s, %s)
             ORDER BY company_id, partner_id LIMIT %s
            """,
            (*after, size),
        )
        rows = self.env.cr.fetchall()
        return [row for row in rows if row[0] == rows[0][0]]

    @api.model
    def _check_portion(self, portion, commit):
        """Check marked customers, take their marks, and commit.

        :param portion: see :meth:`_next_portion`
        """

        def work(_failed):
            if commit:
                wait_briefly(self.env.cr)
                self.env.invalidate_all(flush=False)
            self._check_customers(
                self.env["res.company"].browse(portion[0][0]),
                self.env["res.partner"].browse(
                    partner for _company, partner in portion
                ),
            )
            if commit:
                commit()

        again(self.env.cr, work, commit)

    @api.model
    def _check_customers(self, company, partners):
        env = self.sudo().with_company(company).env
        # Of a customer that was merged only its mark is left.
        marked = partners.ids
        partners = partners.with_env(env).with_context(active_test=False).exists()
        # What plans take changes what it costs, and marks the customer here, too.
        env["metered.plan.mark"]._apply_plans_to(partners)
        env.cr.execute(
            "SELECT id, partner_id, moment FROM metered_alert_mark"
            " WHERE company_id = %s AND partner_id = ANY(%s)",
            (company.id, marked),
        )
        rows = env.cr.fetchall()
        payers = partners._metered_payers()
        moments = {}
        owners = {one.id: one.commercial_partner_id for one in partners}
        for _key, partner_id, moment in rows:
            if partner_id not in owners:
                continue
            payer = payers.get(owners[partner_id], owners[partner_id])
            moments[payer] = max(moment, moments.get(payer, moment))
        if moments:
            env["metered.alert"]._check_owners(company.with_env(env), moments)
        env.cr.execute(
            "DELETE FROM metered_alert_mark WHERE id = ANY(%s)",
            ([row[0] for row in rows],),
        )
