# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...connectors.events.body import RequestFault
from ...connectors.events.charge_request import ACTIONS, MOST_ID
from ...ingest.load import company_zone, customer_zone
from ...rating.counters import day_start
from ..chargeover.metered_renewal_ask import DRY_RUN
from .account_move_pending import NotPendingError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: states of invoices as BillForward names them, and a draft that waits for approval
STATES = ("Pending", "Draft", "Unpaid", "Paid", "Voided")
SENT = {"waiting": "Pending", "delivered": "Sent", "failed": "Unsent"}
#: how a meter is named by its id
COMPONENT = re.compile(r"PRC-([1-9][0-9]{0,9})")
#: what a page of it holds at most
MOST_RECORDS = 200


class _UndoneError(Exception):
    """What a dry run did is taken back."""


class MeteredApi(models.AbstractModel):
    """Invoices that wait for usage, as BillForward tells of them.

    Whatever is told or done is of the key's company.
    """

    _inherit = "metered.api"

    # === FINDING === #

    @api.model
    def _bf_invoices_domain(self, key, domain):
        return [
            ("company_id", "=", key.company_id.id),
            ("move_type", "=", "out_invoice"),
            ("metered_period_id", "!=", False),
            *domain,
        ]

    @api.model
    def _bf_invoice(self, key, number):
        """An invoice of the key's company.

        :raise RequestFault: 404
        """
        domain = self._bf_invoices_domain(key, [("id", "=", number)])
        return self._bf_found(self.env["account.move"].search(domain))

    @api.model
    def _bf_charge(self, key, number):
        """A charge of the key's company.

        :raise RequestFault: 404
        """
        return self._bf_found(
            self.env["metered.charge"].search(
                [("company_id", "=", key.company_id.id), ("id", "=", number)]
            )
        )

    @api.model
    def _bf_found(self, record):
        if not record:
            raise RequestFault(404, "No record has this ID.")
        return record

    @api.model
    def _bf_page_of(self, model, domain, offset, limit, order="id desc"):
        """Records of a page, and how many there are in all."""
        records = self.env[model].search(
            domain, offset=offset, limit=limit, order=order
        )
        return records, self.env[model].search_count(domain)

    @api.model
    def _bf_state_domain(self, state):
        """What invoices of a state are.

        :param str state: one of :data:`STATES`
        """
        paid = ("paid", "in_payment", "reversed")
        return {
            "Pending": [("state", "=", "draft"), ("metered_pending", "!=", False)],
            "Draft": [("state", "=", "draft"), ("metered_pending", "=", False)],
            "Unpaid": [("state", "=", "posted"), ("payment_state", "not in", paid)],
            "Paid": [("state", "=", "posted"), ("payment_state", "in", paid)],
            "Voided": [("state", "=", "cancel")],
        }[state]

    # === TELLING === #

    @api.model
    def _bf_state(self, invoice):
        """The state of an invoice, one of :data:`STATES`."""
        for state in STATES:
            if invoice.filtered_domain(self._bf_state_domain(state)):
                return state
        return "Draft"

    @api.model
    def _bf_of_invoice(self, invoice):
        """An invoice, without its charges."""
        period = invoice.metered_period_id
        subscription = period.subscription_id
        begin, end = period.date_from, period.date_to
        kind = invoice._metered_kind()
        if kind == "Subscription" and subscription.template_id:
            # The fees are of the period that begins.
            begin, end = end, subscription._get_next_invoice_date(end)
        return {
            "id": f"INV-{invoice.id}",
            "versionNumber": max(invoice.metered_version, 1),
            "type": kind,
            "state": self._bf_state(invoice),
            "subscriptionID": f"SUB-{subscription.id}",
            "accountID": f"ACC-{invoice.commercial_partner_id.id}",
            "organizationID": f"ORG-{invoice.company_id.id}",
            "name": invoice.name or None,
            "issued": _moment(invoice.create_date),
            "due": _day(invoice.invoice_date_due),
            "periodStart": self._bf_instant(invoice, begin),
            "periodEnd": self._bf_instant(invoice, end),
            "currency": invoice.currency_id.name,
            "costExcludingTax": invoice.amount_untaxed,
            "invoiceCost": invoice.amount_total,
            "invoicePaid": invoice.currency_id.round(
                invoice.amount_total - invoice.amount_residual
            )
            if invoice.state == "posted"
            else 0,
            "invoiceLines": [
                {
                    "id": f"INL-{line.id}",
                    "name": line.product_id.name or "",
                    "description": line.name or "",
                    "pricingComponentType": "usage"
                    if line.metered_date_from
                    else "subscription",
                    "componentValue": line.quantity,
                    "cost": line.price_subtotal,
                    "tax": line.currency_id.round(
                        line.price_total - line.price_subtotal
                    ),
                    "periodStart": self._bf_instant(
                        invoice, line.metered_date_from or begin
                    ),
                    "periodEnd": self._bf_instant(invoice, line.metered_date_to or end),
                }
                for line in invoice.invoice_line_ids.filtered(
                    lambda line: line.display_type == "product"
                )
            ],
        }

    @api.model
    def _bf_of_charge(self, charge):
        """A usage charge, with its versions."""
        invoice = charge.move_id
        lines = charge._lines()
        state = {
            "Pending": "Pending",
            "Draft": "Pending",
            "Unpaid": "AwaitingPayment",
        }.get(self._bf_state(invoice), self._bf_state(invoice))
        return {
            "id": f"CHG-{charge.id}",
            "versionNumber": charge.version_number,
            "invoiceID": f"INV-{invoice.id}",
            "subscriptionID": f"SUB-{charge.subscription_id.id}"
            if charge.subscription_id
            else None,
            "accountID": f"ACC-{invoice.commercial_partner_id.id}",
            "name": charge.meter_id.name,
            "description": "\n".join(line.name or "" for line in lines),
            "calculation": "; ".join(line._metered_one_line() for line in lines),
            "state": state,
            "chargeType": "Debit" if charge.subtotal >= 0 else "Credit",
            "pricingComponentType": "usage",
            "pricingComponentID": f"PRC-{charge.meter_id.id}",
            "pricingComponentName": charge.meter_id.code,
            "pricingComponentValue": _quantity(charge.counted),
            "productName": lines[:1].product_id.name or None,
            "unitOfMeasureName": charge.meter_id.unit or None,
            "amount": charge.total,
            "amountExcludingTax": charge.subtotal,
            "currency": charge.currency_id.name,
            "periodStart": self._bf_instant(invoice, charge.date_from),
            "periodEnd": self._bf_instant(invoice, charge.date_to),
            "versions": [
                {
                    "versionNumber": one.number,
                    "created": _moment(one.moment),
                    "changedBy": one.changed_by or "",
                    "given": one.given or None,
                    "valueBefore": _quantity(one.quantity_before),
                    "value": _quantity(one.quantity_after),
                    "amountBefore": one.total_before,
                    "amount": one.total_after,
                }
                for one in charge.version_ids
            ],
        }

    @api.model
    def _bf_instant(self, invoice, day):
        """When a day begins for the customer, as usage counts it.

        :param invoice: or the subscription
        """
        if not day:
            return None
        zone = customer_zone(invoice.partner_id, company_zone(invoice.company_id))
        days = (day - EPOCH.date()).days
        moment = EPOCH + timedelta(microseconds=day_start(zone, days))
        return moment.isoformat().replace("+00:00", "Z")

    @api.model
    def _bf_of_notification(self, delivery):
        """A message that was, or is to be, sent."""
        domain, action = ACTIONS[delivery.kind]
        told = json.loads(delivery.body)["data"]
        return {
            "id": f"NOT-{delivery.id}",
            "type": "notification",
            "created": _moment(delivery.create_date),
            "domain": domain,
            "action": action,
            "entityID": f"INV-{delivery.res_id}",
            # JSON within JSON, as there.
            "entity": json.dumps(told, ensure_ascii=False),
            "organizationID": f"ORG-{delivery.company_id.id}",
            "webhookID": f"WHK-{delivery.webhook_id.id}",
            "state": SENT[delivery.state],
            "totalSendAttempts": delivery.attempts,
            "message": delivery.message,
        }

    @api.model
    def _bf_notifications_domain(self, key):
        return [
            ("company_id", "=", key.company_id.id),
            ("kind", "in", list(ACTIONS)),
            ("res_model", "=", "account.move"),
        ]

    # === QUOTES === #

    @api.model
    def _bf_quote(self, key, number, quantities):
        """What the next invoice of a subscription would be now; nothing is kept.

        :param int number: of the subscription
        :param quantities: list of (code or id of a meter, Decimal) that the period is
            to have instead of what is recorded
        :return: dict
        :raise RequestFault: 404 or 422
        """
        subscription = self._bf_found(
            self.env["sale.subscription"].search(
                [("company_id", "=", key.company_id.id), ("id", "=", number)]
            )
        )
        given = {}
        for name, quantity in quantities:
            meter = self._bf_meter(key, name)
            if meter in given:
                raise RequestFault(422, f"quantities names {meter.code} twice.")
            given[meter] = quantity
        quotes = self._bf_do(lambda: subscription._metered_quotes(given))
        if not quotes:
            raise RequestFault(422, "The subscription has no next invoice.")
        [quote] = quotes
        if quote["billed"]:
            raise RequestFault(409, quote["billed"])
        return {
            "subscriptionID": f"SUB-{subscription.id}",
            "accountID": f"ACC-{subscription.partner_id.commercial_partner_id.id}",
            "currency": quote["currency"].name,
            "periodStart": self._bf_instant(subscription, quote["date_from"]),
            "periodEnd": self._bf_instant(subscription, quote["date_to"]),
            "totalExcludingTax": quote["untaxed"],
            "tax": quote["tax"],
            "total": quote["total"],
            "quantities": [
                {
                    "pricingComponentID": f"PRC-{meter.id}",
                    "pricingComponentName": meter.code,
                    "pricingComponentType": "usage",
                    "quantity": quantity,
                }
                for meter, quantity in given.items()
            ],
            "lines": [
                {
                    "description": line["name"],
                    "pricingComponentType": "usage"
                    if line["is_usage"]
                    else "subscription",
                    "componentValue": line["quantity"],
                    "cost": line["amount"],
                }
                for line in quote["lines"]
            ],
        }

    @api.model
    def _bf_meter(self, key, name):
        """A meter by its code or id.

        :raise RequestFault: 422
        """
        meter = self._meter_of(key, name)
        if not meter and (found := COMPONENT.fullmatch(name)):
            mine = [("company_id", "in", [False, key.company_id.id])]
            number = min(int(found[1]), MOST_ID)
            meter = meter.search([*mine, ("id", "=", number)])
        if not meter:
            raise RequestFault(422, "quantities names a meter that does not exist.")
        return meter

    # === DOING === #

    @api.model
    def _bf_do(self, work, is_dry=False):
        """Do all of it or nothing.

        :param work: function; what it returns is plain values
        :param bool is_dry: take it back afterwards
        :raise RequestFault: 409 where an invoice does not wait, 422 for other refusals
        """
        result = None
        try:
            with (
                DRY_RUN.said(is_dry),
                suppress(_UndoneError),
                self.env.cr.savepoint(),
            ):
                result = work()
                self.env.flush_all()
                if is_dry:
                    raise _UndoneError
        except NotPendingError as error:
            raise RequestFault(409, str(error)) from error
        except UserError as error:
            raise RequestFault(422, str(error)) from error
        return result

    @api.model
    def _bf_recalculate_charges(
        self, key, asked, recalculates=True, issues=False, is_dry=False
    ):
        """Give the quantities of charges, and recalculate their invoices.

        :param asked: list of (number of a charge, Decimal quantity)
        :param bool recalculates: whether their invoices are recalculated
        :param bool issues: whether these are issued then
        :return: (list of charges, list of invoices), as they are told
        """
        wanted = [(self._bf_charge(key, one), quantity) for one, quantity in asked]

        def work():
            # In one order, so that two programs never wait for each other.
            for charge, quantity in sorted(
                wanted, key=lambda one: (one[0].move_id.id, one[0].id)
            ):
                charge._recalculate(quantity, self._bf_who(key))
            invoices = self.env["account.move"]
            if recalculates:
                for charge, _quantity in wanted:
                    invoices |= charge.move_id
                for invoice in invoices.sorted("id"):
                    self._bf_finish(key, invoice, issues)
            return (
                [self._bf_of_charge(charge) for charge, _quantity in wanted],
                [self._bf_of_invoice(invoice) for invoice in invoices],
            )

        return self._bf_do(work, is_dry)

    @api.model
    def _bf_recalculate_invoice(self, key, number, issues=False, is_dry=False):
        """Recalculate an invoice, and issue it.

        :param bool issues: whether it is issued then
        :return: the invoice, as it is told
        """
        invoice = self._bf_invoice(key, number)

        def work():
            self._bf_finish(key, invoice, issues)
            return self._bf_of_invoice(invoice)

        return self._bf_do(work, is_dry)

    @api.model
    def _bf_issue(self, key, number):
        """Issue an invoice as it is; one that is issued stays so.

        :return: the invoice, as it is told
        """
        invoice = self._bf_invoice(key, number)
        if invoice.state == "posted" and invoice.metered_version:
            return self._bf_of_invoice(invoice)

        def work():
            invoice._metered_issue()
            return self._bf_of_invoice(invoice)

        return self._bf_do(work)

    @api.model
    def _bf_finish(self, key, invoice, issues):
        invoice._metered_recalculate(self._bf_who(key))
        if issues:
            invoice._metered_issue()

    @api.model
    def _bf_who(self, key):
        """Who changes something, for its versions: the key, and how it begins."""
        return f"{key.name} ({key.prefix}…)"


def _quantity(text):
    """A quantity that is kept as an exact text; of one without end its first digits."""
    return Decimal(text.rstrip("…"))


def _moment(moment):
    return f"{fields.Datetime.to_datetime(moment).isoformat()}Z" if moment else None


def _day(day):
    return day.isoformat() if day else None
