# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from ...ingest.conflicts import is_temporary
from ..guard.untrusted import own_context
from ..screen.actions import window_action

_logger = logging.getLogger(__name__)
#: what an activity about an invoice that waits for usage is called
PROBLEM = "pending"
#: invoices that a scheduled action looks at
MOST_AT_ONCE = 1000


class NotPendingError(UserError):
    """What is asked for can be done only while an invoice waits for usage."""


class AccountMove(models.Model):
    """Invoices that wait for the usage that another program counts.

    Such an invoice is a draft that nobody posts before its usage is complete: a program
    says so, a person does, or it has waited long enough.
    """

    _inherit = "account.move"

    metered_pending = fields.Selection(
        [("pending", "Waiting for Usage")],
        string="Usage",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The draft waits until a program or a person confirms that its usage is "
        "complete.",
    )
    metered_pending_since = fields.Datetime(
        string="Waiting Since", readonly=True, copy=False
    )
    metered_pending_remind = fields.Datetime(
        string="Reminder On", readonly=True, copy=False
    )
    metered_pending_until = fields.Datetime(
        string="Waiting Until",
        readonly=True,
        copy=False,
        help="When the invoice is issued or put on hold, as set on the subscription "
        "template.",
    )
    metered_version = fields.Integer(
        string="Version",
        readonly=True,
        copy=False,
        help="1 means that the invoice waited for usage and was never recalculated.",
    )
    metered_charge_ids = fields.One2many(
        "metered.charge", "move_id", string="Usage Charges", readonly=True, copy=False
    )
    metered_pending_text = fields.Char(
        compute="_compute_metered_pending_text", compute_sudo=True
    )

    @api.depends("metered_pending", "metered_pending_until", "state")
    @api.depends_context("lang", "tz")
    def _compute_metered_pending_text(self):
        for move in self:
            move.metered_pending_text = move._metered_is_pending() and (
                move._metered_describe_pending()
            )

    @api.depends("metered_pending")
    def _compute_hide_post_button(self):
        """What waits for usage is issued, and not confirmed."""
        result = super()._compute_hide_post_button()
        for move in self:
            if move._metered_is_pending():
                move.hide_post_button = True
        return result

    def _metered_describe_pending(self):
        """What an invoice waits for, and until when."""
        self.ensure_one()
        since = format_datetime(self.env, self.metered_pending_since)
        until = self.metered_pending_until
        if not until:
            return self.env._(
                "Waiting for usage since %(since)s, until someone issues it.",
                since=since,
            )
        until = format_datetime(self.env, until)
        if self._metered_wait_policy() == "hold":
            return self.env._(
                "Waiting for usage since %(since)s. It will be put on hold on "
                "%(until)s.",
                since=since,
                until=until,
            )
        return self.env._(
            "Waiting for usage since %(since)s. On %(until)s it will be issued with "
            "the usage recorded by then.",
            since=since,
            until=until,
        )

    def _metered_is_pending(self):
        """Whether an invoice is a draft that waits for usage."""
        self.ensure_one()
        return bool(self.metered_pending) and self.state == "draft"

    def _metered_template(self):
        """The template of the subscription that an invoice bills; may be empty."""
        return self.sudo().metered_period_id.subscription_id.template_id

    def _metered_wait_policy(self):
        return self._metered_template().metered_wait_policy

    def _metered_check_pending(self):
        """Refuse to post what waits for usage.

        :raises UserError: with what to do instead
        """
        pending = self.filtered(lambda move: move._metered_is_pending())
        if pending:
            raise UserError(
                self.env._(
                    "%s is waiting for usage. Click Issue Now on the invoice to bill "
                    "the usage recorded so far.",
                    pending._metered_label(),
                )
            )

    # === WAITING === #

    def _metered_begin_waiting(self):
        """Have these wait for usage, and tell it once; those that do already go on."""
        for move in self.sudo():
            if not move.metered_pending:
                company, now = move.company_id, fields.Datetime.now()
                remind = company.metered_pending_remind_hours
                most = company.metered_pending_hours
                move._set_as_program(
                    {
                        "metered_pending": "pending",
                        "metered_version": 1,
                        "metered_pending_since": now,
                        "metered_pending_remind": remind
                        and now + timedelta(hours=remind),
                        "metered_pending_until": most and now + timedelta(hours=most),
                    }
                )
                move._metered_find_charges()
                move._metered_tell_pending()
            else:
                move._metered_find_charges()

    def _metered_lock_pending(self):
        """The invoice as it is now, with nobody else completing it.

        Whoever comes second waits, and then begins again: see ``metered.usage._lock``.

        :raises NotPendingError: it does not wait, or not any more
        """
        self.ensure_one()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT id FROM account_move WHERE id = %s FOR UPDATE",
            (self.id,),
            log_exceptions=False,
        )
        self.invalidate_recordset()
        if not self._metered_is_pending():
            raise NotPendingError(
                self.env._(
                    "%s is not waiting for usage, so it cannot be recalculated or "
                    "issued.",
                    self._metered_label(),
                )
            )

    # === ISSUING === #

    def _metered_issue(self, asked=True):
        """End the waiting: post the invoice, and send it if the template says so.

        Where the template has invoices approved first, it waits for that.

        :param asked: whether somebody asked for it; else it stays a draft where the
            template's invoicing mode says so
        :raises NotPendingError: it does not wait
        :raises UserError: it is on hold, or Odoo does not post it
        """
        self.ensure_one()
        move = own_context(self).with_company(self.company_id)
        mine = move.sudo()
        mine._metered_lock_pending()
        move._metered_check_held()
        mine._set_as_program(
            {
                "metered_pending": False,
                "metered_pending_remind": False,
                "metered_pending_until": False,
            }
        )
        mine._metered_close(PROBLEM, self.env._("The usage is complete."))
        template = mine._metered_template()
        if template._metered_waits():
            mine.env["metered.review"]._add(mine)
            mine._metered_log(
                self.env._("The usage is complete. The invoice can be approved now.")
            )
            return
        post = send = False
        if template:
            _order, post, send = template._metered_invoicing()
        if not (post or asked):
            mine._metered_log(self.env._("The usage is complete."))
            return
        if mine.amount_total < 0:
            mine._metered_log(
                self.env._(
                    "It credits more than it charges. Convert it to a credit note and "
                    "post it."
                )
            )
            return
        move.action_post()
        if send and mine._metered_queue_mail(self.env.user):
            mine._metered_log(mine._metered_unsent_text())

    def action_metered_issue(self):
        """Bill the usage recorded so far, and post the invoice."""
        self.ensure_one()
        self.check_access("write")
        self._metered_issue()
        return True

    def action_metered_recalculate(self):
        """Bill anew what was recorded until now; the invoice goes on waiting."""
        self.ensure_one()
        self.check_access("write")
        self._metered_recalculate(self.env.user.name)
        return True

    def action_metered_charges(self):
        """Open the charges of this invoice, with their versions."""
        self.ensure_one()
        self.check_access("read")
        return window_action(
            self.env,
            "action_metered_charge",
            [("move_id", "=", self.id)],
            context={},
        )

    # === WHAT NOBODY COMPLETES === #

    @api.model
    def _cron_pending(self):
        """Remind of what waits for usage, and end what has waited long enough."""
        self._metered_look_at_pending(self.env.cr.commit)

    @api.model
    def _metered_look_at_pending(self, commit=None):
        """See :meth:`_cron_pending`.

        :param commit: function that commits after each invoice
        """
        waiting = [("metered_pending", "!=", False), ("state", "=", "draft")]
        now = fields.Datetime.now()
        for name in ("metered_pending_remind", "metered_pending_until"):
            due = self.search(
                [*waiting, (name, "<=", now)], order="id", limit=MOST_AT_ONCE
            )
            for move in due:
                try:
                    with self.env.cr.savepoint():
                        move._metered_when_due(name)
                except Exception as error:
                    if is_temporary(error):
                        _logger.info("%s is looked at again: %s", move, error)
                    elif isinstance(error, UserError):
                        move._metered_tell_stuck(str(error))
                    else:
                        _logger.exception("%s could not be issued", move)
                        move._metered_tell_stuck(self.env._("An error occurred."))
                if commit:
                    commit()

    def _metered_when_due(self, name):
        """Do what is due.

        :param str name: of the field that says when
        """
        move = self.with_company(self.company_id)
        if name == "metered_pending_remind":
            move.metered_pending_remind = False
            move._metered_raise(
                PROBLEM,
                self.env._("Invoice waiting for usage"),
                self.env._(
                    "%(text)s Check whether the program that counts the usage is "
                    "working, or click Issue Now.",
                    text=move._metered_describe_pending(),
                ),
                counted=False,
            )
        elif move._metered_wait_policy() == "hold":
            move.metered_pending_until = False
            reason = self.env._("the usage was not completed in time")
            move.env["metered.review"]._add(move)._hold(reason)
            move._metered_raise(
                PROBLEM,
                self.env._("Invoice on hold: usage not completed"),
                self.env._(
                    "The usage was not completed in time. Release the invoice. Then "
                    "click Issue Now, or have the program complete the usage."
                ),
                counted=False,
            )
        else:
            move._metered_recalculate(self.env._("Metered Billing"))
            move._metered_issue(asked=False)
            move._metered_log(
                self.env._(
                    "No program completed the usage in time. The invoice bills the "
                    "usage recorded by then."
                )
            )

    def _metered_tell_stuck(self, reason):
        """Tell a person why an invoice could not be issued, and try once a day.

        :param str reason: in words
        """
        self.metered_pending_until = fields.Datetime.now() + timedelta(days=1)
        self._metered_raise(
            PROBLEM,
            self.env._("Invoice could not be issued"),
            self.env._(
                "The waiting time has ended, but the invoice could not be issued: %s "
                "Correct the problem, then click Issue Now.",
                reason,
            ),
            counted=False,
        )
