# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging

import psycopg2

from odoo import api, models

from ...ingest.conflicts import is_temporary, quietly

_logger = logging.getLogger(__name__)

#: records that are worked on at once, where somebody waits for the answer
AT_ONCE = {"retry": 500, "correct": 500, "dismiss": 10_000, "reopen": 10_000}


class MeteredExceptionJob(models.Model):
    """Doing something to exceptions: at once where they are few, else as a job."""

    _inherit = "metered.exception.job"

    @api.model
    def _start(self, operation, target, values=None, because=None):
        """Do something to exceptions: at once if they are few, as a job otherwise.

        Whoever calls has checked that the user may do it.

        :param operation: ``retry``, ``correct``, ``dismiss`` or ``reopen``
        :param target: dict, see ``metered_exception_target``
        :param values: dict; dismiss: ``reason``; correct: ``changes`` or ``record``
        :param because: what it is done because of, as text
        :return: action that says what was done, or shows the job at work
        """
        jobs = self._create_jobs(operation, target, values, because)
        if not jobs:
            return self._notify(
                self.env._("There is nothing to do: no such record waits any more."),
                "warning",
            )
        if all(job.expected <= AT_ONCE[operation] for job in jobs):
            results = [job._run_now() for job in jobs]
            if all(results):
                return jobs._notify_result()
        jobs._enqueue()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_exception_job"
        )
        if len(jobs) == 1:
            action.update(res_id=jobs.id, views=[(False, "form")], view_mode="form")
        return action

    @api.model
    def _create_jobs(
        self, operation, target, values=None, because=None, companies=None
    ):
        """A job per company for what there is to do; none where there is nothing.

        :param companies: ``res.company`` records; None: those that the user works in
        """
        jobs = self.sudo().browse()
        for company in self.env.companies if companies is None else companies:
            vals = {
                "company_id": company.id,
                "operation": operation,
                "target": target,
                "values": values or {},
                "trigger": because,
            }
            total = self.sudo().new(vals)._count_target()
            if total:
                jobs += self.sudo().create({**vals, "expected": total})
        return jobs

    @api.model
    def _offer(self, target, because, companies):
        """Try again what was cured by the way, and tell the user.

        :param target: dict, see ``metered_exception_target``
        :param because: what cured it, as text
        :param companies: ``res.company`` records
        """
        words = self.env["metered.explanation"]
        jobs = self._create_jobs("retry", target, because=because, companies=companies)
        for job in jobs:
            if job.expected > AT_ONCE["retry"] or not job._run_now():
                job._enqueue()
                message = self.env._(
                    "%(because)s. Tried again in the background: %(records)s.",
                    because=because,
                    records=words._records(job.expected),
                )
            elif job.cured:
                message = self.env._(
                    "%(because)s. Rated now: %(records)s that could not be billed.",
                    because=because,
                    records=words._records(job.cured),
                )
            else:
                continue
            self.env.user._bus_send(
                "simple_notification", {"type": "info", "message": message}
            )

    def _cron_id(self):
        return "metered_billing.ir_cron_exception_jobs"

    def _run_now(self):
        """Run the job inside the user's transaction.

        :return: True when it is done; False when others are at its records, and it
            has to run as a job
        """
        # Without running what waits for the commit: that would try the same again.
        self.env.flush_all()
        try:
            with quietly(), self.env.cr.savepoint(flush=False):
                self._process()
                self.env.flush_all()
            return True
        except Exception as error:
            if not is_temporary(error) and not isinstance(
                error, psycopg2.IntegrityError
            ):
                raise
            self.env.transaction.clear()
            _logger.info("Exceptions: others are at these records, a job takes over")
            return False

    def _notify_result(self):
        """Say what was done about how many records."""
        words = self.env["metered.explanation"]
        total, cured = sum(self.mapped("records")), sum(self.mapped("cured"))
        operation = self[0].operation
        records = words._records(total)
        if operation in ("retry", "correct"):
            message = self.env._(
                "Rated now: %(cured)s of %(records)s.",
                cured=cured,
                records=records,
            )
            if cured < total:
                message += " " + self.env._(
                    "What is not rated still waits, with the reason as it is now."
                )
            return self._notify(message, "success" if cured else "warning")
        if operation == "dismiss":
            return self._notify(
                self.env._(
                    "Dismissed: %s. What is dismissed can be opened again.", records
                )
            )
        return self._notify(self.env._("Open again: %s.", records))

    @api.model
    def _notify(self, message, kind="success"):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": kind,
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
