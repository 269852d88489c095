# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
import time

from odoo import api, fields, models, tools

from ...ingest.conflicts import StillInTheWay, again, is_temporary, wait_briefly
from ...ingest.marks import mark_usage, store_alert_marks, store_marks
from ...stored.apply_plans import apply_plans_of
from ...stored.payers import with_parents
from ...stored.plan_book import PlanBook
from ...stored.plan_engines import Engines
from ..guard.unchecked_many2one import UncheckedMany2one

_logger = logging.getLogger(__name__)

#: first key of the advisory locks of subscriptions whose plans are applied ("mbst")
PLAN_LOCK_CLASS = 0x6D627374
#: seconds that the scheduled action works at a time
SLICE_SECONDS = 40
#: what applying plans writes without the ORM; None: all fields
WRITTEN = {
    "metered.cdr": ["charge", "deck_charge", "plan_quantity", "plan_taken"],
    "metered.usage": ["amount"],
    "metered.allowance.balance": None,
}

_LOCK_USAGE = """
    SELECT count(*)
      FROM (SELECT 1 FROM metered_usage
             WHERE company_id = %s AND day >= %s AND invoice_line_id IS NULL
               AND partner_id = ANY(%s)
             ORDER BY id FOR NO KEY UPDATE) AS locked
"""


class MeteredPlanMark(models.Model):
    """Usage of a customer and some days that its calling plans have to be applied to.

    Only ever added to while records come in, so that imports do not wait for each
    other; who applies the plans takes the marks that it has seen. A mark is written by
    the transaction that changes the usage: usage without one has its plans.
    """

    _name = "metered.plan.mark"
    _description = "Pending Plan Update"
    _inherit = ["metered.guarded"]
    _log_access = False

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    partner_id = UncheckedMany2one(
        "res.partner", string="Customer", required=True, readonly=True
    )
    day_from = fields.Date(required=True, readonly=True)
    day_to = fields.Date(
        required=True, readonly=True, help="Last day with records of the customer."
    )

    _partner_idx = models.Index("(partner_id)")

    # === MARKING === #

    @api.model
    @tools.ormcache()
    def _exist_plans(self):
        """Whether there is any calling plan; without one nothing is ever asked."""
        self.env.cr.execute("SELECT EXISTS (SELECT 1 FROM metered_calling_plan)")
        return self.env.cr.fetchone()[0]

    @api.model
    def _plan_partners(self, company):
        """Customers whose calls may take from a plan, with contacts and children.

        :return: frozenset of ids
        """
        if not self._exist_plans():
            return frozenset()
        subscriptions = self.env["sale.subscription"]
        owners = subscriptions.search(
            subscriptions._metered_plan_domain(company)
        ).partner_id.commercial_partner_id
        partners = self.env["res.partner"].with_context(active_test=False)
        return frozenset(partners.search([("id", "child_of", owners.ids)]).ids)

    @api.model
    def _mark_subscriptions(self, subscriptions):
        """Mark what subscriptions have not billed yet: their plans changed."""
        today = fields.Date.context_today(self)
        every = self.env["res.partner"].with_context(active_test=False)
        for subscription in subscriptions:
            periods = subscription._metered_known_periods()
            begin = periods[-1][0] if periods else subscription.date_start
            begin = min(begin or today, today)
            owner = subscription.partner_id.commercial_partner_id
            companies = [("id", "child_of", owner.ids), ("is_company", "=", True)]
            partners = owner | every.search(companies)
            self._mark(subscription.company_id, partners, begin, today)
            self._enqueue()

    @api.model
    def _mark(self, company, partners, day_from, day_to):
        days = day_from, day_to
        store_marks(self.env.cr, [(company.id, each, *days) for each in partners.ids])

    @api.model
    def _mark_open(self, partners, former=()):
        """Mark what is on no invoice yet: another subscription may bill it now.

        :param partners: ``res.partner`` records; companies below theirs are among them
        :param former: ids of those who may have paid for them before, beside the
            companies above them
        """
        if not partners or not self._exist_plans():
            return
        every = self.env["res.partner"].with_context(active_test=False)
        owners = partners.commercial_partner_id
        family = every.search([("id", "child_of", owners.ids)])
        parents = with_parents(self.env.cr, owners.ids).values()
        usage = self.env["metered.usage"].search(
            [("invoice_line_id", "=", False), ("partner_id", "in", family.ids)]
        )
        if usage:
            mark_usage(self.env.cr, usage.ids, {*former}.union(*parents))
            self._enqueue()

    @api.model
    def _mark_new_customers(self, company, known, batch):
        """Mark what an import stored of customers that got a plan while it ran.

        :param known: ids of the customers that it marked by itself
        """
        new = self._plan_partners(company) - known
        if new:
            self.env.cr.execute(
                "SELECT DISTINCT usage_id FROM metered_cdr"
                " WHERE batch_id = %s AND partner_id = ANY(%s)",
                (batch.id, list(new)),
            )
            mark_usage(self.env.cr, [row[0] for row in self.env.cr.fetchall()])

    @api.model
    def _is_waiting(self, subscription):
        """Whether usage of a subscription's customer is marked."""
        owner = subscription.partner_id.commercial_partner_id
        company = [("company_id", "=", subscription.company_id.id)]
        family = [("partner_id", "child_of", owner.ids)]
        return bool(self.search_count(company + family, limit=1))

    def _enqueue(self):
        """Ask the scheduled action to run soon."""
        self.env.ref("metered_billing.ir_cron_settle_plans").sudo()._trigger()

    # === APPLYING === #

    @api.model
    def _cron_settle(self):  # the name that databases have stored
        """Apply the plans to what is marked, customer by customer."""
        self._apply_plans(commit=self.env.cr.commit, seconds=SLICE_SECONDS)
        self.env["metered.alert.mark"]._check_soon()
        self.env["ir.cron"]._commit_progress(remaining=self.search_count([]))

    @api.model
    def _apply_plans_quietly(self, commit=None, seconds=None):
        """Apply the plans after a job's own work; what fails stays marked.

        Nothing is billed without them: billing applies them first, and then says what
        is wrong. What passes by itself is no error: the scheduled action goes on.
        """
        if not self._exist_plans():
            return
        try:
            self.sudo()._apply_plans(commit=commit, seconds=seconds)
        except Exception as error:
            if not commit or self.env.cr.closed:
                raise
            self.env.cr.rollback()
            told = _logger.info if is_temporary(error) else _logger.exception
            told("Calling plans could not be applied, they stay marked: %s", error)
            self._leave_marked(commit)

    @api.model
    def _leave_marked(self, commit):
        """Have the scheduled action go on with what is marked."""

        def work(_failed):
            self._enqueue()
            if commit:
                commit()

        again(self.env.cr, work, commit)

    @api.model
    def _apply_plans_to(self, partners):
        """Apply the plans of these customers, where marked, before they are billed.

        :param partners: ``res.partner`` records
        """
        if partners and self._exist_plans():
            self.sudo()._apply_plans(partners.commercial_partner_id)

    @api.model
    def _apply_plans(self, owners=None, commit=None, seconds=None):
        """Apply calling plans to usage that is marked.

        :param owners: only that of these customers, ``res.partner`` records
        :param commit: function that commits after each customer; None: the caller's
            transaction has it all
        :param seconds: stop before a further customer after this time
        :return: True when nothing is marked any more
        """
        begun = time.monotonic()
        engines = Engines(self.env)
        done = True
        for company_id, owner_id in self._marked_customers(owners):
            if seconds is not None and time.monotonic() - begun > seconds:
                return False
            try:
                self._apply_to_customer(company_id, owner_id, engines, commit)
            except StillInTheWay:
                # Others are at it, or change what it used: it stays marked, and the
                # next customer need not wait for that.
                done = False
        if not done:
            self._leave_marked(commit)
        return done

    @api.model
    def _marked_customers(self, owners):
        """(company id, id of the customer) of what is marked, in a fixed order."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT DISTINCT mark.company_id, partner.commercial_partner_id
              FROM metered_plan_mark mark
              JOIN res_partner partner ON partner.id = mark.partner_id
             WHERE %(all)s OR partner.commercial_partner_id = ANY(%(owners)s)
             ORDER BY 1, 2
            """,
            {"all": owners is None, "owners": owners.ids if owners else []},
        )
        return self.env.cr.fetchall()

    @api.model
    def _apply_to_customer(self, company_id, owner_id, engines, commit):
        """Apply the plans of one customer and commit; see :meth:`_apply_plans`."""

        def work(_failed):
            if commit:
                wait_briefly(self.env.cr)
            self._apply_marked(company_id, owner_id, engines)
            if commit:
                commit()

        again(self.env.cr, work, commit)

    @api.model
    def _apply_marked(self, company_id, owner_id, engines):
        """Apply the plans of one customer's marked days, and take the marks."""
        cr = self.env.cr
        company = self.env["res.company"].browse(company_id)
        owner = self.env["res.partner"].browse(owner_id)
        cr.execute(
            """
            SELECT array_agg(mark.id), min(mark.day_from), max(mark.day_to)
              FROM metered_plan_mark mark
              JOIN res_partner partner ON partner.id = mark.partner_id
             WHERE mark.company_id = %s AND partner.commercial_partner_id = %s
            """,
            (company_id, owner_id),
        )
        marks, first, last = cr.fetchone()
        if not marks:
            return
        book = self._plan_book(company)
        subscriptions = book.of_customer(owner_id)
        # First, in the order of their ids as everybody does: what imports add to these
        # rows from here on waits, instead of having all of it done once more.
        cr.execute(_LOCK_USAGE, (company_id, first, owner._metered_family().ids))
        for subscription in subscriptions:
            cr.execute(
                "SELECT pg_advisory_xact_lock(%s, %s)",
                (PLAN_LOCK_CLASS, subscription.id),
            )
        apply_plans_of(book, owner_id, subscriptions, first, last, engines)
        for model, names in WRITTEN.items():
            self.env[model].invalidate_model(names, flush=False)
        cr.execute("DELETE FROM metered_plan_mark WHERE id = ANY(%s)", (marks,))
        if self.env["metered.alert.mark"]._exist_alerts():
            store_alert_marks(cr, company_id, [owner_id])

    @api.model
    def _plan_book(self, company):
        """The calling plans of a company, as ``stored/`` takes them.

        :param company: ``res.company`` record, with all rights
        :return: :class:`~...stored.plan_book.PlanBook`
        """
        company.env.flush_all()
        subscriptions = company.env["sale.subscription"].with_company(company)

        def find(domain, every=False):
            if not self._exist_plans():
                return []
            domain = [*subscriptions._metered_plan_domain(company, every), *domain]
            found = subscriptions.search(domain, order="id")
            return [subscription._metered_as_planned() for subscription in found]

        return PlanBook(
            company.env.cr,
            company.id,
            company._metered_timezone(),
            company._metered_today(),
            find,
        )
