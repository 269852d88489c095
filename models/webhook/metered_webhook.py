# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json
import secrets
from datetime import UTC

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...connectors.addresses import AddressPolicy, parse_networks
from ...connectors.errors import SourceError
from ...connectors.events.charge_request import ACTIONS
from ...connectors.web_address import check_address
from ...connectors.webhook_post import WebhookClient
from ..screen.actions import notification

ADMINISTRATOR = "metered_billing.group_metered_administrator"
#: type of a message -> the field that says whether it is sent
KINDS = {
    "usage.imported": "tells_usage_imported",
    "exception.raised": "tells_exception_raised",
    "sync.failed": "tells_sync_failed",
    "fraud.alarm": "tells_fraud_alarm",
    "invoice.pending": "tells_invoice_pending",
    "invoice.issued": "tells_invoice_issued",
    "invoice.paid": "tells_invoice_paid",
    "invoice.freed": "tells_invoice_freed",
    "alert.triggered": "tells_alert_triggered",
    "entitlement.changed": "tells_entitlement_changed",
    "dispute.opened": "tells_dispute_opened",
    "dispute.decided": "tells_dispute_decided",
}
#: the type that the button Send Test sends, whatever was chosen
TEST = "test"
#: bytes of a message at most, as Standard Webhooks recommends
MOST_BYTES = 20_000
#: what an activity about messages that do not arrive is called
PROBLEM = "webhook"


class MeteredWebhook(models.Model):
    """An address that is told what happens, as Standard Webhooks says.

    A message is written in the transaction of what it tells, so that nothing is told
    that did not happen and nothing that happened is left out; a job sends it.
    """

    _name = "metered.webhook"
    _description = "Webhook"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "metered.allowed.networks",
        "mail.thread",
        "mail.activity.mixin",
    ]
    _order = "name, id"

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    address = fields.Char(
        string="Web Address",
        required=True,
        help="Messages are posted to this address as JSON, for example "
        "https://example.com/hooks.",
    )
    tells_usage_imported = fields.Boolean(
        string="Usage Imported",
        help="An import or a sync is done. Includes its source, file, and counts.",
    )
    tells_exception_raised = fields.Boolean(
        string="Exception Raised",
        help="An import has records that could not be rated. Includes their number by "
        "reason.",
    )
    tells_sync_failed = fields.Boolean(
        string="Sync Failed",
        help="A source could not be reached or did not respond as expected.",
    )
    tells_fraud_alarm = fields.Boolean(
        string="Fraud Alarm",
        help="Calls of a customer look like toll fraud. Includes their number, their "
        "charge, and the reason.",
    )
    tells_invoice_pending = fields.Boolean(
        string="Invoice Pending",
        help="A renewal created an invoice that waits for usage. Its type and version "
        "are sent.",
    )
    tells_invoice_issued = fields.Boolean(
        string="Invoice Issued", help="An invoice with usage was confirmed."
    )
    tells_invoice_paid = fields.Boolean(
        string="Invoice Paid", help="An invoice with usage was paid in full."
    )
    tells_invoice_freed = fields.Boolean(
        string="Invoice Freed",
        help="An invoice or a line was deleted, canceled, or fully credited. Its "
        "usage can be billed again.",
    )
    tells_alert_triggered = fields.Boolean(
        string="Alert or Allowance Threshold Reached",
        help="An amount, a quantity, or the used part of an allowance reached "
        "thresholds of an alert. Includes the current and previous values, the "
        "thresholds, and the time of the values.",
    )
    tells_entitlement_changed = fields.Boolean(
        string="Entitlement Changed",
        help="A cap was reached or lifted, or a new billing period started. Includes "
        "whether usage is allowed.",
    )
    tells_dispute_opened = fields.Boolean(
        string="Dispute Opened",
        help="A customer disputes charges. Includes the customer, the charges, and "
        "the amount.",
    )
    tells_dispute_decided = fields.Boolean(
        string="Dispute Decided",
        help="A dispute was decided or rejected. Includes the approved and credited "
        "amounts.",
    )
    state = fields.Selection(
        [("on", "On"), ("off", "Off")],
        string="Status",
        required=True,
        readonly=True,
        default="on",
        copy=False,
        tracking=True,
    )
    off_reason = fields.Char(string="Reason for Turning Off", readonly=True, copy=False)
    not_before = fields.Datetime(
        readonly=True, copy=False, help="The receiver asked to wait until this time."
    )
    delivery_ids = fields.One2many(
        "metered.webhook.delivery", "webhook_id", string="Deliveries", readonly=True
    )
    waiting_count = fields.Integer(string="Waiting", compute="_compute_counts")
    failed_count = fields.Integer(string="Failed", compute="_compute_counts")
    is_unencrypted = fields.Boolean(compute="_compute_is_unencrypted")

    @api.depends("address")
    def _compute_is_unencrypted(self):
        for webhook in self:
            address = (webhook.address or "").strip().lower()
            webhook.is_unencrypted = address.startswith("http:")

    def _compute_counts(self):
        found = self.env["metered.webhook.delivery"]._read_group(
            [
                ("webhook_id", "in", self.ids),
                ("state", "in", ("waiting", "failed")),
            ],
            ["webhook_id", "state"],
            ["__count"],
        )
        counts = {(webhook.id, state): count for webhook, state, count in found}
        for webhook in self:
            webhook.waiting_count = counts.get((webhook.id, "waiting"), 0)
            webhook.failed_count = counts.get((webhook.id, "failed"), 0)

    @api.constrains("address")
    def _check_address(self):
        for webhook in self:
            try:
                check_address(webhook.address)
            except SourceError:
                raise ValidationError(
                    webhook.env._(
                        "Messages cannot be sent to %s. Enter a web address such as "
                        "https://example.com/hooks, without a user name or password.",
                        webhook.address,
                    )
                ) from None

    def write(self, vals):
        """Forget what an administrator allowed for another server."""
        if "address" in vals and not self.env.user.has_group("base.group_system"):
            for webhook in self.sudo().filtered("allowed_networks"):
                if webhook.address != vals["address"]:
                    webhook.allowed_networks = False
        return super().write(vals)

    # === BUTTONS === #

    def action_turn_on(self):
        """Send messages again, and those that wait."""
        self.check_access("write")
        self._set_as_program({"state": "on", "off_reason": False, "not_before": False})
        if self:
            self.env["metered.webhook.delivery"]._send_soon()

    def action_turn_off(self):
        """Send nothing any more, and keep no messages for later."""
        self.check_access("write")
        self._set_as_program({"state": "off", "off_reason": False})

    def action_send_test(self):
        """Send a message at once, and say what came of it."""
        self.ensure_one()
        self.check_access("write")
        webhook = self.sudo()
        if not webhook._signing_secrets():
            raise UserError(
                self.env._("Click New Secret first. Messages are signed with it.")
            )
        webhook._check_address()
        delivery = webhook._queue(
            TEST, {"message": self.env._("This is a test.")}, self.browse()
        )
        client = webhook._client()
        try:
            delivery._attempt(client)
        finally:
            client.close()
        if delivery.state == "delivered":
            return notification(
                self.env._("The receiver responded with %s.", delivery.last_status),
                kind="success",
            )
        # It was sent for a person who is looking: nobody waits for a second attempt.
        delivery.state = "failed"
        return notification(
            self.env._("The test message was not delivered: %s", delivery.last_answer),
            kind="danger",
        )

    def action_deliveries(self):
        """Open what was sent to this address."""
        self.ensure_one()
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "metered_billing.action_metered_webhook_delivery"
            ),
            "domain": [("webhook_id", "=", self.id)],
            "context": {},
        }

    # === TELLING === #

    @api.model
    def _tell(self, code, events):
        """Write messages about what happens in this transaction.

        :param str code: one of :data:`KINDS`
        :param events: iterable of (company, what is told, the record that it is about),
            which is looked at only where somebody listens; what is told is JSON, with
            amounts as text and times as ISO 8601
        """
        listening = (
            self.sudo()
            .search([("state", "=", "on"), (KINDS[code], "=", True)])
            .grouped("company_id")
        )
        if not listening:
            return
        for company, data, record in events:
            for webhook in listening.get(company, ()):
                webhook._queue(code, data, record)

    def _queue(self, code, data, record):
        """Write one message, to be sent soon.

        :return: ``metered.webhook.delivery``
        """
        self.ensure_one()
        moment = fields.Datetime.now()
        body = _body(code, moment, data, record)
        if len(body.encode()) > MOST_BYTES:
            # It must not stop what it tells. What is left out can be read by the id.
            body = _body(code, moment, {"id": record.id, "truncated": True}, record)
        deliveries = self.env["metered.webhook.delivery"].sudo()
        delivery = deliveries.create(
            {
                "webhook_id": self.id,
                "message": f"msg_{secrets.token_urlsafe(18)}",
                "kind": code,
                "body": body,
                "next_attempt": moment,
                "res_model": record._name if record else False,
                "res_id": record.id,
            }
        )
        deliveries._send_soon()
        return delivery

    def _client(self):
        """What posts to the address, and to no other.

        :return: :class:`WebhookClient`
        """
        self.ensure_one()
        policy = AddressPolicy(parse_networks(self.sudo().allowed_networks))
        return WebhookClient(self.address, policy)

    def _turn_off_as_gone(self):
        """Send nothing any more: the receiver said that the address is gone."""
        self.ensure_one()
        reason = self.env._(
            "The receiver responded with 410, which means it does "
            "not want "
            "further messages."
        )
        self._set_as_program({"state": "off", "off_reason": reason})
        self._metered_raise(
            PROBLEM,
            self.env._("Webhook turned off"),
            self.env._(
                "%(address)s responded with 410. Check the address, then turn the "
                "webhook on again, or delete it.",
                address=self.address,
            ),
            counted=False,
        )


def _body(code, moment, data, record):
    """A message as it is sent.

    About an invoice it also has what programs for BillForward look at.

    :param moment: of UTC, without a zone
    :param record: what it is about
    :return: text of JSON
    """
    message = {"type": code, "timestamp": moment.replace(tzinfo=UTC).isoformat()}
    if code in ACTIONS:
        domain, action = ACTIONS[code]
        message |= {
            "domain": domain,
            "action": action,
            "entityID": f"INV-{record.id}",
        }
    return json.dumps({**message, "data": data}, ensure_ascii=False)
