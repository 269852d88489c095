# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The contract of the API for clients of ChargeOver, as an OpenAPI 3.1 document."""

from ..connectors.chargeover.usage import AGGREGATIONS, CUSTOM, MOST_BULK
from .openapi_document import TEXT, WAITING, listed, maybe, query, ref

#: of all addresses: what a client is given instead of its own ChargeOver
BASE = "/metered/chargeover"
REASONS = {
    400: "The request cannot be read, or a record cannot be stored.",
    401: "The key is missing, wrong, expired or revoked.",
    403: "The key does not have the required permission.",
    404: "No package has this ID.",
    405: "Use a different HTTP method.",
    411: "The request has no Content-Length.",
    413: "The request is too large.",
    415: "The content encoding is not supported.",
    429: "Too many requests.",
    503: "Usage cannot be accepted right now.",
}
WHERE = query("where", "Conditions such as external_key:EQUALS:abc.")
NUMBER = {"anyOf": [{"type": "number"}, TEXT]}


def document(address):
    """The OpenAPI document.

    :param str address: of this server, without a slash at its end
    :return: dict
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Metered Billing: ChargeOver API",
            "version": "3",
            "description": "Usage per line of a subscription, for programs that were "
            "written for ChargeOver's API.",
        },
        "servers": [{"url": address + BASE}],
        "security": [{"key": []}],
        "paths": {
            "/api/v3/package/{package}": {"get": _package()},
            "/api/v3/package": {"get": _packages()},
            "/api/v3/usage": {"post": _usage(), "get": _history()},
            "/api/v3/usage/_action/bulk": {"post": _bulk()},
            "/usage_url": {"post": _usage_url()},
        },
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The public key as user name, the private key as "
                    "password. Keys for signed requests are accepted as ChargeOver's "
                    "signature as well.",
                }
            },
            "schemas": _schemas(),
        },
    }


def _answers(status, response, *faults):
    """The answers of an operation, in their envelope."""
    found = {str(status): _answer("Done.", listed(**_envelope(status, response)))}
    for one in sorted({400, 401, 403, 405, 429, 503, *faults}):
        found[str(one)] = _answer(REASONS[one], ref("Error"))
        if one in (429, 503):
            found[str(one)]["headers"] = WAITING
    return found


def _answer(text, schema):
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _envelope(status, response):
    return {
        "code": {"const": status},
        "status": {"const": "OK"},
        "message": TEXT,
        "details": {"type": "object"},
        "response": response,
    }


def _body(schema):
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _package():
    return {
        "operationId": "getPackage",
        "summary": "A subscription with its lines",
        "parameters": [
            {
                "name": "package",
                "in": "path",
                "required": True,
                "description": "ID of the subscription.",
                "schema": {"type": "integer", "minimum": 1},
            }
        ],
        "responses": _answers(200, ref("Package"), 404),
    }


def _packages():
    return {
        "operationId": "findPackage",
        "summary": "Find subscriptions by their reference",
        "parameters": [WHERE, query("external_key", "The subscription's reference.")],
        "responses": _answers(200, {"type": "array", "items": ref("Package")}),
    }


def _usage():
    return {
        "operationId": "storeUsage",
        "summary": "Store usage of a line",
        "description": "201 means that the record is stored permanently. A record with "
        "the external_key of another one is stored once if both say the same; "
        "otherwise it becomes an exception, and the answer is 400.",
        "parameters": [],
        "requestBody": _body(ref("Usage")),
        "responses": _answers(201, ref("Stored"), 411, 413, 415),
    }


def _bulk():
    records = {"type": "array", "items": ref("Usage"), "maxItems": MOST_BULK}
    return {
        "operationId": "storeUsageInBulk",
        "summary": "Store usage of many lines",
        "description": f"At most {MOST_BULK:,} records, as a list, or as an object "
        "whose only value is the list. 201 means that the records that are not listed "
        "under details.rejected are stored permanently.",
        "parameters": [],
        "requestBody": _body(records),
        "responses": _answers(
            201, {"type": "array", "items": maybe(ref("Stored"))}, 411, 413, 415
        ),
    }


def _history():
    return {
        "operationId": "getUsage",
        "summary": "Stored usage of a line, or with a key",
        "parameters": [
            WHERE,
            query("line_item_id", "ID of the line."),
            query("external_key", "Key of the record."),
            query("from", "Records from this time on."),
            query("to", "Records up to this time."),
            query(
                "limit", "Maximum records.", schema={"type": "integer", "minimum": 0}
            ),
            query(
                "offset", "Records to skip.", schema={"type": "integer", "minimum": 0}
            ),
        ],
        "responses": _answers(200, {"type": "array", "items": ref("UsageRow")}),
    }


def _usage_url():
    answers = _answers(200, {}, 411, 413, 415)
    amount = listed(usage_amount={"type": "number"})
    answers["200"] = _answer(
        "The usage of the line in the period.",
        listed(line_items={"type": "array", "items": amount}),
    )
    return {
        "operationId": "answerUsage",
        "summary": "Usage of a line in a period, requested the way ChargeOver does",
        "security": [],
        "parameters": [],
        "requestBody": _body(ref("Question")),
        "responses": answers,
    }


def _schemas():
    return {
        "Usage": {
            "type": "object",
            "description": "The line is named by line_item_id, by "
            "line_item_external_key, or by customer.external_key with "
            "line_item.item_external_key.",
            "properties": {
                "line_item_id": {"type": "integer"},
                "line_item_external_key": TEXT,
                "customer": {"type": "object", "properties": {"external_key": TEXT}},
                "line_item": {
                    "type": "object",
                    "properties": {"item_external_key": TEXT},
                },
                "usage_value": NUMBER,
                "type": {"enum": sorted(AGGREGATIONS)},
                "from": TEXT,
                "to": TEXT,
                "external_key": TEXT,
                "options": {"type": "array"},
                **dict.fromkeys(CUSTOM, TEXT),
            },
            "required": ["usage_value"],
        },
        "Stored": listed(id={"type": "integer", "minimum": 0}),
        "UsageRow": listed(
            usage_history_id={"type": "integer", "minimum": 0},
            line_item_id={"type": "integer"},
            usage_value=TEXT,
            type=maybe({"enum": sorted(AGGREGATIONS)}),
            **{"from": maybe(TEXT), "to": maybe(TEXT)},
            external_key=maybe(TEXT),
            **dict.fromkeys(CUSTOM, maybe(TEXT)),
        ),
        "Package": listed(
            package_id={"type": "integer"},
            external_key=maybe(TEXT),
            nickname=maybe(TEXT),
            customer_id={"type": "integer"},
            customer_external_key=maybe(TEXT),
            line_items={"type": "array", "items": ref("Line")},
        ),
        "Line": listed(
            line_item_id={"type": "integer"},
            external_key=maybe(TEXT),
            item_id={"type": "integer"},
            item_name=TEXT,
            item_external_key=maybe(TEXT),
            item_units=maybe(TEXT),
            descrip=TEXT,
            subscribe_datetime=maybe(TEXT),
            expire_datetime=maybe(TEXT),
        ),
        "Question": {
            "type": "object",
            "properties": {
                "customer": {"type": "object", "properties": {"external_key": TEXT}},
                "this_line_item": {
                    "type": "object",
                    "properties": {"external_key": TEXT, "item_external_key": TEXT},
                },
                "from_datetime": TEXT,
                "to_datetime": TEXT,
                "security_token": TEXT,
            },
            "required": ["this_line_item", "from_datetime", "to_datetime"],
        },
        "Error": listed(
            code={"type": "integer"},
            status={"const": "Error"},
            message=TEXT,
            details={"type": "object"},
            response={"const": False},
        ),
    }
