# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import models
from odoo.exceptions import UserError

from ...connectors.harmless import shown
from ...rating.exact import exact_text, number
from .metered_dispute import NEW

#: lines that other programs are told of; the rest is read by the id
MOST_TOLD = 50
#: characters of a text that somebody else wrote
MOST_CHARACTERS = 500


class MeteredDispute(models.Model):
    """What customers and other programs are told of disputes."""

    _inherit = "metered.dispute"

    def _tell_opened(self):
        """Tell that a dispute was opened."""
        self.ensure_one()
        if self.channel == "portal":
            self._metered_raise(
                NEW,
                self.env._("New dispute"),
                self.env._(
                    "%(customer)s disputes charges of %(amount)s.",
                    customer=self.partner_id.display_name,
                    amount=self.currency_id.format(self.disputed),
                ),
            )
        self._mail("mail_template_dispute_received")
        self.env["metered.webhook"]._tell(
            "dispute.opened", [(self.company_id, self._told(), self)]
        )

    def _tell_decided(self):
        """Tell what was decided, to the customer with the reasons."""
        self.ensure_one()
        files = self.env["ir.attachment"].sudo()
        if self.state == "resolved":
            files = self._explanations()
        if files:
            dispute = self.sudo()
            lang = self._mail_contact().lang or self.env.lang
            dispute.message_post(
                body=dispute.with_context(lang=lang).env._(
                    "How the charges that are not credited were calculated."
                ),
                attachment_ids=files.ids,
                author_id=self.env.user.partner_id.id,
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )
        self._mail("mail_template_dispute_decided", files)
        self.env["metered.webhook"]._tell(
            "dispute.decided", [(self.company_id, self._told(), self)]
        )

    def _told(self):
        """What other programs are told of a dispute.

        :return: dict of JSON; amounts as text
        """
        self.ensure_one()
        dispute = self.sudo()
        return {
            "id": dispute.id,
            "number": dispute.name,
            "state": dispute.state,
            "reason": dispute.reason,
            "channel": dispute.channel,
            "customer": {
                "id": dispute.partner_id.id,
                "name": shown(dispute.partner_id.display_name, MOST_CHARACTERS),
                "reference": dispute.partner_id.ref or None,
            },
            "currency": dispute.currency_id.name,
            **dispute._amounts_text(),
            "due_date": dispute.due_date.isoformat(),
            "invoices": dispute.line_ids.invoice_line_id.move_id.mapped("name"),
            "credit_notes": dispute.line_ids.credit_id.mapped("name"),
            "lines": [
                {
                    "record": line.cdr_id or None,
                    "disputed": exact_text(number(line.charge)),
                    "approved": exact_text(number(line.approved)),
                    "outcome": line.outcome or None,
                }
                for line in dispute.line_ids[:MOST_TOLD]
            ],
        }

    def _ask_customer(self, text):
        """Ask the customer something, in the thread that both read."""
        self.ensure_one()
        self.sudo().message_post(
            body=text,
            author_id=self.env.user.partner_id.id,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            partner_ids=self._mail_contact().ids,
        )

    # === MAIL === #

    def _mail_contact(self):
        """Who gets mail about a dispute."""
        self.ensure_one()
        dispute = self.sudo()
        contact, claimant = dispute.contact_id, dispute.claimant_id
        # A contact may have left the customer since.
        if contact.active and contact.commercial_partner_id == claimant:
            claimant = contact if contact.email else claimant
        return claimant if claimant.email else dispute.partner_id

    def _credit_names(self):
        """The numbers of the credit notes, for the customer."""
        self.ensure_one()
        return ", ".join(self.sudo().line_ids.credit_id.mapped("name"))

    def _mail(self, template, files=()):
        """Send the contact a mail in its language.

        :param files: ``ir.attachment`` that go with it
        """
        self.ensure_one()
        dispute = self.sudo()
        template = self.env.ref(f"metered_billing.{template}", False)
        contact = dispute._mail_contact()
        if not template or not contact.email:
            return
        try:
            with self.env.cr.savepoint():
                template.sudo().with_context(
                    lang=contact.lang or self.env.lang
                ).send_mail(
                    dispute.id,
                    email_layout_xmlid="mail.mail_notification_light",
                    email_values={"attachment_ids": files.ids} if files else None,
                )
        except UserError as error:
            # What somebody wrote into the template must not stop what it tells.
            dispute._message_log(
                body=self.env._("The email could not be created: %s", error)
            )

    def _explanations(self):
        """How the charges came about that are refused, as a file for the customer.

        :return: ``ir.attachment``, empty where nothing was refused
        """
        self.ensure_one()
        files = self.env["ir.attachment"].sudo()
        lang = self._mail_contact().lang or self.env.lang
        made = self.sudo().with_context(lang=lang)
        parts = []
        for line in made.line_ids.filtered(lambda line: line.outcome == "refuse"):
            told = line._explained()
            if told:
                parts.append(told)
        if not parts:
            return files
        name = made.env._("Explanation of %s", self.name)
        return files.create(
            {
                "name": f"{name.replace('/', '-')}.html",
                "raw": (
                    Markup(
                        '<!DOCTYPE html><html><head><meta charset="utf-8"/>'
                        "<title>%s</title></head><body><h1>%s</h1>%s</body></html>"
                    )
                    % (name, name, Markup().join(parts))
                ).encode(),
                "mimetype": "text/html",
                "res_model": self._name,
                "res_id": self.id,
            }
        )


class MeteredDisputeLine(models.Model):
    _inherit = "metered.dispute.line"

    def _outcome_text(self):
        """What was decided about it, for the customer."""
        self.ensure_one()
        if self.outcome == "credit":
            return self.env._(
                "Credited: %s",
                f"{exact_text(number(self.approved))} {self.currency_id.name}",
            )
        if self.outcome == "rerate":
            return self.env._("Calculated again")
        return self.env._("Not credited") if self.outcome else ""

    def _explained(self):
        """How the charge came about, as the customer may read it: no costs, no names.

        :return: ``Markup``; empty where the record is no call, or not stored anymore
        """
        self.ensure_one()
        cdr = self.env["metered.cdr"].browse(self.cdr_id).exists()
        rows = self.env["metered.portal"]._explain_call(cdr) if cdr else []
        if not rows:
            return Markup()
        dispute = self.dispute_id
        start = dispute._portal_start(self.start_time, dispute._portal_zone(), True)
        return Markup("<h2>%s</h2><p>%s</p><table>%s</table>") % (
            f"{self.number or self.call_type}, {start}",
            self.answer or "",
            Markup().join(
                Markup("<tr><th align='left'>%s</th><td>%s</td><td>%s</td></tr>")
                % (row["title"], row["text"], row["amount"])
                for row in rows
            ),
        )
