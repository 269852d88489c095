# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The contract of the API as an OpenAPI 3.1 document: plain values."""

from ..connectors.events.body import MOST_BYTES
from ..connectors.events.cloud_event import BATCH, LINES, PLAIN, STRUCTURED
from ..connectors.events.reading import MOST_EVENT_BYTES, MOST_EVENTS

PROBLEM = "application/problem+json"
REASONS = {
    400: "The body cannot be read, or the address does not say to which source.",
    401: "The key is missing, wrong, expired or revoked.",
    403: "The key does not have the required permission.",
    404: "There is nothing of that name, or the key is not for it.",
    405: "Use a different HTTP method.",
    409: "The event is invoiced or cannot be canceled, or the invoice is not waiting "
    "for usage; the detail says what to do.",
    411: "The request has no Content-Length.",
    413: "The request is too large.",
    415: "The content type or encoding is not supported.",
    422: "An argument of the address is missing or cannot be used.",
    429: "Too many requests.",
    503: "Nothing can be accepted right now.",
}
WAITING = {
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "string"},
    }
}
TEXT = {"type": "string"}
#: … where its digits never end
NUMBER = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?…?$"}


def maybe(schema):
    """A schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def listed(**properties):
    """An object with exactly these properties; those in ``maybe`` may be null."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
    }


def answers(schema, *faults):
    """The answers of an operation."""
    found = {
        "200": {
            "description": "Done.",
            "content": {"application/json": {"schema": schema}},
        }
    }
    for status in sorted({401, 403, 405, 429, 503, *faults}):
        found[str(status)] = {
            "description": REASONS[status],
            "content": {PROBLEM: {"schema": ref("Problem")}},
        }
        if status in (429, 503):
            found[str(status)]["headers"] = WAITING
    return found


def query(name, text, required=False, schema=None, **more):
    return {
        "name": name,
        "in": "query",
        "description": text,
        "required": required,
        "schema": schema or TEXT,
        **more,
    }


def document(address):
    """The OpenAPI document.

    :param str address: of this server, without a slash at its end
    :return: dict
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Metered Billing",
            "version": "1",
            "description": "Push usage as events, and read the results.",
        },
        "servers": [{"url": address}],
        "security": [{"key": []}],
        "paths": {
            "/metered/v1/events": {
                "post": _push(),
                "get": _event(),
                "delete": _cancel(),
            },
            "/metered/v1/usage": {
                "get": _of_customer(
                    "usage", "Usage of a customer by day and meter", "UsageOfDay", *DAYS
                )
            },
            "/metered/v1/entitlements": {"get": _entitlements()},
            "/metered/v1/quotes": {"get": _quote(), "post": _what_if()},
            "/metered/v1/webhook_deliveries": {"get": _deliveries()},
            "/metered/v1/invoices": {
                "get": _of_customer(
                    "invoices",
                    "Posted invoices with a customer's usage",
                    "InvoiceOfUsage",
                    *DAYS,
                )
            },
        },
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key; also as the password of basic "
                    "authentication.",
                }
            },
            "schemas": _schemas(),
        },
    }


SOURCE = query(
    "source", "Number of the source; needed where there are several that it can be."
)
EVENT = query(
    "event",
    "What identifies the event, as in the answer to its push: its source, a space, and "
    "its id.",
    True,
    {"type": "string", "minLength": 1},
)


def _push():
    one_or_many = {"anyOf": [ref("Event"), {"type": "array", "items": ref("Event")}]}
    return {
        "operationId": "pushEvents",
        "summary": "Push events",
        "description": f"At most {MOST_EVENTS:,} events and {MOST_BYTES // 2**20} MiB, "
        f"with or without gzip, and {MOST_EVENT_BYTES // 2**10} KiB per event. 200 "
        "means that accepted events are stored permanently. An event with the source "
        "and id of another event is a duplicate if its content is the same, and "
        "otherwise a conflict, which becomes an exception. CloudEvents in binary mode "
        "are also accepted. A source of FreeSWITCH takes a call as mod_json_cdr posts "
        "it, one for each request. Events with unknown data, such as an unknown "
        "customer, are accepted and become exceptions.",
        "parameters": [
            SOURCE,
            query(
                "validate",
                "true: say what would become of at most 100 events, store nothing.",
                schema={"type": "string", "enum": ["true", "false"]},
            ),
            query(
                "rated",
                "true: rate at most 100 events before they are answered.",
                schema={"type": "string", "enum": ["true", "false"]},
            ),
        ],
        "requestBody": {
            "required": True,
            "content": {
                PLAIN: {"schema": one_or_many},
                STRUCTURED: {"schema": ref("CloudEvent")},
                BATCH: {"schema": {"type": "array", "items": ref("CloudEvent")}},
                sorted(LINES)[-1]: {"schema": TEXT},
            },
        },
        "responses": answers(ref("Results"), 400, 411, 413, 415, 422),
    }


def _event():
    return {
        "operationId": "getEvent",
        "summary": "What became of an event",
        "parameters": [EVENT, SOURCE],
        "responses": answers(ref("EventState"), 404, 422),
    }


def _cancel():
    return {
        "operationId": "cancelEvent",
        "summary": "Cancel an event",
        "description": "Reverses the usage and the charge of an event that is not "
        "invoiced yet. It stays known as canceled: pushed again, an event with its "
        "source and id is a duplicate, or a conflict. To push the usage again, give "
        "it another id. Canceling a canceled event changes nothing.",
        "parameters": [EVENT, SOURCE],
        "responses": answers(ref("EventState"), 400, 404, 409, 422),
    }


def _quote():
    return {
        "operationId": "getQuotes",
        "summary": "What a customer's next invoices would be now",
        "description": "One for each subscription that is renewed, with fees, usage "
        "and taxes. Nothing is invoiced.",
        "parameters": [
            SUBJECT,
            query("subscription", "Number of a subscription."),
            query(
                "forecast",
                "true: also tell what each is expected to be at the end of its period.",
                schema={"type": "string", "enum": ["true", "false"]},
            ),
        ],
        "responses": answers(QUOTES, 404, 422),
    }


def _entitlements():
    return {
        "operationId": "getEntitlements",
        "summary": "Whether a customer may go on using, and what is left",
        "description": "Name the customer by one of the parameters. A subscription is "
        "not allowed after a cap of an alert was reached, or when it is not active. "
        "as_of is the time when the last included record was stored.",
        "parameters": [
            query("subject", "A service identifier of the customer."),
            query("customer", "Number of the customer."),
            query("subscription", "Number of a subscription."),
        ],
        "responses": answers(
            listed(
                allowed={"type": "boolean"},
                subscriptions={"type": "array", "items": ref("Entitled")},
                entitlements={"type": "array", "items": ref("Entitlement")},
            ),
            404,
            422,
        ),
    }


def _entitled():
    moment = maybe({"type": "string", "format": "date-time"})
    alert = listed(
        id={"type": "integer"},
        name=TEXT,
        type={"enum": ["amount", "quantity", "allowance"]},
    )
    limit = listed(
        alert=alert,
        unit=maybe(TEXT),
        **{"from": DAY, "to": DAY},
        limit=NUMBER,
        used=NUMBER,
        left=NUMBER,
        is_capped={"type": "boolean"},
        as_of=moment,
    )
    return listed(
        subscription=listed(id={"type": "integer"}, name=TEXT),
        customer=listed(id={"type": "integer"}, name=TEXT, reference=maybe(TEXT)),
        allowed={"type": "boolean"},
        reason=maybe(TEXT),
        as_of=moment,
        limits={"type": "array", "items": limit},
    )


def _what_if():
    return {
        "operationId": "quoteQuantities",
        "summary": "What the next invoices would be with other quantities",
        "description": "The quantities are for the whole current period, and replace "
        "the actual usage. They can be given for meters, but not for calls.",
        "parameters": [],
        "requestBody": {
            "required": True,
            "content": {PLAIN: {"schema": ref("QuoteRequest")}},
        },
        "responses": answers(QUOTES, 400, 404, 411, 413, 415, 422),
    }


def _deliveries():
    return {
        "operationId": "getWebhookDeliveries",
        "summary": "Webhook messages by day",
        "description": "For programs that missed messages. They can be read as often "
        "as needed: each has the message id that it was sent with. Days are in UTC. "
        "Messages about invoices are for keys that may read invoices, all others for "
        "keys that may read usage.",
        "parameters": [*DAYS],
        "responses": answers(
            listed(
                webhook_deliveries={"type": "array", "items": ref("WebhookDelivery")}
            ),
            422,
        ),
    }


SUBJECT = query(
    "subject",
    "A service identifier of the customer.",
    True,
    {"type": "string", "minLength": 1},
)
QUOTES = listed(subject=TEXT, quotes={"type": "array", "items": ref("Quote")})
DAY = {"type": "string", "format": "date"}
DAYS = (
    query("from", "The first day.", True, DAY),
    query("to", "The day after the last one.", True, DAY),
)


def _of_customer(name, summary, rows, *parameters):
    """An operation that tells rows of a customer."""
    return {
        "operationId": f"get{name.capitalize()}",
        "summary": summary,
        "parameters": [SUBJECT, *parameters],
        "responses": answers(
            listed(subject=TEXT, **{name: {"type": "array", "items": ref(rows)}}),
            404,
            422,
        ),
    }


def _invoice():
    return {
        "id": {"type": "integer"},
        "number": maybe(TEXT),
        "state": TEXT,
        "date": maybe(DAY),
    }


def _quote_schema():
    line = listed(
        name=TEXT,
        is_usage={"type": "boolean"},
        quantity=NUMBER,
        unit_price=NUMBER,
        discount=NUMBER,
        amount=NUMBER,
    )
    allowance = listed(
        name=TEXT,
        unit=TEXT,
        is_unlimited={"type": "boolean"},
        used=NUMBER,
        left=NUMBER,
    )
    amounts = {
        "lines": {"type": "array", "items": line},
        "taxes": {"type": "array", "items": listed(name=TEXT, amount=NUMBER)},
        **dict.fromkeys(("untaxed", "tax", "total"), NUMBER),
    }
    notes = {
        "type": "array",
        "items": TEXT,
        "description": "How it was made, and how far off it was in past periods.",
    }
    return listed(
        subscription={"type": "integer"},
        name=TEXT,
        **{"from": DAY, "to": DAY},
        date=DAY,
        currency=TEXT,
        **amounts,
        allowances={"type": "array", "items": allowance},
        billed=maybe(TEXT),
        forecast=maybe(listed(**amounts, notes=notes)),
    )


def _schemas():
    count = {"type": "integer", "minimum": 0}
    return {
        "Event": {
            "type": "object",
            "description": "All other properties are treated as if they were part of "
            "data.",
            "properties": {
                "id": TEXT,
                "type": TEXT,
                "subject": TEXT,
                "time": {"type": "string", "format": "date-time"},
                "quantity": {"type": ["number", "string"]},
                "data": {"type": "object"},
            },
            "required": ["id"],
        },
        "CloudEvent": {
            "type": "object",
            "properties": {
                "specversion": {"const": "1.0"},
                "id": {"type": "string", "minLength": 1},
                "source": {"type": "string", "minLength": 1},
                "type": {"type": "string", "minLength": 1},
                "subject": TEXT,
                "time": {"type": "string", "format": "date-time"},
                "data": {},
            },
            "required": ["specversion", "id", "source", "type"],
        },
        "Results": listed(
            counts={"type": "object", "additionalProperties": count},
            events={"type": "array", "items": ref("Result")},
        ),
        "Result": {
            "type": "object",
            "properties": {
                "index": count,
                "event": TEXT,
                "status": {
                    "enum": [
                        *("accepted", "duplicate", "conflict", "rejected"),
                        *("rated", "not_billable", "reading", "exception"),
                    ]
                },
                "reason": TEXT,
                "result": maybe(ref("EventState")),
            },
            "required": ["index", "status"],
        },
        "EventState": {
            "type": "object",
            "properties": {
                "event": TEXT,
                "status": {
                    "enum": [
                        *("waiting", "rated", "not_billable", "reading"),
                        *("exception", "dismissed", "canceled"),
                    ]
                },
                "reason": TEXT,
                "message": TEXT,
                "detail": TEXT,
                "customer": maybe(TEXT),
                "meter": maybe(TEXT),
                "unit": maybe(TEXT),
                "quantity": NUMBER,
                "time": {"type": "string", "format": "date-time"},
                "properties": {"type": "object"},
                "charge": maybe(ref("ChargeOfEvent")),
                "invoice": maybe(ref("Invoice")),
                "day": ref("UsageOfDay"),
                "period": ref("PeriodSoFar"),
                "explanation": {"type": "array", "items": ref("Step")},
            },
            "required": ["event", "status"],
        },
        "UsageOfDay": {
            **listed(
                day={"type": "string", "format": "date"},
                meter=TEXT,
                unit=maybe(TEXT),
                records=count,
                quantity=NUMBER,
                amount=maybe(NUMBER),
                currency=maybe(TEXT),
                is_final={"type": "boolean"},
                invoice=maybe(ref("Invoice")),
            ),
            "description": "Until it is invoiced, the amount is the day's share of "
            "what its billing period comes to so far.",
        },
        "ChargeOfEvent": {
            **listed(
                amount=NUMBER,
                currency=maybe(TEXT),
                included=maybe(listed(taken=NUMBER, left=NUMBER)),
                allowances={
                    "type": "array",
                    "items": listed(
                        allowance=TEXT, unit=TEXT, taken=NUMBER, left=maybe(NUMBER)
                    ),
                },
                period=listed(quantity=NUMBER, amount=NUMBER),
            ),
            "description": "What the event adds to the price of its billing period, "
            "before that is rounded; for a call, its charge. Included: what it took of "
            "the free units of the price, and what was left after it. Allowances: the "
            "same of calling plans. Period: the total up to and including the event, "
            "in the order of time; for calls, the total of their type so far. Null "
            "where the price is not one of single events, such as the average of a "
            "level.",
        },
        "PeriodSoFar": {
            **listed(
                **{"from": DAY, "to": DAY},
                quantity=NUMBER,
                amount=NUMBER,
                currency=TEXT,
                included=maybe(listed(granted=NUMBER, taken=NUMBER, left=NUMBER)),
            ),
            "description": "Quantity and amount of the billing period so far.",
        },
        "Step": {
            **listed(title=TEXT, text=TEXT, amount=maybe(TEXT)),
            "description": "A step in the calculation of the period's price.",
        },
        "QuoteRequest": {
            "type": "object",
            "properties": {
                "subject": {"type": "string", "minLength": 1},
                "subscription": {"type": ["string", "integer"]},
                "quantities": {
                    "type": "object",
                    "description": "Quantities by the code of their meter.",
                    "additionalProperties": {"type": ["number", "string"]},
                },
            },
            "required": ["subject"],
            "additionalProperties": False,
        },
        "Quote": _quote_schema(),
        "WebhookDelivery": listed(
            message=TEXT,
            webhook={"type": "integer"},
            type=TEXT,
            status={"enum": ["waiting", "delivered", "failed"]},
            time={"type": "string", "format": "date-time"},
            attempts=count,
            body={"type": "object"},
        ),
        "Entitled": _entitled(),
        "Entitlement": listed(
            plan=TEXT,
            allowance=TEXT,
            unit=maybe(TEXT),
            **{"from": DAY, "to": DAY},
            is_unlimited={"type": "boolean"},
            granted=NUMBER,
            rolled_in=NUMBER,
            used=NUMBER,
            left=NUMBER,
            is_allowed={"type": "boolean"},
        ),
        "Invoice": listed(**_invoice()),
        "InvoiceOfUsage": listed(
            **_invoice(),
            currency=TEXT,
            total=NUMBER,
            lines={
                "type": "array",
                "items": listed(
                    name=TEXT,
                    **{"from": maybe(DAY), "to": maybe(DAY)},
                    quantity=NUMBER,
                    unit_price=NUMBER,
                    amount=NUMBER,
                ),
            },
        ),
        "Problem": {
            **listed(type=TEXT, title=TEXT, status=count, detail=TEXT),
            "description": "RFC 9457.",
        },
    }
