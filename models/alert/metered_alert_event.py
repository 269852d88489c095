# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date, format_datetime

from ...rating.exact import exact, exact_text, number
from ..guard.unchecked_many2one import UncheckedMany2one


class MeteredAlertEvent(models.Model):
    """That a period of a subscription reached a threshold: told once, kept for good.

    What was told stays told, also when the figure falls again.
    """

    _name = "metered.alert.event"
    _description = "Triggered Alert"
    _inherit = ["metered.guarded"]
    _order = "id desc"

    alert_id = fields.Many2one(
        "metered.alert", required=True, readonly=True, ondelete="cascade"
    )
    threshold_id = fields.Many2one(
        "metered.alert.threshold",
        string="Threshold Line",
        readonly=True,
        ondelete="set null",
        index=True,
    )
    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    subscription_id = fields.Many2one(
        "sale.subscription", required=True, readonly=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    date_from = fields.Date(string="From", required=True, readonly=True)
    date_to = fields.Date(string="Next Period From", required=True, readonly=True)
    level = fields.Float(
        string="Threshold", digits=0, required=True, readonly=True, aggregator=None
    )
    figure = fields.Float(
        string="Value", digits=0, required=True, readonly=True, aggregator=None
    )
    previous = fields.Float(
        string="Previous Value",
        digits=0,
        readonly=True,
        aggregator=None,
        help="Value at the previous check.",
    )
    as_of = fields.Datetime(
        readonly=True,
        help="Time when the newest records that are included were stored.",
    )
    caps = fields.Boolean(string="Cap", readonly=True)
    level_text = fields.Char(string="Reached", compute="_compute_texts")
    figure_text = fields.Char(string="Value at That Time", compute="_compute_texts")
    as_of_text = fields.Char(compute="_compute_texts")
    period_text = fields.Char(string="Billing Period", compute="_compute_texts")

    _once_uniq = models.UniqueIndex("(alert_id, subscription_id, date_from, level)")
    _subscription_idx = models.Index("(subscription_id, id)")

    @api.depends("level", "figure", "as_of", "alert_id", "date_from", "date_to")
    @api.depends_context("lang")
    def _compute_texts(self):
        for event in self:
            alert = event.alert_id
            event.level_text = alert._figure_text(event.level)
            event.figure_text = alert._figure_text(event.figure)
            zone = event.company_id._metered_timezone()
            event.as_of_text = format_datetime(
                event.env, event.as_of, tz=zone, dt_format="short"
            )
            last = fields.Date.subtract(event.date_to, days=1)
            event.period_text = (
                f"{format_date(event.env, event.date_from)} – "
                f"{format_date(event.env, last)}"
            )

    @api.depends("alert_id", "subscription_id", "level")
    def _compute_display_name(self):
        for event in self:
            event.display_name = f"{event.alert_id.name}: {event.level_text}"

    # === TRIGGERING === #

    @api.model
    def _trigger(self, state, before, reached):
        """Note that a period reached thresholds, and tell who is to be told, once.

        :param state: ``metered.alert.state``, locked
        :param before: Fraction, its figure at the check before
        :param reached: list of (``rating.thresholds.Threshold``, level), not empty
        :return: ``metered.alert.event``
        """
        alert, subscription = state.alert_id, state.subscription_id
        lines = {line.id: line for line in alert.threshold_ids}
        events = self.create(
            [
                {
                    "alert_id": alert.id,
                    "threshold_id": threshold.key,
                    "company_id": state.company_id.id,
                    "subscription_id": subscription.id,
                    "partner_id": subscription.partner_id.commercial_partner_id.id,
                    "date_from": state.date_from,
                    "date_to": state.date_to,
                    "level": float(level),
                    "figure": state.figure,
                    "previous": float(before),
                    "as_of": state.as_of,
                    "caps": lines[threshold.key].caps,
                }
                for threshold, level in reached
            ]
        )
        # Of a period whose renewal is overdue nothing is to be stopped any more.
        if any(events.mapped("caps")) and not state.is_capped and state._is_running():
            state._cap()
        events._tell()
        return events

    def _tell(self):
        """Tell about thresholds that an alert reached at once; it names the highest."""
        highest = self.sorted("level")[-1:]
        alert = highest.alert_id
        self.env["metered.webhook"]._tell(
            "alert.triggered", [(highest.company_id, self._told(), highest)]
        )
        if alert.user_id:
            in_words = highest.with_context(lang=alert.user_id.lang)
            highest.subscription_id._metered_raise(
                f"alert-{alert.id}",
                in_words.display_name,
                in_words._sentence(),
                user=alert.user_id,
                counted=False,
            )
        highest._send_mails()

    def _sentence(self):
        """What happened, in the language of the context."""
        self.ensure_one()
        values = {
            "subscription": self.subscription_id.display_name,
            "customer": self.partner_id.display_name,
            "figure": self.figure_text,
            "level": self.level_text,
            "period": self.period_text,
            "moment": self.as_of_text,
        }
        if self.caps:
            return self.env._(
                "%(customer)s, %(subscription)s: %(figure)s in the period %(period)s, "
                "as of %(moment)s. The threshold %(level)s is a cap: usage is not "
                "allowed until the next period starts or someone clicks Lift Cap.",
                **values,
            )
        return self.env._(
            "%(customer)s, %(subscription)s: %(figure)s in the period %(period)s, "
            "as of %(moment)s. The threshold is %(level)s.",
            **values,
        )

    def _send_mails(self):
        """Send each contact a mail in its language."""
        self.ensure_one()
        alert, subscription = self.alert_id, self.subscription_id
        contacts = alert.contact_ids
        if alert.mails_customer:
            contacts |= subscription.partner_invoice_id or subscription.partner_id
        template = self.env.ref("metered_billing.mail_template_alert", False)
        for contact in alert._contacts_to_mail(contacts) if template else ():
            # Its own language: a template has one for each record, not for each reader.
            try:
                with self.env.cr.savepoint():
                    self._send_mail(template, contact)
            except UserError as error:
                # What somebody wrote into the template must not stop what it tells.
                alert._metered_raise(
                    "mail",
                    self.env._("Alert email not sent"),
                    self.env._(
                        "The email to %(contact)s could not be created: %(error)s "
                        "Correct the email template Usage Alert.",
                        contact=contact.display_name,
                        error=error,
                    ),
                )

    def _send_mail(self, template, contact):
        template.sudo().with_context(lang=contact.lang or self.env.lang).send_mail(
            self.id,
            email_values={
                "recipient_ids": [Command.set(contact.ids)],
                "email_to": False,
            },
            email_layout_xmlid="mail.mail_notification_light",
        )

    # === TOLD TO PROGRAMS === #

    def _told(self):
        """What other programs are told of thresholds that were reached at once.

        :return: dict of JSON
        """
        highest = self.sorted("level")[-1:]
        alert, subscription = highest.alert_id, highest.subscription_id
        return {
            "alert": {"id": alert.id, "name": alert.name, "type": alert.basis},
            **subscription._metered_told_whose(),
            "current_value": exact_number(highest.figure),
            "previous_value": exact_number(highest.previous),
            "unit": alert.unit or None,
            "crossed_thresholds": [
                {
                    "value": exact_number(event.level),
                    "recurring": bool(event.threshold_id.step),
                    "cap": event.caps,
                }
                for event in self.sorted("level")
            ],
            "period": {
                "from": highest.date_from.isoformat(),
                "to": highest.date_to.isoformat(),
            },
            "as_of": utc_text(highest.as_of),
            "triggered_at": utc_text(highest.create_date),
        }


def exact_number(value):
    """A stored figure as text."""
    return exact_text(exact(number(value)))


def utc_text(moment):
    """A stored moment as ISO 8601, or None."""
    return moment and moment.replace(tzinfo=UTC, microsecond=0).isoformat() or None
