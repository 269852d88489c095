# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The API is as its contract says, whatever is sent to it."""

import re
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_push_events import PushCase, event

#: what an answer has to be; whether an event makes sense is said in it, with 200
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 20
CONTROLLERS = Path(__file__).resolve().parents[2] / "controllers"
ROUTE = re.compile(r'@api_route\(\s*"(/metered/(?:v1|billforward)/[^"]+)"')
ARGUMENT = re.compile(r"<\w+:(\w+)>")
LOGGER = "odoo.addons.metered_billing.models.source.metered_source_token"


@tagged("post_install", "-at_install")
class TestOpenApi(PushCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key.write({"may_read": True, "may_invoice": True, "may_issue": True})

    def contract(self):
        return self.url_open("/metered/v1/openapi.json").json()

    def test_every_answer_is_as_described(self):
        self.push([event(1), event(2, subject="nobody")])
        self.rate()
        schema = schemathesis.openapi.from_dict(self.contract())
        for path, methods in self.contract()["paths"].items():
            for method in methods:
                for mode in GenerationMode:
                    with self.subTest(path=path, method=method, mode=mode.value):
                        self.fuzz(schema[path][method.upper()], mode)

    def fuzz(self, operation, mode):
        @given(operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @mute_logger(LOGGER)
        def ask(case):
            sent = case.as_transport_kwargs(base_url=self.base_url())
            sent["headers"] = {
                **(sent.get("headers") or {}),
                "Authorization": f"Bearer {self.token}",
            }
            cookies = sent.pop("cookies", None)
            answer = self.opener.request(**sent, cookies=cookies, timeout=30)
            case.validate_response(answer, checks=CHECKS)

        ask()

    def test_answers_of_what_is_there(self):
        """Not only of what nobody has."""
        plan = self.sell()
        self.push([event(1), event(2, subject="nobody"), event(5)])
        self.rate()
        schema = schemathesis.openapi.from_dict(self.contract())
        today = fields.Date.today()
        days = f"from={today}&to={fields.Date.add(today, days=1)}"
        for method, path, query in (
            ("GET", "/metered/v1/events", "event=%2Fshop%20e1"),
            ("GET", "/metered/v1/events", "event=%2Fshop%20e2"),
            ("GET", "/metered/v1/usage", "subject=acme&from=2026-10-01&to=2026-11-01"),
            ("GET", "/metered/v1/quotes", "subject=acme"),
            ("GET", "/metered/v1/entitlements", f"customer={self.customer.id}"),
            ("GET", "/metered/v1/entitlements", f"subscription={plan.id}"),
            ("GET", "/metered/v1/webhook_deliveries", days),
            ("DELETE", "/metered/v1/events", "event=%2Fshop%20e5"),
            ("GET", "/metered/v1/events", "event=%2Fshop%20e5"),
        ):
            self.conforms(schema, method, path, query)
        plan._metered_renew()
        invoiced = "event=%2Fshop%20e1"
        self.conforms(schema, "GET", "/metered/v1/events", invoiced)
        self.conforms(schema, "DELETE", "/metered/v1/events", invoiced, 409)
        for query in ("", "?validate=true", "?rated=true"):
            answer = self.push([event(3), event(4, type="x"), 1], query=query)
            case = schema["/metered/v1/events"]["POST"].Case()
            case.validate_response(answer, checks=CHECKS)

    def conforms(self, schema, method, path, query, status=200):
        answer = self.url_open(
            f"{path}?{query}",
            headers={"Authorization": f"Bearer {self.token}"},
            method=method,
        )
        self.assertEqual(answer.status_code, status, answer.text)
        case = schema[path][method].Case()
        case.validate_response(answer, checks=CHECKS)

    def sell(self):
        """A subscription of the customer, and a message that a webhook was told."""
        webhook = self.env["metered.webhook"].create(
            {
                "name": "Hook",
                "address": "https://example.com/hook",
                "tells_usage_imported": True,
            }
        )
        webhook._new_secret()
        price = self.make_price(self.meter, (0, 0.5), free_units=1)
        product = self.make_metered_product("API calls", price)
        plan = self.make_subscription(self.customer, "2026-09-01", "2026-11-01")
        plan.sale_subscription_line_ids = [
            fields.Command.create({"product_id": product.id})
        ]
        return plan

    def test_every_route_is_in_it(self):
        """And nothing that is not there."""
        paths = {
            ARGUMENT.sub(r"{\1}", path)
            for file in CONTROLLERS.glob("*.py")
            for path in ROUTE.findall(file.read_text())
        }
        self.assertEqual(
            paths - {"/metered/v1/openapi.json"}, set(self.contract()["paths"])
        )

    def test_a_page_to_read_it(self):
        page = self.url_open("/metered/v1")
        self.assertEqual(page.status_code, 200)
        self.assertIn("text/html", page.headers["Content-Type"])
        for path in self.contract()["paths"]:
            self.assertIn(path, page.text)
