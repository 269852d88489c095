# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tools import format_date, format_datetime
from odoo.tools.mimetypes import guess_mimetype
from odoo.tools.misc import formatLang

from .metered_dispute import REASONS
from .metered_dispute_open import MOST_LINES, MOST_TEXT

#: disputes that a contact opens in a day
MOST_A_DAY = 20
#: messages that a contact writes in an hour
MOST_AN_HOUR = 30
MOST_FILES = 5
MOST_BYTES = 5_000_000
#: of all files that a contact sends in a day
MOST_BYTES_A_DAY = 100_000_000
#: what a file may be, by its content
FILE_TYPES = ("application/pdf", "image/png", "image/jpeg", "text/plain", "text/csv")
#: and by its name: a script is a text, too, and runs where somebody opens it
ENDINGS = (".pdf", ".png", ".jpg", ".jpeg", ".txt", ".csv")


class MeteredDispute(models.Model):
    """What customers see of their disputes in the portal, and do there.

    Portal users have no right on disputes, nor on calls. What is theirs is found here,
    with all rights and a domain of its own, and handed out as plain values.
    """

    _inherit = "metered.dispute"

    # === WHO === #

    @api.model
    def _portal_who(self):
        """The customer and the contact who asks.

        :return: pair of ``res.partner``, with all rights
        :raises AccessError: for whoever may not dispute
        """
        user = self.env.user
        customer = self.env["metered.portal"]._customer(user)
        contact = user.partner_id.sudo()
        if not customer or not contact._metered_portal_may("disputes"):
            raise AccessError(self.env._("You cannot dispute charges here."))
        return customer, contact

    @api.model
    def _portal_domain(self, customer):
        companies = self.env["metered.portal"]._companies(self.env.user)
        return [
            ("company_id", "in", companies.ids),
            "|",
            ("partner_id", "=", customer.id),
            # Whose charges another company pays: as it was when it was raised.
            ("claimant_id", "=", customer.id),
        ]

    @api.model
    def _portal_find(self, dispute_id):
        """A dispute of the customer who asks, with all rights.

        :return: (the dispute, the contact)
        :raises MissingError: there is none, or it is another customer's
        """
        customer, contact = self._portal_who()
        domain = [("id", "=", dispute_id), *self._portal_domain(customer)]
        dispute = self.sudo().search(domain)
        if not dispute:
            raise MissingError(self.env._("This dispute does not exist."))
        return dispute, contact

    # === SHOWN === #

    @api.model
    def _portal_count(self):
        """How many disputes the customer who asks has, at most one."""
        try:
            customer, _contact = self._portal_who()
        except AccessError:
            return 0
        return self.sudo().search_count(self._portal_domain(customer), limit=1)

    @api.model
    def _portal_list(self, offset, limit):
        """The customer's disputes, the newest first.

        :return: (how many there are, list of dicts)
        """
        customer, _contact = self._portal_who()
        domain = self._portal_domain(customer)
        found = self.sudo().search(
            domain, order="received desc, id desc", offset=offset, limit=limit
        )
        return self.sudo().search_count(domain), [one._portal_head() for one in found]

    def _portal_head(self):
        """What the list shows of a dispute: dict of texts."""
        self.ensure_one()
        selections = {
            name: dict(self._fields[name]._description_selection(self.env))
            for name in ("state", "reason")
        }
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "is_open": self.is_open,
            "state_text": selections["state"][self.state],
            "reason": selections["reason"][self.reason],
            "received": format_date(
                self.env, self._company_today(self.company_id, self.received)
            ),
            "due": format_date(self.env, self.due_date) if self.is_open else "",
            "disputed": self._portal_money(self.disputed),
            "credited": self._portal_money(self.credited) if self.credited else "",
        }

    def _portal_money(self, amount):
        return formatLang(self.env, amount, currency_obj=self.currency_id)

    @api.model
    def _portal_page(self, dispute_id):
        """A dispute with its charges and what was written: dict of texts."""
        dispute, contact = self._portal_find(dispute_id)
        decided = dispute.state in ("resolved", "closed")
        sees = dispute._portal_sees(contact)
        return {
            **dispute._portal_head(),
            "sees": sees,
            "text": dispute.text or "",
            "answer": dispute.answer or "",
            "credits": dispute._credit_names() if decided else "",
            "lines": [line._portal_line(sees, decided) for line in dispute.line_ids],
            "messages": dispute._portal_messages(contact),
        }

    def _portal_sees(self, contact):
        """Whether a contact may see the calls that are disputed, and files about them.

        Who may not see calls sees those that they disputed themselves.
        """
        self.ensure_one()
        return self.contact_id == contact or contact._metered_portal_may("calls")

    def _portal_zone(self):
        """The time zone of the texts for the customer."""
        self.ensure_one()
        owner = self.claimant_id or self.partner_id
        return self.env["metered.portal"]._zone(owner, self.company_id)

    def _portal_thread(self):
        """The messages that customers read, the oldest first."""
        self.ensure_one()
        return self.env["mail.message"].search(
            [
                ("model", "=", self._name),
                ("res_id", "=", self.id),
                ("message_type", "in", ("comment", "email")),
                ("subtype_id", "=", self.env.ref("mail.mt_comment").id),
                ("is_internal", "=", False),
            ],
            order="id",
        )

    def _portal_files(self, message, contact):
        """Files of a message that a contact may have: they may say who called whom."""
        own = message.author_id == contact
        return message.attachment_ids if own or self._portal_sees(contact) else ()

    def _portal_messages(self, contact):
        customers, zone = self.partner_id | self.claimant_id, self._portal_zone()
        return [
            {
                "author": message.author_id.name or message.email_from or "",
                "is_own": message.author_id.commercial_partner_id in customers,
                "time": format_datetime(self.env, message.date, tz=zone),
                "body": message.body,
                "files": [
                    {"id": one.id, "name": one.name}
                    for one in self._portal_files(message, contact)
                ],
                "has_others": bool(message.attachment_ids)
                and not self._portal_files(message, contact),
            }
            for message in self._portal_thread()
        ]

    @api.model
    def _portal_file(self, dispute_id, attachment_id):
        """A file of the thread of a dispute, with all rights.

        :raises MissingError: it is not there, or not the customer's to read
        """
        dispute, contact = self._portal_find(dispute_id)
        for message in dispute._portal_thread():
            for file in dispute._portal_files(message, contact):
                if file.id == attachment_id:
                    return file
        raise MissingError(self.env._("This file does not exist."))

    # === OPENED === #

    @api.model
    def _portal_charges(self, cdr_ids, usage_ids):
        """The charges of the customer who asks, as a dispute would keep them.

        :return: (ids of records, ids of usage, list of dicts)
        :raises UserError: one is not the customer's, or not to be seen
        """
        customer, contact = self._portal_who()
        may_calls = contact._metered_portal_may("calls")
        if not cdr_ids and not usage_ids:
            raise UserError(self.env._("Select the charges that you want to question."))
        if len(cdr_ids) + len(usage_ids) > MOST_LINES:
            raise UserError(self.env._("Select at most %s charges.", MOST_LINES))
        disputes = self.sudo()
        cdrs = self._portal_calls(cdr_ids) if may_calls else self.env["metered.cdr"]
        usage = self._portal_usage(usage_ids)
        if len(cdrs) != len(cdr_ids) or len(usage) != len(usage_ids):
            raise UserError(self.env._("Some of these charges cannot be disputed."))
        disputed = disputes._find_disputed(cdrs.ids, usage.ids)
        payer = disputes._check_disputed(contact, disputed, "portal")
        currency = disputes._currency_of(disputed)
        shown = disputes._snapshots(disputed, payer, currency)
        portal = self.env["metered.portal"]
        zone = portal._zone(customer, disputed[0].source.company_id)
        return (
            cdrs.ids,
            usage.ids,
            [
                {
                    "start": self._portal_start(
                        one["start_time"], zone, bool(one.get("cdr_id"))
                    ),
                    "number": one["number"],
                    "destination": one.get("destination") or "",
                    "charge": portal._charge_text(one["charge"], currency),
                }
                for one in shown
            ],
        )

    @api.model
    def _portal_start(self, start, zone, is_moment):
        """When something was, as the list of calls says it.

        :param start: datetime in UTC
        :param is_moment: False for a day
        """
        if is_moment:
            return format_datetime(self.env, start, tz=zone, dt_format="medium")
        local = start.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        return format_date(self.env, local.date())

    @api.model
    def _portal_calls(self, ids):
        """Those of some calls that the customer who asks gets to see."""
        portal = self.env["metered.portal"]
        cdrs = portal._calls_of(self.env.user, ids)
        seen = {call["id"] for call in portal._masked_calls(cdrs)}
        return cdrs.filtered(lambda cdr: cdr.id in seen)

    @api.model
    def _portal_usage(self, ids):
        """Those rows of some usage that are the customer's who asks."""
        families = dict(self.env["metered.portal"]._families(self.env.user))
        usage = self.env["metered.usage"].sudo().search([("id", "in", ids)])
        return usage.filtered(
            lambda row: row.partner_id in families.get(row.company_id, ())
        )

    @api.model
    def _portal_open(self, cdr_ids, usage_ids, reason, text, files):
        """Open a dispute of the customer who asks.

        :param files: list of pairs (name, bytes)
        :return: its id
        :raises UserError: saying why not
        """
        _customer, contact = self._portal_who()
        cdr_ids, usage_ids, _shown = self._portal_charges(cdr_ids, usage_ids)
        if reason not in dict(REASONS):
            raise UserError(self.env._("Choose a reason."))
        text = self._portal_text(text)
        self._check_files(files)
        since = fields.Datetime.now() - timedelta(days=1)
        domain = [("contact_id", "=", contact.id), ("received", ">", since)]
        if self.sudo().search_count(domain, limit=MOST_A_DAY) >= MOST_A_DAY:
            raise UserError(
                self.env._(
                    "You have opened too many disputes today. Try again tomorrow, or "
                    "contact us."
                )
            )
        return self._dispute_calls(
            contact, cdr_ids, usage_ids, reason, text, "portal", files
        ).id

    @api.model
    def _portal_text(self, text):
        """What a customer wrote, if it is something.

        :raises UserError: it is nothing, or too much
        """
        text = (text or "").replace("\0", "").strip()
        if not text:
            raise UserError(self.env._("Tell us what is wrong."))
        if len(text) > MOST_TEXT:
            raise UserError(self.env._("Enter at most %s characters.", MOST_TEXT))
        return text

    @api.model
    def _check_files(self, files):
        """:raises UserError: they are too many, too large, or of another type"""
        if not files:
            return
        if len(files) > MOST_FILES:
            raise UserError(self.env._("Attach at most %s files.", MOST_FILES))
        for name, content in files:
            if len(content) > MOST_BYTES:
                raise UserError(self.env._("%s is larger than 5 MB.", name))
            if (
                not name.lower().endswith(ENDINGS)
                or guess_mimetype(content) not in FILE_TYPES
            ):
                raise UserError(
                    self.env._(
                        "%s cannot be attached. Attach a PDF, an image or a text.", name
                    )
                )
        since = fields.Datetime.now() - timedelta(days=1)
        domain = [
            ("res_model", "=", self._name),
            ("create_uid", "=", self.env.uid),
            ("create_date", ">", since),
        ]
        attachments = self.env["ir.attachment"].sudo()
        [[sent]] = attachments._read_group(domain, [], ["file_size:sum"])
        if (sent or 0) + sum(len(content) for _n, content in files) > MOST_BYTES_A_DAY:
            raise UserError(
                self.env._("You have sent too many files today. Try again tomorrow.")
            )

    @api.model
    def _portal_write(self, dispute_id, text, files):
        """Add what the customer writes to a dispute."""
        dispute, contact = self._portal_find(dispute_id)
        if not dispute.is_open:
            raise UserError(self.env._("The dispute is no longer open."))
        text = self._portal_text(text)
        self._check_files(files)
        messages = self.env["mail.message"].sudo()
        since = fields.Datetime.now() - timedelta(hours=1)
        written = messages.search_count(
            [
                ("model", "=", self._name),
                ("author_id", "=", contact.id),
                ("date", ">", since),
            ],
            limit=MOST_AN_HOUR,
        )
        if written >= MOST_AN_HOUR:
            raise UserError(
                self.env._("You have sent too many messages. Try again later.")
            )
        dispute.message_post(
            body=text,
            attachments=files,
            author_id=contact.id,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )
        if dispute.state == "pending":
            dispute._move_to("in_progress", text, who=contact)


class MeteredDisputeLine(models.Model):
    _inherit = "metered.dispute.line"

    def _portal_line(self, sees, decided):
        """What a customer sees of a charge: dict of texts.

        :param sees: whether they may see the call, and not only its sum
        :param decided: whether the decision is final
        """
        self.ensure_one()
        return {
            "start": self.dispute_id._portal_start(
                self.start_time, self.dispute_id._portal_zone(), sees and self.cdr_id
            ),
            "number": (self.number or "") if sees else "",
            "what": (sees and self.destination) or self.call_type or "",
            "charge": self.env["metered.portal"]._charge_text(
                self.charge, self.currency_id
            ),
            "outcome": self._outcome_text() if decided else "",
            "answer": (self.answer or "") if decided else "",
        }
