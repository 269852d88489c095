# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whatever is sent with or without a key is answered, and never by a fault of ours."""

import base64
import json

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..pending.test_billforward import BillForwardCase

LOGGER = "odoo.addons.metered_billing.models.source.metered_source_token"
#: texts where an id, a name or a number is expected
ODD = (
    "",
    " ",
    "0",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "1e400",
    "１２",
    "٣",
    "²",
    "2147483648",
    "9" * 19,
    "9" * 400,
    "true",
    "null",
    "INV-1 OR 1=1",
    "%",
    "_",
    "%00",
    "%ff%fe",
    "%F0%9F%92%A9",
    "..%2F..",
    "\u202e1",
)
NUMBERS = (
    "1e999999999",
    "-0",
    "-1",
    "1e-400",
    "1E+3",
    "0.1e1",
    "9" * 400,
    "0." + "0" * 400 + "1",
    "NaN",
    "Infinity",
    "true",
    "null",
    '"１"',
    '"1,5"',
    '" 1"',
    '"\\u0000"',
    '"\\ud800"',
    "[]",
    "{}",
)


@tagged("post_install", "-at_install")
class TestPushAttack(BillForwardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_identifier(cls.customer, "acme", kind="key")
        cls.source = cls.make_source(
            "events",
            source_type="events",
            event_type_ids=[
                fields.Command.create({"name": "m", "meter_id": cls.meter.id})
            ],
        )
        cls.lines = cls.make_source("chargeover", source_type="chargeover")
        cls.key.write(
            {
                "may_push": True,
                "may_read": True,
                "source_ids": [fields.Command.set((cls.source | cls.lines).ids)],
            }
        )

    def ask(self, method, path, data=None, token=None, **headers):
        headers.setdefault("Authorization", f"Bearer {token or self.token}")
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        answer = self.url_open(f"/metered{path}", data, headers=headers, method=method)
        self.assertNotIn(answer.status_code, range(500, 503), (path, data, answer.text))
        return answer

    @mute_logger(LOGGER)
    def test_odd_keys(self):
        for given in ("mk_\0" * 5, "\0", "mk_" + "é" * 20, self.token + "\0", "\ud7ff"):
            basic = base64.b64encode(f"{given}:{given}".encode()).decode()
            for path in ("/v1/events?event=x", "/chargeover/api/v3/package/1"):
                with self.subTest(ascii(given), path=path):
                    answer = self.ask("GET", path, Authorization=f"Basic {basic}")
                    self.assertIn(answer.status_code, (401, 429))
                    self.env["metered.wrong.token"].sudo().search([]).unlink()

    def test_odd_ids(self):
        for odd in ODD:
            for path in (
                "/v1/events?event={}",
                "/v1/usage?subject={0}&from={0}&to={0}",
                "/v1/usage?subject={}&from=2026-10-01&to=2026-10-02",
                "/v1/entitlements?subject={}",
                "/v1/quotes?subject={}",
                "/v1/quotes?subject=acme&subscription={}",
                "/v1/webhook_deliveries?from={0}&to={0}",
                "/v1/invoices?subject={}&from=2026-10-01&to=2026-10-02",
                "/billforward/v1/invoices/{}",
                "/billforward/v1/invoices/state/{}",
                "/billforward/v1/invoices/subscription/{}",
                "/billforward/v1/invoices/INV-{}/charges",
                "/billforward/v1/invoices/state/Paid?offset={0}&records={0}",
                "/billforward/v1/charges/CHG-{}",
                "/billforward/v1/notifications?offset={}",
                "/billforward/v1/notifications/{}",
                "/chargeover/api/v3/package/{}",
                "/chargeover/api/v3/package?external_key={}",
                "/chargeover/api/v3/package?where=external_key:EQUALS:{}",
                "/chargeover/api/v3/usage?line_item_id={}",
                "/chargeover/api/v3/usage?external_key={}",
                "/chargeover/api/v3/usage?external_key=a&limit={0}&offset={0}",
                "/chargeover/api/v3/usage?external_key=a&from={0}&to={0}",
            ):
                with self.subTest(ascii(odd), path=path):
                    self.ask("GET", path.format(odd))
            self.ask("DELETE", f"/v1/events?source={self.source.id}&event={odd}")
            self.ask("POST", f"/v1/events?source={odd}", "[]")

    def test_odd_numbers(self):
        invoice = self.renew()
        charge, [line] = self.charge_of(invoice), self.plan._metered_lines()
        for number in NUMBERS:
            for path, body in (
                (f"/v1/events?source={self.source.id}&rated=true", '{"id": "N", "type": "m", "subject": "acme", "time": "2026-10-05", "data": {"quantity": N}}'),
                ("/v1/quotes", '{"subject": "acme", "quantities": {"messages": N}}'),
                ("/v1/quotes", '{"subject": N}'),
                ("/billforward/v1/quotes", f'{{"subscriptionID": "SUB-{self.plan.id}", "quantities": [{{"pricingComponent": "messages", "quantity": N}}]}}'),
                ("/billforward/v1/quotes", '{"subscriptionID": N}'),
                (f"/billforward/v1/charges/CHG-{charge.id}/recalculate", '{"pricingComponentValue": N, "dryRun": true}'),
                ("/billforward/v1/charges/recalculate", f'{{"charges": [{{"id": "CHG-{charge.id}", "pricingComponentValue": N}}], "dryRun": true}}'),
                (f"/billforward/v1/invoices/INV-{invoice.id}/recalculate", '{"newState": N, "dryRun": true}'),
                ("/chargeover/api/v3/usage", f'{{"line_item_id": {line.id}, "usage_value": N}}'),
                ("/chargeover/api/v3/usage", '{"line_item_id": N, "usage_value": 1}'),
                ("/chargeover/api/v3/usage/_action/bulk", f'[{{"line_item_id": {line.id}, "usage_value": N, "from": "2026-02-30"}}]'),
                ("/chargeover/usage_url", '{"this_line_item": {"external_key": N}, "from_datetime": N, "to_datetime": "2026-10-31 23:59:59", "security_token": "T"}'),
            ):
                sent = body.replace("N", number, body.count(" N")) if '"id": "N"' not in body else body.replace(" N}", f" {number}}}")
                sent = sent.replace('"T"', json.dumps(self.token))
                with self.subTest(number[:20], path=path):
                    self.ask("POST", path, sent)
        for source in (self.source, self.lines):
            syncs = source._start_posted()
            syncs and syncs._process()
            self.assertLessEqual(set(syncs.mapped("state")), {"done"}, syncs.mapped("error"))
        self.ask("GET", f"/chargeover/api/v3/usage?line_item_id={line.id}")

    def test_huge_numbers_that_are_taken(self):
        """An amount that no invoice holds is told, and is no fault."""
        for quantity in ("9" * 12, "9" * 30, "0." + "0" * 39 + "1"):
            answer = self.ask("POST", "/v1/quotes", '{"subject": "acme", "quantities": {"messages": %s}}' % quantity)
            print(quantity, answer.status_code, answer.text[:300])
        invoice = self.renew()
        charge = self.charge_of(invoice)
        answer = self.ask("POST", f"/billforward/v1/charges/CHG-{charge.id}/recalculate", '{"pricingComponentValue": %s}' % ("9" * 12))
        print(answer.status_code, answer.text[:1500])
        answer = self.ask("POST", f"/billforward/v1/invoices/INV-{invoice.id}/recalculate", '{"newState": "Unpaid", "dryRun": true}')
        print(answer.status_code, answer.text[:500])
        for number in ("9" * 15, "9" * 40, "1e30", "1e60", "-" + "9" * 15):
            answer = self.ask("POST", f"/v1/events?source={self.source.id}&rated=true", '{"id": "%s", "type": "m", "subject": "acme", "time": "2026-11-05", "data": {"quantity": %s}}' % (number, number))
            print(number, answer.status_code, answer.text[:700])
        answer = self.ask("GET", "/v1/usage?subject=acme&from=2026-11-01&to=2026-11-30")
        print(answer.status_code, answer.text[:1500])
        answer = self.ask("GET", "/v1/quotes?subject=acme")
        print(answer.status_code, answer.text[:1500])

    def test_cancel_after_undo(self):
        body = {"id": "e1", "type": "m", "subject": "late", "time": "2026-10-05", "data": {"quantity": 1}}
        source = f"source={self.source.id}"
        self.ask("POST", f"/v1/events?{source}", json.dumps(body))
        syncs = self.source._start_posted()
        syncs._process()
        self.make_identifier(self.customer, "late", kind="key")
        exception = self.env["metered.exception"].search([("source_id", "=", self.source.id)])
        exception.action_retry()
        batch = exception.batch_id
        print("state", exception.state, batch.state)
        batch.action_undo()
        self.env["metered.batch"].search([])._process() if hasattr(batch, "_process") else None
        print("after", exception.exists().state, self.env["metered.cdr"].search_count([("source_id", "=", self.source.id)]))
        answer = self.ask("DELETE", f"/v1/events?{source}&event=e1")
        print(answer.status_code, answer.text)
