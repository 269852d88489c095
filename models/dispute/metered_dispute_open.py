# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from odoo import Command, api, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ...rating.exact import number
from ...statement import Masking

#: charges of one dispute
MOST_LINES = 500
#: characters of what a customer writes
MOST_TEXT = 5_000


@dataclass(frozen=True, slots=True)
class Disputed:
    """A record, or the usage of a day, that is disputed."""

    cdr: models.BaseModel
    usage: models.BaseModel
    partner: models.BaseModel
    #: the invoice line that charges it, of a posted invoice; may be empty
    billed: models.BaseModel

    @property
    def source(self):
        """The record or usage itself."""
        return self.cdr or self.usage


class MeteredDispute(models.Model):
    """Opening a dispute: whose charges they are, and what the customer saw of them."""

    _inherit = "metered.dispute"

    @api.model
    def _dispute_calls(
        self, partner, cdr_ids, usage_ids, reason, text, channel, attachments=()
    ):
        """Open a dispute about records, or whole rows of usage.

        The caller has checked that who asks may see them; that they are the
        customer's is checked here once more.

        :param partner: ``res.partner`` who disputes: the customer or a contact
        :param cdr_ids: ids of records
        :param usage_ids: ids of usage, as a whole
        :param reason: one of :data:`REASONS`
        :param text: what the customer says, may be empty
        :param channel: one of :data:`CHANNELS`
        :param attachments: pairs (file name, bytes)
        :return: the dispute
        :raises UserError: saying why it cannot be disputed
        """
        self = self.sudo()
        found = self._find_disputed(cdr_ids, usage_ids)
        customer = self._check_disputed(partner, found, channel)
        company = found[0].source.company_id
        currency = self._currency_of(found)
        text = (text or "").strip()[:MOST_TEXT]
        today = self._company_today(company)
        lines = map(Command.create, self._snapshots(found, customer, currency))
        dispute = self.with_company(company).create(
            {
                "name": self._next_number(company),
                "company_id": company.id,
                "partner_id": customer.id,
                "contact_id": partner.id,
                "claimant_id": partner.commercial_partner_id.id,
                "currency_id": currency.id,
                "channel": channel,
                "reason": reason,
                "text": text,
                "user_id": company.metered_responsible_id.id,
                "due_date": self._due_date(company, today),
                "line_ids": [*lines],
            }
        )
        dispute._lock_rows()
        portal = partner if channel == "portal" else None
        dispute._log(text, who=portal, state_from="")
        dispute._stop_reminders()
        if attachments:
            dispute.message_post(
                body=text,
                attachments=list(attachments),
                author_id=partner.id,
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )
        dispute._tell_opened()
        return dispute

    # === WHAT IS DISPUTED === #

    def _find_disputed(self, cdr_ids, usage_ids):
        """The records and usage that are disputed, each once.

        :return: list of :class:`Disputed`
        :raises UserError: one is not there, or there are too many
        """
        cdrs = self.env["metered.cdr"].browse(dict.fromkeys(cdr_ids)).exists()
        usages = self.env["metered.usage"].browse(dict.fromkeys(usage_ids)).exists()
        if len(cdrs) + len(usages) != len({*cdr_ids}) + len({*usage_ids}):
            raise UserError(self.env._("Some of these charges are no longer stored."))
        if not cdrs and not usages:
            raise UserError(self.env._("Select the disputed charges."))
        if len(cdrs) + len(usages) > MOST_LINES:
            raise UserError(
                self.env._(
                    "A dispute has at most %s charges. Open another one for the rest.",
                    MOST_LINES,
                )
            )

        def billed(usage):
            line = usage.invoice_line_id
            return line if line.parent_state == "posted" else line.browse()

        none = self.env["metered.cdr"]
        found = [
            Disputed(cdr, cdr.usage_id, cdr.partner_id, billed(cdr.usage_id))
            for cdr in cdrs.sorted(lambda cdr: (cdr.start_time, cdr.id))
        ]
        return found + [
            Disputed(none, usage, usage.partner_id, billed(usage))
            for usage in usages.sorted(lambda usage: (usage.day, usage.id))
        ]

    def _check_disputed(self, partner, found, channel):
        """Refuse what this customer cannot dispute.

        :return: ``res.partner`` who pays
        :raises UserError: saying why
        """
        family = partner.commercial_partner_id
        payers, expected = set(), {}
        for one in found:
            owner = one.partner.commercial_partner_id
            payer = one.billed.move_id.commercial_partner_id
            if not payer:
                key = owner, one.source.company_id
                if key not in expected:
                    expected[key] = owner.with_company(key[1])._metered_payer()
                payer = expected[key]
            if family not in (owner, payer):
                raise UserError(
                    self.env._("Some of these charges belong to another customer.")
                )
            payers.add(payer)
        if len(payers) > 1 or len({one.source.company_id for one in found}) > 1:
            raise UserError(
                self.env._(
                    "Select charges of one customer and one company. Open another "
                    "dispute for the rest."
                )
            )
        for one in found:
            if one.cdr and one.cdr.state != "rated":
                raise UserError(
                    self.env._("Some of these records are not charged at all.")
                )
            if one.cdr and one.cdr.meter_id.kind != "call":
                raise UserError(
                    self.env._(
                        "Usage other than calls is priced for a whole billing period. "
                        "Dispute it under Usage instead of record by record."
                    )
                )
        self._check_not_disputed(
            [one.cdr.id for one in found if one.cdr],
            [one.usage.id for one in found if one.usage],
            [one.usage.id for one in found if not one.cdr],
        )
        if channel == "portal":
            self._check_deadline(found)
        return payers.pop()

    @api.model
    def _check_not_disputed(self, cdr_ids, usage_ids, whole_ids):
        """Refuse what is under an open dispute.

        :param cdr_ids: records
        :param usage_ids: the usage that these are part of, and that is disputed
        :param whole_ids: usage that is disputed as a whole
        """
        self.env["metered.dispute.line"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT dispute.name FROM metered_dispute_line line
                  JOIN metered_dispute dispute ON dispute.id = line.dispute_id
                 WHERE line.is_open AND (
                       line.cdr_id = ANY(%(cdrs)s)
                       OR (coalesce(line.cdr_id, 0) = 0
                           AND line.usage_id = ANY(%(usage)s))
                       OR line.usage_id = ANY(%(whole)s))
                 ORDER BY 1
                """,
                cdrs=cdr_ids,
                usage=usage_ids,
                whole=whole_ids,
            )
        )
        if rows:
            raise UserError(
                self.env._(
                    "Some of these charges are already disputed: %s.",
                    ", ".join(name for (name,) in rows),
                )
            )

    def _check_deadline(self, found):
        """:raises UserError: an invoice is older than its charges can be disputed"""
        for move in self.env["account.move"].union(
            *(one.billed.move_id for one in found)
        ):
            days = move.company_id.metered_dispute_deadline
            last = move.invoice_date + timedelta(days=days)
            if days and self._company_today(move.company_id) > last:
                raise UserError(
                    self.env._(
                        "%(invoice)s could be disputed until %(day)s. Contact us if "
                        "you still disagree with it.",
                        invoice=move.name,
                        day=format_date(self.env, last),
                    )
                )

    def _currency_of(self, found):
        """The currency in which they are, or will be, invoiced.

        :raises UserError: there are several
        """
        currencies = {one.billed.currency_id or one.source.currency_id for one in found}
        if len(currencies) > 1:
            raise UserError(
                self.env._(
                    "These charges are in several currencies: %s. Open a dispute for "
                    "each.",
                    ", ".join(sorted(one.name for one in currencies)),
                )
            )
        return currencies.pop()

    # === SNAPSHOT === #

    def _snapshots(self, found, customer, currency):
        """Values of lines: charges as the customer saw them.

        :param found: list of :class:`Disputed`
        :return: list of dicts
        """
        maskings = {}
        for one in found:
            if one.usage not in maskings:
                maskings[one.usage] = self._masking_of(one, customer)
        return [
            self._snapshot(one, customer, currency, maskings[one.usage])
            for one in found
        ]

    def _masking_of(self, one, customer):
        """How numbers are shown of the usage that one of them is of."""
        company = one.source.company_id
        statement = one.billed.move_id.metered_statement_ids.filtered("is_current")
        if statement.masking:
            return Masking.from_json(statement.masking)
        # As the list of calls: what was declared holds for later periods only.
        payer = customer.with_company(company)
        begin = self.env["metered.portal"]._first_day(payer, one.usage)
        return payer._metered_masking(company, begin)

    def _snapshot(self, one, customer, currency, masking):
        statement = one.billed.move_id.metered_statement_ids.filtered("is_current")
        made = one.source.with_context(lang=customer.lang or self.env.lang)
        values = {
            "usage_id": one.usage.id,
            "call_type": made.meter_id.name,
            "charge": float(self._charge_of(one, currency)),
            "invoice_line_id": one.billed.id,
            "statement_id": statement.id,
            "quantity": one.source.quantity,
        }
        if not one.cdr:
            zone = self.env["metered.portal"]._zone(
                one.partner.commercial_partner_id, one.source.company_id
            )
            begin = datetime.combine(one.usage.day, time.min, ZoneInfo(zone))
            return {
                **values,
                "start_time": begin.astimezone(UTC).replace(tzinfo=None),
                "number": made.meter_id.name,
                "unit": made.meter_id.unit,
            }
        is_inbound = one.cdr.direction == "inbound"
        other = one.cdr.caller if is_inbound else one.cdr.callee
        hidden = masking.never_shows(other)
        ends = masking.ends(one.cdr.caller, one.cdr.callee, is_inbound)
        number, service = ends if is_inbound else ends[::-1]
        return {
            **values,
            "cdr_id": one.cdr.id,
            "start_time": one.cdr.start_time,
            "service": service,
            "number": False if hidden else number,
            "destination": False if hidden else made.destination_id.name,
            "unit": self.env._("seconds"),
        }

    def _charge_of(self, one, currency):
        """What one of them is charged, exactly, in the currency of the invoice.

        Usage in another currency has the part of its line that it has of the usage.

        :return: Decimal
        """
        charge = number(one.cdr.charge if one.cdr else one.usage.amount)
        if one.source.currency_id == currency:
            return charge
        line = one.billed
        total = sum(number(usage.amount) for usage in line.metered_usage_ids)
        if not total:
            return Decimal()
        share = charge * number(line.price_unit) * number(line.quantity) / total
        return round(share, 6)

    @api.model
    def _next_number(self, company):
        """The next number of a company's own sequence."""
        return company._metered_next_number(self._name, self.env._("Disputes"), "DSP/")
