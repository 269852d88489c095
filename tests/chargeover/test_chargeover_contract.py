# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""ChargeOver's operations are as their contract says, whatever is sent to them."""

import re
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..api.test_openapi import CHECKS, EXAMPLES
from .test_chargeover_api import LOGGER, ChargeOverCase

CONTROLLER = Path(__file__).resolve().parents[2] / "controllers" / "chargeover.py"
ROUTE = re.compile(r'@route\("(/[^"]+)"')


@tagged("post_install", "-at_install")
class TestChargeOverContract(ChargeOverCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key.may_read = True

    def contract(self):
        return self.url_open("/metered/chargeover/openapi.json").json()

    def test_every_answer_is_as_described(self):
        self.ok(self.post(self.usage_of(external_key="a")), 201)
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
            sent = case.as_transport_kwargs(
                base_url=f"{self.base_url()}/metered/chargeover"
            )
            sent["auth"] = (self.public, self.private)
            cookies = sent.pop("cookies", None)
            answer = self.opener.request(**sent, cookies=cookies, timeout=30)
            # Whoever guesses a token is told to wait, by everybody's address.
            self.env["metered.wrong.token"].sudo().search([]).unlink()
            case.validate_response(answer, checks=CHECKS)

        ask()

    def test_answers_of_what_is_there(self):
        """Not only of what nobody has."""
        self.line.metered_external_key = "voip"
        schema = schemathesis.openapi.from_dict(self.contract())
        asked = {
            "this_line_item": {"external_key": "voip"},
            "from_datetime": OCTOBER[0],
            "to_datetime": OCTOBER[1],
            "security_token": self.private,
        }
        many = "/api/v3/usage/_action/bulk"
        one, line = self.usage_of(external_key="a"), self.line.id
        for path, sent, body, code in (
            ("/api/v3/usage", "", one, 201),
            (many, "", [one, {}], 201),
            ("/api/v3/usage", f"?line_item_id={line}", None, 200),
            ("/usage_url", "", asked, 400),
        ):
            with self.subTest(path, sent=sent):
                self.check(schema, path, sent, body, code)
        self.rate()
        self.check(schema, "/usage_url", "", asked, 200)
        self.check(schema, "/api/v3/usage", f"?line_item_id={line}", None, 200)

    def check(self, schema, path, sent, body, code):
        method = "GET" if body is None else "POST"
        answer = self.call(method, path + sent, json=body)
        self.assertEqual(answer.status_code, code, answer.text)
        case = schema[path][method].Case()
        case.validate_response(answer, checks=CHECKS)

    def test_every_route_is_in_it(self):
        """And nothing that is not there."""
        paths = {
            re.sub("<string:([a-z]+)>", r"{\1}", path)
            for path in ROUTE.findall(CONTROLLER.read_text("utf-8"))
        }
        self.assertEqual(paths - {"/openapi.json"}, set(self.contract()["paths"]))


OCTOBER = ("2026-10-01 00:00:00", "2026-10-31 23:59:59")
