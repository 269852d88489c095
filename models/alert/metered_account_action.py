# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
import time
from datetime import timedelta

from odoo import api, fields, models

from ...connectors.errors import SourceError
from ...connectors.harmless import shown
from ...connectors.http import HttpLimits

_logger = logging.getLogger(__name__)

CRON = "metered_billing.ir_cron_account_actions"
#: a switch is asked once, and again by the job
LIMITS = HttpLimits(request_seconds=30, attempts=1)
#: seconds that a scheduled action works at a time
SLICE_SECONDS = 40
#: attempts, and the wait after the first, doubled each time: an hour altogether
ATTEMPTS, FIRST_WAIT = 7, timedelta(minutes=1)
#: characters of an answer that are kept
MOST_CHARACTERS = 300
#: names the problem on a source, for its activity
PROBLEM = "account-action"


class MeteredAccountAction(models.Model):
    """That an account is suspended or resumed on its switch: what waits, and the log.

    It is written in the transaction in which the entitlement changes; a job asks the
    switch. Only the newest of an account is sent.
    """

    _name = "metered.account.action"
    _description = "Account Action"
    _inherit = ["metered.guarded"]
    _order = "id desc"

    account_id = fields.Many2one(
        "metered.source.account",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    source_id = fields.Many2one(related="account_id.source_id", store=True)
    company_id = fields.Many2one(related="account_id.company_id", store=True)
    subscription_id = fields.Many2one(
        "sale.subscription", readonly=True, ondelete="set null", index="btree_not_null"
    )
    action = fields.Selection(
        [("suspend", "Suspend"), ("resume", "Resume")], required=True, readonly=True
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("replaced", "Replaced"),
        ],
        string="Status",
        required=True,
        readonly=True,
        default="waiting",
        help="Replaced: a later action for the account was created before this one "
        "was sent.",
    )
    attempts = fields.Integer(readonly=True, aggregator=None)
    next_attempt = fields.Datetime(readonly=True, default=fields.Datetime.now)
    answer = fields.Char(string="Response", readonly=True)

    _due_index = models.Index("(next_attempt) WHERE state = 'waiting'")

    @api.depends("account_id", "action")
    def _compute_display_name(self):
        labels = dict(self._fields["action"]._description_selection(self.env))
        for one in self:
            one.display_name = f"{labels.get(one.action)} {one.account_id.name}"

    # === WHAT IS TO BE DONE === #

    @api.model
    def _entitlement_changed(self, subscription, allowed):
        """Have the accounts of a customer suspended or resumed.

        Only on sources for which an administrator turned that on. An account is
        resumed when no subscription of its customer is capped any more, and only if it
        was suspended from here.

        :param subscription: ``sale.subscription``, with all rights
        :param bool allowed: whether usage is allowed now
        """
        accounts = self.env["metered.source.account"].sudo()
        owner = subscription.partner_id.commercial_partner_id
        family = owner.with_company(subscription.company_id)._metered_family()
        accounts = accounts.search(
            [
                ("company_id", "=", subscription.company_id.id),
                ("partner_id", "in", family.ids),
                ("source_id.suspends_accounts", "=", True),
            ]
        )
        if not accounts:
            return
        if allowed:
            running = subscription.search(
                [
                    ("company_id", "=", subscription.company_id.id),
                    ("partner_id.commercial_partner_id", "=", owner.id),
                ]
            )
            if self.env["metered.alert.state"].sudo()._capped_of(running):
                return
        wanted = "resume" if allowed else "suspend"
        actions = self.sudo()
        for account in accounts:
            earlier = actions.search([("account_id", "=", account.id)], limit=1)
            if (earlier.action or "resume") == wanted and earlier.state != "failed":
                continue
            actions.search(
                [("account_id", "=", account.id), ("state", "=", "waiting")]
            ).state = "replaced"
            actions.create(
                {
                    "account_id": account.id,
                    "subscription_id": subscription.id,
                    "action": wanted,
                }
            )
            self._send_soon()

    def action_retry(self):
        """Send these that failed once more."""
        self.check_access("read")
        self.source_id.check_access("write")
        failed = self.filtered(lambda one: one.state == "failed")
        failed._set_as_program(
            {"state": "waiting", "attempts": 0, "next_attempt": fields.Datetime.now()}
        )
        if failed:
            self._send_soon()

    # === SENDING === #

    @api.model
    def _send_soon(self):
        """Have the scheduled action run once this transaction is committed."""
        self.env.ref(CRON).sudo()._trigger()

    @api.model
    def _cron_send(self):
        """Send what is due, and see to what is due later."""
        self._send_due(self.env.cr.commit)
        waiting = self.search(
            [("state", "=", "waiting")], order="next_attempt, id", limit=1
        )
        if waiting:
            soon = fields.Datetime.now() + timedelta(minutes=1)
            self.env.ref(CRON)._trigger(max(waiting.next_attempt, soon))
        self.env["ir.cron"]._commit_progress(remaining=0)

    @api.model
    def _send_due(self, commit=None):
        """Send what is due, each in a transaction of its own, for a slice of time.

        :param commit: function that ends a transaction; None inside a caller's
        """
        deadline = time.monotonic() + SLICE_SECONDS
        due = [("state", "=", "waiting"), ("next_attempt", "<=", fields.Datetime.now())]
        for one in self.search(due, order="next_attempt, id"):
            if time.monotonic() > deadline:
                break
            one._attempt(commit)
            if commit:
                commit()

    def _attempt(self, commit=None):
        """Ask the switch once, and note what came of it.

        :param commit: see :meth:`_send_due`: none is open while the switch takes its
            time
        """
        self.ensure_one()
        source = self.source_id
        if not source.suspends_accounts:
            self.write({"state": "failed", "answer": self.env._("It was turned off.")})
            return
        change = source._account_change(self.action)
        if commit:
            commit()
        try:
            with source._make_connector(limits=LIMITS) as connector:
                answer = connector.change_account(self.account_id.name, change)
        except SourceError as error:
            self._note_failure(error)
            return
        self.write(
            {
                "state": "done",
                "attempts": self.attempts + 1,
                "answer": shown(answer, MOST_CHARACTERS),
            }
        )
        self._audit()
        source._metered_close(
            PROBLEM, self.env._("Accounts are suspended and resumed.")
        )

    def _note_failure(self, error):
        attempts = self.attempts + 1
        values = {"attempts": attempts, "answer": shown(str(error), MOST_CHARACTERS)}
        if error.retry and attempts < ATTEMPTS:
            wait = FIRST_WAIT * 2 ** (attempts - 1)
            if error.retry_after:
                wait = max(wait, timedelta(seconds=min(error.retry_after, 3600)))
            values["next_attempt"] = fields.Datetime.now() + wait
            self.write(values)
            return
        self.write({**values, "state": "failed"})
        self.source_id._metered_raise(
            PROBLEM,
            self.env._("Account not suspended or resumed"),
            self.env._(
                "%(action)s: %(error)s Check the settings under Suspending Accounts on "
                "the source, then click Try Again on the action.",
                action=self.display_name,
                error=error,
            ),
        )

    def _audit(self):
        """Say on the customer what was done on the switch."""
        values = {"account": self.account_id.name, "switch": self.source_id.name}
        self.account_id.partner_id.message_post(
            body=self.env._(
                "The account %(account)s on %(switch)s was suspended because a cap was "
                "reached.",
                **values,
            )
            if self.action == "suspend"
            else self.env._(
                "The account %(account)s on %(switch)s was resumed.", **values
            )
        )
