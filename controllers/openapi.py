# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import http
from odoo.http import request

from .api_request import api_route
from .openapi_billforward import with_billforward
from .openapi_document import document
from .problems import answered

PAGE = Markup(
    """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"/><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<style>body{{font-family:sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}}
code{{background:#eee;color:#222}}dt{{margin-top:.5rem}}</style></head>
<body><main><h1>{title}</h1><p>{about} The whole contract:
<a href="/metered/v1/openapi.json">openapi.json</a>.</p>
{operations}</main></body></html>
"""
)
OPERATION = Markup(
    "<h2>{summary}</h2><p><code>{method} {path}</code></p><p>{about}</p>"
    "<dl>{parameters}</dl><h3>Answers</h3><dl>{answers}</dl>"
)
ENTRY = Markup("<dt><code>{name}</code></dt><dd>{about}</dd>")
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


class OpenApi(http.Controller):
    """The contract, which tells nothing of this database: without a key."""

    @api_route("/metered/v1/openapi.json", "GET")
    def contract(self):
        return answered(_contract())

    @api_route("/metered/v1", "GET")
    def page(self):
        return http.Response(page_of(_contract()), headers=HEADERS)


def _contract():
    address = request.httprequest.host_url.rstrip("/")
    return with_billforward(document(address))


def page_of(contract):
    """A page to read the contract.

    :param dict contract: OpenAPI document
    :return: Markup
    """
    operations = [
        OPERATION.format(
            summary=operation["summary"],
            method=method.upper(),
            path=path,
            about=operation.get("description", ""),
            parameters=Markup("").join(
                ENTRY.format(name=one["name"], about=one["description"])
                for one in operation["parameters"]
            ),
            answers=Markup("").join(
                ENTRY.format(name=status, about=one["description"])
                for status, one in operation["responses"].items()
            ),
        )
        for path, methods in contract["paths"].items()
        for method, operation in methods.items()
    ]
    return PAGE.format(
        title=contract["info"]["title"],
        about=contract["info"]["description"],
        operations=Markup("").join(operations),
    )
