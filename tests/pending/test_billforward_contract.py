# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Answers about invoices that are there are as the contract describes them."""

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..api.test_openapi import CHECKS
from .test_billforward import BASE, BillForwardCase

EXAMPLES = 15
LOGGER = "odoo.addons.metered_billing.models.source.metered_source_token"


@tagged("post_install", "-at_install")
class TestBillForwardContract(BillForwardCase):
    def setUp(self):
        super().setUp()
        contract = self.url_open("/metered/v1/openapi.json").json()
        self.schema = schemathesis.openapi.from_dict(contract)
        self.key.may_read = True
        self.invoice = self.renew()
        self.ids = {
            "invoices": f"INV-{self.invoice.id}",
            "charges": f"CHG-{self.charge_of(self.invoice).id}",
        }

    def operations(self):
        """(path of the contract, the same for what is there, method)"""
        for path, methods in self.schema.raw_schema["paths"].items():
            if not path.startswith(BASE):
                continue
            kind = path.removeprefix(BASE).split("/")[1]
            there = path.replace("{state}", "Pending")
            if "/subscription/" in path:
                there = there.replace("{id_}", f"SUB-{self.plan.id}")
            elif kind == "notifications":
                sent = self.env["metered.webhook.delivery"].search([], limit=1)
                there = there.replace("{id_}", f"NOT-{sent.id}")
            else:
                there = there.replace("{id_}", self.ids.get(kind, ""))
            for method in methods:
                yield path, there.removeprefix(BASE), method

    def validate(self, path, method, answer, status=200):
        self.assertEqual(answer.status_code, status, answer.text)
        parameters = {"id_": "INV-1", "state": "Pending"}
        case = self.schema[path][method.upper()].Case(path_parameters=parameters)
        case.validate_response(answer, checks=CHECKS)

    def test_what_is_there(self):
        bodies = {
            "/charges/{id_}/recalculate": {"pricingComponentValue": 105},
            "/quotes": {
                "subscriptionID": f"SUB-{self.plan.id}",
                "quantities": [{"pricingComponent": "messages", "quantity": 105}],
            },
            "/charges/recalculate": {
                "charges": [{"id": self.ids["charges"], "pricingComponentValue": 105}]
            },
        }
        seen = 0
        # What issues it comes last.
        for path, there, method in sorted(
            self.operations(), key=lambda one: (one[0].endswith("issue"), one)
        ):
            with self.subTest(path=path, method=method):
                if method == "get":
                    answer = self.client.get(there)
                else:
                    body = bodies.get(path.removeprefix(BASE), {})
                    answer = self.client.post(there, body)
                self.validate(path, method, answer)
                seen += 1
        self.assertGreater(seen, 11)
        self.assertEqual(self.invoice.state, "posted")
        for path, there, method in self.operations():
            if "recalculate" in path:
                body = bodies.get(path.removeprefix(BASE), {})
                self.validate(path, method, self.client.post(there, body), 409)

    def test_whatever_is_posted_about_it(self):
        for path, there, method in self.operations():
            if method != "post":
                continue
            operation = self.schema[path]["POST"]
            for mode in GenerationMode:
                with self.subTest(path=path, mode=mode.value):
                    self.fuzz(operation, mode, there)

    def fuzz(self, operation, mode, there):
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
            sent["url"] = self.base_url() + BASE + there
            sent["headers"] = {**(sent.get("headers") or {}), **self.client.headers}
            cookies = sent.pop("cookies", None)
            answer = self.opener.request(**sent, cookies=cookies, timeout=30)
            case.validate_response(answer, checks=CHECKS)

        ask()
