# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json

from odoo import fields, models

from ...connectors.events.body import RequestFault
from ...connectors.events.cloud_event import CONTENT, KEY
from ...ingest.causes import cause_key
from ...ingest.conflicts import make_lasting
from ...ingest.kept_samples import is_kept
from ...ingest.store import lock_source
from ...ingest.take_back import take_back

REASON = "canceled"
#: seconds after which to try again to cancel what is not rated yet
LATER = {"Retry-After": "60"}


class MeteredSource(models.Model):
    """Events that are canceled by who pushed them.

    What is left of one is a dismissed exception with what it said, who canceled it and
    when. So its id stays known: pushed again, it is a duplicate, or a conflict.
    """

    _inherit = "metered.source"

    def _cancel_event(self, event, who, commit):
        """Take an event out of the usage, until it is invoiced.

        :param str event: what tells it from others
        :param str who: cancels it
        :param commit: function that commits
        :return: whether there is such an event
        :raise RequestFault: 409, it is invoiced, a reading or thinned; 503, it is not
            rated yet
        """
        self.ensure_one()
        waiting = [("source_id", "=", self.id), ("event_key", "=", event)]
        if self.env["metered.inbox"].search_count(waiting):
            # A sync may have it in its hands: what is stored can be taken back.
            self._rate_now(commit, [event])
            if self.env["metered.inbox"].search_count(waiting):
                raise RequestFault(
                    503, "The event is still waiting to be rated. Try again.", LATER
                )
        # No import is storing, or trying exceptions again, from here on.
        with lock_source(self.env.cr, self.id, commit):
            self.env.invalidate_all()
            known = [("source_id", "=", self.id), ("call_id", "=", event)]
            cdr = self.env["metered.cdr"].search(known)
            exception = self.env["metered.exception"].search(known)
            reason = self.env._("Canceled with the API key %s", who)
            if cdr:
                self._cancel_cdr(cdr, exception, reason)
            elif exception.state == "open":
                exception.write(self._canceled_values(reason))
            elif not exception and is_kept(self.env.cr, self.id, event):
                raise RequestFault(
                    409,
                    "The event is a sample that was thinned, and can no longer be "
                    "canceled. To correct the level, push an event with another id "
                    "and the same time: of the same time the last event counts.",
                )
            make_lasting(self.env.cr)
            commit()
        # One that was corrected may be stored under another id.
        return bool(cdr or exception.filtered(lambda one: one.state != "resolved"))

    def _cancel_cdr(self, cdr, exception, reason):
        """Turn a record into an exception that is dismissed.

        :param exception: the ``metered.exception`` that it was once; may be empty
        """
        if cdr.state == "reading" or cdr.register_id:
            raise RequestFault(
                409,
                "The event is a counter reading, and usage has been measured from it. "
                "Correct or delete the reading on its counter.",
            )
        invoice = cdr.usage_id.invoice_id
        if invoice:
            raise RequestFault(409, self._invoiced_detail(cdr, invoice))
        batch, is_billable = cdr.batch_id, cdr.state == "rated"
        values = {**self._canceled_values(reason), **self._exception_of(cdr)}
        self.env.flush_all()
        gone = take_back(
            self.env.cr,
            "SELECT %s::bigint AS id",
            (cdr.id,),
        )
        self.env.invalidate_all(flush=False)
        if gone.invoiced:
            raise RequestFault(
                409, "The event is being invoiced right now. Try again later."
            )
        if exception:
            exception.write(values)
        else:
            exception.create(values)
        changed = "rated" if is_billable else "not_billable"
        batch._count(**{changed: -1, "exceptions": 1})

    def _canceled_values(self, reason):
        return {
            "state": "dismissed",
            "reason": REASON,
            "cause": cause_key(REASON, self.id, None, (), None, 0, 0, 0),
            "dismiss_reason": reason,
            "dismissed_uid": False,
            "dismissed_date": fields.Datetime.now(),
        }

    def _exception_of(self, cdr):
        """What an exception keeps of a record: what it said, and whose it was."""
        said = {
            KEY: cdr.call_id,
            CONTENT: cdr.content or "",
            "time": f"{cdr.start_time.isoformat()}Z",
            "customer": cdr.partner_id.display_name or "",
            "meter": cdr.meter_id.code or "",
            "quantity": self.env["metered.api"]._texts(cdr, "quantity")[cdr.id],
            "properties": cdr.properties or {},
        }
        return {
            "company_id": self.company_id.id,
            "source_id": self.id,
            "batch_id": cdr.batch_id.id,
            "line": cdr.line,
            "call_id": cdr.call_id,
            "raw": json.dumps(said, ensure_ascii=False),
            "readable": False,
            "kind": "unprocessed",
            "detail": False,
            "partner_id": cdr.partner_id.id,
            "meter_id": cdr.meter_id.id,
            "start_time": cdr.start_time,
        }

    def _invoiced_detail(self, cdr, invoice):
        """Why an invoiced event stays, and how its difference is billed."""
        name = invoice.name if invoice.state == "posted" else f"draft {invoice.id}"
        if cdr.meter_id.kind != "call" and cdr.meter_id.aggregation == "sum":
            return (
                f"The event is on invoice {name}. To bill the difference, push an "
                "event with another id, the same time and the negative quantity: it "
                "is billed with the next invoice. Or credit the invoice, then cancel "
                "the event."
            )
        return (
            f"The event is on invoice {name}. Credit the invoice, then cancel the "
            "event and bill the period again."
        )
