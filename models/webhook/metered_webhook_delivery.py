# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import random
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_datetime

from ...connectors.standard_webhooks import signed_headers, wait_before_next
from .metered_webhook import PROBLEM

#: seconds that a scheduled action sends at a time
SLICE_SECONDS = 40
#: attempts after which a person is told: half an hour of failures
TELL_AFTER = 4
#: days that messages are kept which need nothing more
KEPT_DAYS = 90
CRON = "metered_billing.ir_cron_send_webhooks"


class MeteredWebhookDelivery(models.Model):
    """A message for one address: what waits to be sent, and the log of what was.

    Its body is sent as it stands here. Who missed a message reads it here by API.
    """

    _name = "metered.webhook.delivery"
    _description = "Webhook Delivery"
    _inherit = ["metered.guarded"]
    _order = "id desc"
    _rec_name = "message"

    webhook_id = fields.Many2one(
        "metered.webhook", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="webhook_id.company_id", store=True)
    message = fields.Char(
        string="Message ID",
        required=True,
        readonly=True,
        help="Identical for all attempts (webhook-id), so that the receiver can "
        "recognize duplicates.",
    )
    kind = fields.Char(string="Event", required=True, readonly=True)
    body = fields.Text(required=True, readonly=True)
    state = fields.Selection(
        [("waiting", "Waiting"), ("delivered", "Delivered"), ("failed", "Failed")],
        string="Status",
        required=True,
        readonly=True,
        default="waiting",
    )
    attempts = fields.Integer(readonly=True, aggregator=None)
    next_attempt = fields.Datetime(readonly=True)
    delivered = fields.Datetime(readonly=True)
    last_status = fields.Integer(
        string="Last Response",
        readonly=True,
        aggregator=None,
        help="HTTP status of the last attempt; 0 if there was no response.",
    )
    last_answer = fields.Char(string="Response", readonly=True)
    attempt_ids = fields.One2many(
        "metered.webhook.attempt", "delivery_id", string="Attempt Log", readonly=True
    )
    res_model = fields.Char(string="Model", readonly=True)
    res_id = fields.Many2oneReference(
        string="Record", model_field="res_model", readonly=True
    )

    _due_index = models.Index("(next_attempt) WHERE state = 'waiting'")

    def action_send_again(self):
        """Send these once more, with the IDs that they had."""
        self.check_access("read")
        self.webhook_id.check_access("write")
        self._set_as_program(
            {"state": "waiting", "attempts": 0, "next_attempt": fields.Datetime.now()}
        )
        if self:
            self._send_soon()

    def action_open_record(self):
        """Open what the message is about."""
        self.ensure_one()
        return self.env[self.res_model].browse(self.res_id)._get_records_action()

    # === SENDING === #

    @api.model
    def _send_soon(self):
        """Have the scheduled action run once this transaction is committed."""
        self.env.ref(CRON).sudo()._trigger()

    @api.model
    def _cron_send(self):
        """Send what is due, for a slice of time, and see to what is due later."""
        sent = self._send_due(self.env.cr.commit)
        self._trigger_next()
        self.env["ir.cron"]._commit_progress(sent, remaining=0)

    @api.model
    def _send_due(self, commit=None):
        """Send what is due, each in a transaction of its own, for a slice of time.

        :param commit: see :meth:`_attempt`
        :return: how many were tried
        """
        deadline = time.monotonic() + SLICE_SECONDS
        clients, silent, sent = {}, set(), 0
        try:
            while time.monotonic() < deadline:
                delivery = self._next_due(silent)
                if not delivery:
                    break
                webhook = delivery.webhook_id
                if webhook.id not in clients:
                    clients[webhook.id] = webhook._client()
                if not delivery._attempt(clients[webhook.id], commit):
                    # Others of the same address would fail in the same way now.
                    silent.add(webhook.id)
                if commit:
                    commit()
                sent += 1
        finally:
            for client in clients.values():
                client.close()
        return sent

    @api.model
    def _due(self, silent=()):
        now = fields.Datetime.now()
        return [
            ("state", "=", "waiting"),
            ("webhook_id.state", "=", "on"),
            ("webhook_id.id", "not in", list(silent)),
            "|",
            ("webhook_id.not_before", "=", False),
            ("webhook_id.not_before", "<=", now),
            ("next_attempt", "<=", now),
        ]

    @api.model
    def _next_due(self, silent):
        """The message that waits longest, of addresses that are not silent.

        :param silent: set of ids of webhooks; those without a secret are added
        """
        while True:
            delivery = self.search(self._due(silent), order="next_attempt, id", limit=1)
            if not delivery or delivery.webhook_id._signing_secrets():
                return delivery
            silent.add(delivery.webhook_id.id)

    @api.model
    def _trigger_next(self):
        """Have the scheduled action run again when the next one is due."""
        waiting = self.search(
            [("state", "=", "waiting"), ("webhook_id.state", "=", "on")],
            order="next_attempt, id",
            limit=1,
        )
        if waiting:
            soon = fields.Datetime.now() + timedelta(minutes=1)
            self.env.ref(CRON).sudo()._trigger(max(waiting.next_attempt, soon))

    def _attempt(self, client, commit=None):
        """Send the message once, and note what came of it.

        :param client: :class:`~connectors.webhook_post.WebhookClient`
        :param commit: function that ends the transaction, so that none is open while
            the receiver takes its time; None inside a user's
        :return: whether the receiver has it
        """
        self.ensure_one()
        webhook = self.webhook_id
        body = self.body.encode()
        headers = signed_headers(
            self.message, int(time.time()), body, webhook._signing_secrets()
        )
        if commit:
            commit()
        receipt = client.post(body, headers)
        now = fields.Datetime.now()
        attempts = self.attempts + 1
        values = {
            "attempts": attempts,
            "last_status": receipt.status,
            "last_answer": receipt.text,
        }
        self.env["metered.webhook.attempt"].create(
            {
                "delivery_id": self.id,
                "moment": now,
                "status": receipt.status,
                "answer": receipt.text,
                "milliseconds": round(receipt.seconds * 1000),
            }
        )
        if receipt.delivered:
            self.write(values | {"state": "delivered", "delivered": now})
            webhook._metered_close(
                PROBLEM, self.env._("Messages are being delivered again.")
            )
            return True
        wait = wait_before_next(attempts, random.random(), receipt.retry_after)
        if wait is None or receipt.gone:
            values["state"] = "failed"
        else:
            values["next_attempt"] = now + timedelta(seconds=wait)
        self.write(values)
        if receipt.retry_after:
            webhook.not_before = values.get("next_attempt", False)
        if receipt.gone:
            webhook._turn_off_as_gone()
        elif attempts >= TELL_AFTER:
            self._tell_failure()
        return False

    def _tell_failure(self):
        """Tell a person, once for the address, that its messages do not arrive."""
        webhook = self.webhook_id
        if self.state == "failed":
            follows = self.env._(
                "It will not be sent again automatically. To send it again, click "
                "Send Again under Deliveries."
            )
        else:
            follows = self.env._(
                "The next attempt is on %s.",
                format_datetime(self.env, self.next_attempt),
            )
        webhook._metered_raise(
            PROBLEM,
            self.env._("Webhook messages not delivered"),
            self.env._(
                "%(address)s did not accept %(message)s (%(kind)s) in %(count)s "
                "attempts. Last response: %(answer)s %(follows)s",
                address=webhook.address,
                message=self.message,
                kind=self.kind,
                count=self.attempts,
                answer=self.last_answer,
                follows=follows,
            ),
            counted=False,
        )

    @api.autovacuum
    def _gc_deliveries(self):
        limit = fields.Datetime.now() - timedelta(days=KEPT_DAYS)
        self.search(
            [("create_date", "<", limit), ("state", "!=", "waiting")], limit=10_000
        ).unlink()


class MeteredWebhookAttempt(models.Model):
    """One attempt to deliver a message."""

    _name = "metered.webhook.attempt"
    _description = "Webhook Attempt"
    _inherit = ["metered.guarded"]
    _order = "id desc"

    delivery_id = fields.Many2one(
        "metered.webhook.delivery",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    moment = fields.Datetime(readonly=True, string="Time")
    status = fields.Integer(string="Answer", readonly=True, aggregator=None)
    answer = fields.Char(string="Response", readonly=True)
    milliseconds = fields.Integer(readonly=True, aggregator=None)
