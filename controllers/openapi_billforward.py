# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The part of the contract about invoices that wait for usage: plain values."""

from ..connectors.events.charge_request import LATEST, LATEST_SUBSCRIPTION
from ..models.pending.metered_api_billforward import MOST_RECORDS, SENT, STATES
from .openapi_document import TEXT, answers, listed, maybe, query, ref

BASE = "/metered/billforward/v1"
JSON = "application/json"
MOMENT = {"type": "string", "format": "date-time"}
DAY = {"type": "string", "format": "date"}
COUNT = {"type": "integer", "minimum": 0}
VERSION = {"type": "integer", "minimum": 1}
AMOUNT = {"type": "number"}
PAGES = (
    query("offset", "How many records to skip.", schema=COUNT),
    query(
        "records",
        f"How many records to return: 10 by default, at most {MOST_RECORDS}.",
        schema={"type": "integer", "minimum": 1, "maximum": MOST_RECORDS},
    ),
)
#: faults of a body
BODY = (400, 411, 413, 415, 422)


def with_billforward(document):
    """Add the paths and schemas to an OpenAPI document.

    :param dict document: is changed
    :return: it
    """
    document["paths"] |= _paths()
    document["components"]["schemas"] |= _schemas()
    return document


def _paths():
    invoice, charge = _id("invoice", "INV-12"), _id("charge", "CHG-12")
    one = f"{BASE}/invoices/{{id_}}"
    return {
        one: _get("getPendingInvoice", "An invoice", "InvoicePage", invoice),
        f"{BASE}/invoices/state/{{state}}": _get(
            "getInvoicesOfState",
            "Invoices with a certain state",
            "InvoicePage",
            _path("state", "Draft: waiting for approval.", {"enum": list(STATES)}),
            *PAGES,
        ),
        f"{BASE}/invoices/subscription/{{id_}}": _get(
            "getInvoicesOfSubscription",
            "Invoices of a subscription",
            "InvoicePage",
            _id("subscription", "SUB-12"),
            *PAGES,
        ),
        f"{one}/charges": _get(
            "getChargesOfInvoice",
            "Usage charges of an invoice",
            "ChargePage",
            invoice,
            *PAGES,
        ),
        f"{one}/recalculate": _post(
            "recalculateInvoice",
            "Recalculate an invoice that waits for usage",
            "Its usage lines are created again from all usage recorded so far. "
            "newState Unpaid also issues the invoice.",
            "InvoicePage",
            "RecalculateInvoice",
            invoice,
        ),
        f"{one}/issue": _post(
            "issueInvoice",
            "Issue an invoice that waits for usage",
            "It is posted, and sent if its template says so. An invoice that has "
            "already been issued is not changed.",
            "InvoicePage",
            "Nothing",
            invoice,
        ),
        f"{BASE}/charges/{{id_}}": _get(
            "getCharge", "A usage charge with its versions", "ChargePage", charge
        ),
        f"{BASE}/charges/{{id_}}/recalculate": _post(
            "recalculateCharge",
            "Set the quantity of a usage charge",
            "The quantity becomes usage, which is priced like all usage. The charge "
            "keeps its ID and gets a new version.",
            "ChargePage",
            "RecalculateCharge",
            charge,
        ),
        f"{BASE}/charges/recalculate": _post(
            "recalculateCharges",
            "Set the quantities of usage charges, and recalculate their invoices",
            "Either all charges are recalculated or none.",
            "RecalculatedPage",
            "RecalculateCharges",
        ),
        f"{BASE}/quotes": _post(
            "quote",
            "Quote the next invoice of a subscription",
            "What the invoice would be now, with the usage recorded so far or with the "
            "given quantities. Nothing is stored.",
            "QuotePage",
            "ChargeQuote",
        ),
        f"{BASE}/notifications": _get(
            "getNotifications",
            "Webhook messages about invoices, newest first",
            "NotificationPage",
            *PAGES,
        ),
        f"{BASE}/notifications/{{id_}}": _get(
            "getNotification",
            "A message",
            "NotificationPage",
            _id("message", "NOT-12"),
        ),
    }


def _path(name, text, schema):
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": text,
        "schema": {"type": "string", **schema},
    }


def _id(what, example):
    pattern = rf"^({example[:3]}-)?[1-9][0-9]{{0,9}}$"
    return _path("id_", f"ID of the {what}, such as {example}.", {"pattern": pattern})


def _get(name, summary, schema, *parameters):
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": list(parameters),
            "responses": answers(ref(schema), 404, 422),
        }
    }


def _post(name, summary, text, schema, asked, *parameters):
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "description": text,
            "parameters": list(parameters),
            "requestBody": {
                "required": True,
                "content": {JSON: {"schema": ref(asked)}},
            },
            "responses": answers(ref(schema), 404, 409, *BODY),
        }
    }


def _page(results):
    return listed(
        currentPage=COUNT,
        currentOffset=COUNT,
        recordsRequested=VERSION,
        recordsReturned=COUNT,
        totalRecords=COUNT,
        results={"type": "array", "items": results},
    )


def _asked(required=(), **properties):
    """A body in which nothing else may stand."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _schemas():
    quantity = {
        "anyOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": r"^[0-9]{1,40}(\.[0-9]{1,40})?$"},
        ],
        "description": "The whole quantity of the period, in the meter's unit.",
    }
    flag = {"type": "boolean"}
    state = {"enum": ["Pending", "Unpaid"]}
    of_charge = {
        "pricingComponentValue": quantity,
        "recalculationBehaviour": {"const": LATEST},
    }
    return {
        "Nothing": _asked(),
        "RecalculateCharge": _asked(
            ["pricingComponentValue"], dryRun=flag, **of_charge
        ),
        "RecalculateCharges": _asked(
            ["charges"],
            charges={
                "type": "array",
                "minItems": 1,
                "items": _asked(["id", "pricingComponentValue"], id=TEXT, **of_charge),
            },
            recalculateInvoices=flag,
            invoiceState=state,
            dryRun=flag,
        ),
        "RecalculateInvoice": _asked(
            newState=state,
            recalculationBehaviour={"const": LATEST_SUBSCRIPTION},
            onlyInvoiceAssociatedCharges={"const": True},
            dryRun=flag,
        ),
        "ChargeQuote": _asked(
            ["subscriptionID"],
            subscriptionID=TEXT,
            quantities={
                "type": "array",
                "items": _asked(
                    ["pricingComponent", "quantity"],
                    pricingComponent=TEXT,
                    quantity=quantity,
                ),
            },
            quoteFor={"const": "RecurringPeriod"},
        ),
        "QuotePage": _page(
            listed(
                subscriptionID=TEXT,
                accountID=TEXT,
                currency=TEXT,
                periodStart=MOMENT,
                periodEnd=MOMENT,
                totalExcludingTax=AMOUNT,
                tax=AMOUNT,
                total=AMOUNT,
                quantities={
                    "type": "array",
                    "items": listed(
                        pricingComponentID=TEXT,
                        pricingComponentName=TEXT,
                        pricingComponentType={"const": "usage"},
                        quantity=AMOUNT,
                    ),
                },
                lines={
                    "type": "array",
                    "items": listed(
                        description=TEXT,
                        pricingComponentType={"enum": ["subscription", "usage"]},
                        componentValue=AMOUNT,
                        cost=AMOUNT,
                    ),
                },
            )
        ),
        "InvoicePage": _page(ref("PendingInvoice")),
        "ChargePage": _page(ref("UsageCharge")),
        "NotificationPage": _page(ref("Notification")),
        "RecalculatedPage": _page(
            listed(
                charges={"type": "array", "items": ref("UsageCharge")},
                recalculatedInvoices={"type": "array", "items": ref("PendingInvoice")},
            )
        ),
        "PendingInvoice": listed(
            id=TEXT,
            versionNumber={
                **VERSION,
                "description": "1 means that it was never recalculated.",
            },
            type={"enum": ["Subscription", "FinalArrears", "Charge"]},
            state={"enum": list(STATES)},
            subscriptionID=TEXT,
            accountID=TEXT,
            organizationID=TEXT,
            name=maybe(TEXT),
            issued=maybe(MOMENT),
            due=maybe(DAY),
            periodStart=maybe(MOMENT),
            periodEnd=maybe(MOMENT),
            currency=TEXT,
            costExcludingTax=AMOUNT,
            invoiceCost=AMOUNT,
            invoicePaid=AMOUNT,
            invoiceLines={
                "type": "array",
                "items": listed(
                    id=TEXT,
                    name=TEXT,
                    description=TEXT,
                    pricingComponentType={"enum": ["subscription", "usage"]},
                    componentValue=AMOUNT,
                    cost=AMOUNT,
                    tax=AMOUNT,
                    periodStart=maybe(MOMENT),
                    periodEnd=maybe(MOMENT),
                ),
            },
        ),
        "UsageCharge": {
            **listed(
                id=TEXT,
                versionNumber=VERSION,
                invoiceID=TEXT,
                subscriptionID=maybe(TEXT),
                accountID=TEXT,
                name=TEXT,
                description=TEXT,
                calculation=TEXT,
                state={"enum": ["Pending", "AwaitingPayment", "Paid", "Voided"]},
                chargeType={"enum": ["Debit", "Credit"]},
                pricingComponentType={"const": "usage"},
                pricingComponentID=TEXT,
                pricingComponentName=TEXT,
                pricingComponentValue=AMOUNT,
                productName=maybe(TEXT),
                unitOfMeasureName=maybe(TEXT),
                amount=AMOUNT,
                amountExcludingTax=AMOUNT,
                currency=TEXT,
                periodStart=MOMENT,
                periodEnd={
                    **MOMENT,
                    "description": "Usage at this time belongs to the next period.",
                },
                versions={
                    "type": "array",
                    "items": listed(
                        versionNumber=VERSION,
                        created=MOMENT,
                        changedBy=TEXT,
                        given=maybe(TEXT),
                        valueBefore=AMOUNT,
                        value=AMOUNT,
                        amountBefore=AMOUNT,
                        amount=AMOUNT,
                    ),
                },
            ),
            "description": "The usage of one meter in one period.",
        },
        "Notification": listed(
            id=TEXT,
            type={"const": "notification"},
            created=MOMENT,
            domain=TEXT,
            action=TEXT,
            entityID=TEXT,
            entity={**TEXT, "description": "JSON within JSON."},
            organizationID=TEXT,
            webhookID=TEXT,
            state={"enum": sorted(set(SENT.values()))},
            totalSendAttempts=COUNT,
            message={**TEXT, "description": "The webhook-id of the message."},
        ),
    }
