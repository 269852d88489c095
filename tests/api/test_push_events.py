# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A program pushes events by HTTP: what it is answered, and what becomes of them."""

import base64
import gzip
import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.metered_billing.ingest.retry import retry_exceptions
from odoo.addons.metered_billing.models.api import metered_api

from ..support.metered_case import MeteredMakers

BATCH = "application/cloudevents-batch+json"


def event(number, **more):
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/shop",
        "type": "api.call",
        "subject": "acme",
        "time": "2026-10-05T10:00:00Z",
        "data": {"quantity": 2.5, "region": "eu"},
        **more,
    }


class PushCase(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.meter = cls.make_meter("API calls", code="api")
        cls.source = cls.make_source(
            "events",
            source_type="events",
            event_type_ids=[
                fields.Command.create({"name": "api.call", "meter_id": cls.meter.id})
            ],
        )
        cls.customer = cls.make_customer("Acme")
        cls.make_identifier(cls.customer, "acme", kind="key")
        cls.key = cls.env["metered.api.key"].create(
            {"name": "Shop", "source_ids": [fields.Command.set(cls.source.ids)]}
        )
        cls.token = cls.key._make()

    def push(self, data, query="", method="POST", **headers):
        headers.setdefault("Authorization", f"Bearer {self.token}")
        headers.setdefault("Content-Type", BATCH)
        return self.url_open(
            f"/metered/v1/events{query}",
            data=data if isinstance(data, bytes | str) else json.dumps(data),
            headers={n: v for n, v in headers.items() if v},
            method=method,
        )

    def statuses(self, answer):
        self.assertEqual(answer.status_code, 200, answer.text)
        return [one["status"] for one in answer.json()["events"]]

    def rate(self):
        syncs = self.source._start_posted()
        syncs._process()
        self.assertEqual(set(syncs.mapped("state")), {"done"}, syncs.mapped("error"))
        return syncs

    def cdrs(self):
        return self.env["metered.cdr"].search([("source_id", "=", self.source.id)])

    def exceptions(self):
        return self.env["metered.exception"].search(
            [("source_id", "=", self.source.id)]
        )

    def inbox(self):
        return self.env["metered.inbox"].search_count(
            [("source_id", "=", self.source.id)]
        )


@tagged("post_install", "-at_install")
class TestPushEvents(PushCase):
    def test_stored_and_then_rated(self):
        answer = self.push([event(1), event(2)])
        self.assertEqual(self.statuses(answer), ["accepted", "accepted"])
        self.assertEqual(answer.json()["counts"], {"accepted": 2})
        self.assertEqual(self.inbox(), 2)
        self.rate()
        self.assertFalse(self.inbox())
        cdrs = self.cdrs()
        self.assertEqual(set(cdrs.mapped("call_id")), {"/shop e1", "/shop e2"})
        self.assertEqual(cdrs.meter_id, self.meter)
        self.assertEqual(cdrs.partner_id, self.customer)
        self.assertEqual(sum(cdrs.mapped("quantity")), 5)
        self.assertEqual(cdrs.usage_id.quantity, 5)

    def test_the_same_again_and_another_content(self):
        """While it waits, when it is rated, and as an exception."""
        lost = event(3, subject="nobody")
        self.push([event(1), lost])
        for _state in range(3):
            again = self.push(
                [event(1), event(1, data={"quantity": 3}), lost, event(1)]
            )
            self.assertEqual(
                self.statuses(again),
                ["duplicate", "conflict", "duplicate", "duplicate"],
            )
            self.rate()
        self.assertEqual(self.cdrs().quantity, 2.5)
        self.assertEqual(
            sorted(self.exceptions().mapped("reason")), ["same_id", "unknown_customer"]
        )

    def test_only_what_is_kept_differs(self):
        """Quantity and time are the same, and yet it is another event."""
        self.push([event(1)])
        self.rate()
        other = event(1, subject="beta")
        self.assertEqual(self.statuses(self.push([other])), ["conflict"])
        self.assertEqual(self.statuses(self.push([other, other])), ["conflict"] * 2)
        self.rate()
        conflict = self.exceptions()
        self.assertEqual(conflict.mapped("reason"), ["same_id"])
        self.assertEqual(self.cdrs().partner_id, self.customer)
        self.assertEqual(self.statuses(self.push([other])), ["conflict"])
        self.rate()
        self.assertEqual(len(self.exceptions()), 1)

    def test_within_one_request(self):
        answer = self.push([event(1), event(1), event(1, subject="b"), 5])
        self.assertEqual(
            self.statuses(answer), ["accepted", "duplicate", "conflict", "rejected"]
        )
        self.rate()
        self.assertEqual((len(self.cdrs()), len(self.exceptions())), (1, 1))

    def test_what_is_not_known_waits_with_its_content(self):
        self.push(
            [
                event(1, subject="nobody"),
                event(2, type="other"),
                event(3, time=None),
                event(4, data={}),
                event(5, data={"quantity": "1,5"}),
            ]
        )
        self.rate()
        found = {row.call_id[-1]: row for row in self.exceptions()}
        self.assertEqual(
            {at: row.reason for at, row in found.items()},
            {
                "1": "unknown_customer",
                "2": "unknown_meter",
                "3": "invalid_time",
                "4": "invalid_quantity",
                "5": "invalid_quantity",
            },
        )
        self.assertEqual(json.loads(found["1"].raw)["data.region"], "eu")

    def test_a_setting_cures_what_has_other_fields(self):
        """An event that lacks the quantity is never counted as one."""
        self.push([event(1, data={"bytes": 7}), event(2, data={"other": 7})])
        self.rate()
        self.assertEqual(len(self.exceptions()), 2)
        column = self.source.column_ids.filtered(lambda c: c.target == "quantity")
        column.columns = "data.bytes"
        retry_exceptions(
            self.env.cr, self.source._load_settings(), self.exceptions().ids
        )
        self.env.invalidate_all()
        self.assertEqual(self.cdrs().quantity, 7)
        self.assertEqual(
            self.exceptions().filtered(lambda e: e.state == "open").reason,
            "invalid_quantity",
        )

    def test_kept_properties(self):
        self.source.column_ids = [
            fields.Command.create({"target": "property", "columns": "data.region"})
        ]
        self.push([event(1)])
        self.rate()
        self.assertEqual(self.cdrs().properties, {"data.region": "eu"})

    def test_one_import_a_day(self):
        for number in range(3):
            self.push([event(number)])
            self.rate()
        self.assertEqual(len(self.source.batch_ids), 1)
        self.assertEqual(len(self.source.sync_ids), 1)
        self.assertEqual(self.source.batch_ids.rated, 3)
        self.assertEqual(self.source.batch_ids.balance, "ok")
        self.assertEqual(len(self.source.sync_ids.line_ids), 1)
        self.assertEqual(sorted(self.cdrs().mapped("line")), [1, 2, 3])

    def test_undone_is_pushed_again(self):
        self.push([event(1)])
        self.rate()
        self.assertEqual(self.statuses(self.push([event(1)])), ["duplicate"])
        batch = self.source.batch_ids
        batch.action_undo()
        self.assertEqual(batch.state, "undone")
        self.assertEqual(self.statuses(self.push([event(1)])), ["accepted"])

    def test_packed_and_other_shapes(self):
        packed = gzip.compress(json.dumps([event(1)]).encode())
        answer = self.push(packed, **{"Content-Encoding": "gzip"})
        self.assertEqual(self.statuses(answer), ["accepted"])
        lines = "\n".join(json.dumps(event(n)) for n in (1, 2))
        answer = self.push(lines, **{"Content-Type": "application/x-ndjson"})
        self.assertEqual(self.statuses(answer), ["duplicate", "accepted"])
        answer = self.push(
            '{"quantity": 2.50, "region": "eu"}',
            **{
                "Content-Type": "application/json",
                **{
                    f"ce-{name}": event(2)[name]
                    for name in (
                        "id",
                        "source",
                        "type",
                        "subject",
                        "time",
                        "specversion",
                    )
                },
            },
        )
        self.assertEqual(self.statuses(answer), ["duplicate"])

    def test_validated_and_not_stored(self):
        self.key.may_read = True
        answer = self.push(
            [event(1), event(2, subject="x"), event(3, type="x"), 1],
            query="?validate=true",
        )
        self.assertEqual(
            self.statuses(answer), ["rated", "exception", "exception", "rejected"]
        )
        first, second, *_others = answer.json()["events"]
        self.assertEqual(
            (first["customer"], first["meter"], first["quantity"]),
            ("Acme", "api", "2.5"),
        )
        self.assertEqual(second["reason"], "unknown_customer")
        self.assertFalse(self.inbox())
        many = [event(n) for n in range(101)]
        self.assertEqual(self.push(many, query="?validate=true").status_code, 422)

    def test_what_can_be_read_in_two_ways_is_an_exception(self):
        """Times, quantities and numbers that are no numbers: nothing is guessed."""
        self.key.may_read = True
        good = {
            "2026-10-05T10:00:00Z": "2026-10-05T10:00:00+00:00",
            "2026-10-05T10:00:00+02:00": "2026-10-05T08:00:00+00:00",
            1791194400: "2026-10-05T10:00:00+00:00",
            1791194400000: "2026-10-05T10:00:00+00:00",
        }
        bad = ("05/10/2026 10:00", "10:00", "2026-13-05T10:00:00Z", "yesterday", -1)
        bad += ("2026-10-05T25:00:00Z", "99999-10-05T10:00:00Z", 10**30, True, [1])
        sent = [event(n, time=time) for n, time in enumerate((*good, *bad))]
        told = self.push(sent, query="?validate=true").json()["events"]
        self.assertEqual([one.get("time") for one in told[:4]], [*good.values()])
        self.assertEqual(
            [one["status"] for one in told[4:]], ["exception"] * len(bad), told[4:]
        )
        amounts = {"2.50": "2.5", 1e3: "1000", -3: "-3", "1.250": "1.25"}
        bad = (
            "1e3",
            "1,5",
            "1.000,5",
            "0x10",
            "1_000",
            "NaN",
            "Infinity",
            "--1",
        )
        bad += ("１２", "1e400", "9" * 40, True, None, [1], {"a": 1})
        sent = [
            event(n, data={"quantity": one}) for n, one in enumerate((*amounts, *bad))
        ]
        told = self.push(sent, query="?validate=true").json()["events"]
        self.assertEqual([one.get("quantity") for one in told[:4]], [*amounts.values()])
        self.assertEqual(
            [one["status"] for one in told[4:]], ["exception"] * len(bad), told[4:]
        )

    def test_who_only_pushes_reads_nothing(self):
        """Neither whose an event is, nor what a day or a period comes to."""
        own = {"event", "status", "meter", "unit", "quantity", "time", "properties"}
        self.push([event(0)])

        def told_of(number):
            path = f"?event=%2Fshop%20e{number}"
            return self.push(None, path, "GET").json()

        [told] = self.push([event(1)], query="?rated=true").json()["events"]
        self.assertEqual(set(told["result"]), own)
        self.assertEqual(set(told_of(1)), own)
        [told] = self.push([event(2)], query="?validate=true").json()["events"]
        self.assertEqual(set(told) - own, {"index"})
        canceled = self.push("", "?event=%2Fshop%20e1", "DELETE").json()
        self.assertLessEqual(
            set(canceled), {"event", "status", "reason", "message", "detail"}
        )
        self.key.may_read = True
        self.push([event(3)], query="?rated=true")
        told = told_of(3)
        self.assertEqual(told["customer"], "Acme")
        self.assertTrue(told["day"])

    def test_rated_before_it_is_answered(self):
        self.key.may_read = True
        answer = self.push([event(1), event(2, subject="nobody")], query="?rated=true")
        self.assertEqual(self.statuses(answer), ["accepted", "accepted"])
        first, second = (one["result"] for one in answer.json()["events"])
        self.assertEqual((first["status"], first["quantity"]), ("rated", "2.5"))
        self.assertEqual(first["day"]["quantity"], "2.5")
        self.assertEqual(second["reason"], "unknown_customer")
        self.assertFalse(self.inbox())

    def test_another_process_rates_meanwhile(self):
        """What it leaves is rated when it is done; no second import is begun."""
        Sync = type(self.env["metered.sync"])
        real, busy = Sync._process, [True, True]

        def process(sync, *args):
            return False if busy and busy.pop() else real(sync, *args)

        with patch.object(Sync, "_process", process):
            answer = self.push([event(1)], query="?rated=true")
        [told] = answer.json()["events"]
        self.assertEqual(told["result"]["status"], "rated")
        self.assertEqual((len(self.source.sync_ids), busy), (1, []))

    def test_what_cannot_be_rated_is_tried_once(self):
        """It is stored all the same, and said to wait."""
        target = (
            "odoo.addons.metered_billing.models.source.metered_source.load_settings"
        )
        with (
            patch(target, side_effect=UserError("no settings")),
            mute_logger("odoo.addons.metered_billing.models.job.metered_job"),
        ):
            answer = self.push([event(1)], query="?rated=true")
        [told] = answer.json()["events"]
        self.assertEqual(told["status"], "accepted")
        self.assertEqual(told["result"]["status"], "waiting")
        self.assertEqual(self.source.sync_ids.mapped("state"), ["failed"])

    def test_odd_keys(self):
        """Whatever stands where a key is expected is wrong, and no fault of ours."""
        for given in ("mk_\0" * 5, "\0", "é" * 20, f"{self.token}\0", "\ud7ff", "\x7f"):
            basic = base64.b64encode(f"{given}:{given}".encode()).decode()
            answers = [
                self.push(None, "?event=x", "GET", Authorization=f"Basic {basic}"),
                self.url_open(
                    "/metered/chargeover/api/v3/package/1",
                    headers={"Authorization": f"Basic {basic}"},
                ),
                self.url_open(
                    "/metered/chargeover/usage_url",
                    json.dumps({"security_token": given}),
                    headers={"Content-Type": "application/json"},
                ),
            ]
            with self.subTest(ascii(given)):
                self.assertEqual([one.status_code for one in answers], [401] * 3)
            self.env["metered.wrong.token"].sudo().search([]).unlink()

    def test_faults_of_the_whole_request(self):
        good = json.dumps([event(1)])
        for status, data, headers in (
            (401, good, {"Authorization": "Bearer wrong"}),
            (401, good, {"Authorization": f"Bearer {self.token}x"}),
            (401, good, {"Authorization": f"Bearer {self.token[:12]}"}),
            (401, good, {"Authorization": ""}),
            (400, "no json", {}),
            (400, good, {"Content-Encoding": "gzip"}),
            (413, b"[" + b"1," * 10_000 + b"1]", {}),
            (413, b"x" * (16 * 2**20 + 1), {}),
            (415, good, {"Content-Type": "text/csv"}),
            (415, good, {"Content-Encoding": "br"}),
        ):
            with self.subTest(status=status, headers=ascii(headers)):
                answer = self.push(data, **headers)
                self.assertEqual(answer.status_code, status, answer.text[:200])
                self.assertEqual(
                    answer.headers["Content-Type"], "application/problem+json"
                )
                self.assertEqual(answer.json()["status"], status)
                self.assertTrue(answer.json()["detail"])
        for method in ("OPTIONS", "PUT", "PATCH"):
            answer = self.push(good, method=method)
            self.assertEqual(answer.status_code, 405)
            self.assertEqual(answer.json()["status"], 405)
        self.assertFalse(self.inbox())

    def test_too_many_wait(self):
        with patch(
            "odoo.addons.metered_billing.models.source.metered_source_events.is_full",
            return_value=True,
        ):
            answer = self.push([event(1)])
        self.assertEqual(answer.status_code, 503)
        self.assertTrue(int(answer.headers["Retry-After"]))

    def test_a_source_of_events_keeps_what_tells_them_apart(self):
        column = self.source.column_ids.filtered(lambda c: c.target == "call_id")
        for change in (
            {"record_kind": "call"},
            {"column_ids": [fields.Command.delete(column.id)]},
            {"column_ids": [fields.Command.update(column.id, {"columns": "id"})]},
        ):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.source.write(change)
        with self.assertRaisesRegex(UserError, "does not receive posts"):
            self.source.action_new_token()

    def test_tried_in_the_form(self):
        self.source.event_sample = json.dumps(event(1))
        self.source.action_try_event()
        [group] = self.source.event_tried["groups"]
        self.assertTrue(group["ok"])
        self.assertIn("Acme", [check["detail"] for check in group["checks"]])
        self.source.event_sample = json.dumps(event(1, subject="nobody"))
        self.source.action_try_event()
        self.assertFalse(self.source.event_tried["groups"][0]["ok"])
        for bad in ("", "[]", "no json"):
            self.source.event_sample = bad
            with self.assertRaises(UserError):
                self.source.action_try_event()
        self.assertFalse(self.inbox())


@tagged("post_install", "-at_install")
class TestApiKey(PushCase):
    def status(self, token=None, query=""):
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.push([event(1)], query=query, **headers).status_code

    def test_shown_once_and_kept_as_a_digest(self):
        self.assertNotIn(self.token, str(self.key.sudo().read()))
        self.assertTrue(self.token.startswith(self.key.prefix))
        with self.assertRaisesRegex(UserError, "already created"):
            self.key.action_make()
        copy = self.key.copy()
        self.assertEqual((copy.state, copy.prefix), ("new", False))
        action = copy.action_make()
        self.assertEqual(self.status(action["context"]["default_token"]), 200)
        self.assertEqual(self.status(), 200)

    def test_revoked_and_expired(self):
        self.key.expires = fields.Datetime.now() - timedelta(seconds=1)
        self.assertEqual((self.key.state, self.status()), ("expired", 401))
        self.key.expires = False
        self.assertEqual(self.status(), 200)
        self.key.action_revoke()
        self.assertEqual((self.key.state, self.status()), ("revoked", 401))
        self.assertIn("Key revoked", self.key.message_ids[0].body)

    def test_for_what_it_is(self):
        self.key.may_push = False
        self.assertEqual(self.status(), 403)
        self.key.may_push = True
        other = self.make_source("events", source_type="events")
        self.assertEqual(self.status(query=f"?source={other.id}"), 403)
        self.assertEqual(self.status(query="?source=999999"), 403)
        self.assertEqual(self.status(query="?source=x"), 403)
        self.assertEqual(self.status(query=f"?source={self.source.id}"), 200)
        self.key.source_ids |= other
        self.assertEqual(self.status(), 400)
        self.assertEqual(self.status(query=f"?source={other.id}"), 200)
        self.key.source_ids = False
        self.assertEqual(self.status(), 403)
        with self.assertRaises(ValidationError):
            self.key.source_ids = self.make_source()

    def test_another_companys_source(self):
        company = self.env["res.company"].create({"name": "Other"})
        source = self.make_source(
            "events",
            source_type="events",
            company_id=company.id,
        )
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.key.source_ids = source
        # Also where it got there in another way.
        self.env.cr.execute(
            "INSERT INTO metered_api_key_metered_source_rel VALUES (%s, %s)",
            (self.key.id, source.id),
        )
        self.env.invalidate_all()
        self.assertEqual(self.status(query=f"?source={source.id}"), 403)

    def test_archived_source(self):
        self.source.active = False
        self.assertEqual(self.status(), 403)

    def test_the_last_use_is_shown(self):
        self.assertFalse(self.key.last_used)
        self.status()
        self.env.invalidate_all()
        self.assertTrue(self.key.last_used)
        self.assertTrue(self.key.last_address)

    def test_too_many(self):
        key = self.key.copy({"requests_per_minute": 2})
        token = key._make()
        found = [self.status(token) for _time in range(4)]
        self.assertIn(429, found)
        self.assertEqual(found[0], 200)

    def test_guessing_is_slowed_down(self):
        wrong = f"{self.token[:-1]}!"
        found = [self.status(wrong) for _time in range(12)]
        self.assertEqual(found[0], 401)
        self.assertEqual(found[-1], 429)
        self.assertEqual(self.status(), 200)


@tagged("post_install", "-at_install")
class TestReadBack(PushCase):
    def get_path(self, path, token=None):
        return self.url_open(
            f"/metered/v1/{path}",
            headers={"Authorization": f"Bearer {token or self.token}"},
        )

    def reader(self, **values):
        key = self.env["metered.api.key"].create(
            {"name": "Reader", "may_push": False, "may_read": True, **values}
        )
        return key._make()

    def test_what_became_of_an_event(self):
        self.key.may_read = True
        self.push([event(1), event(2, subject="nobody")])
        path = "events?event=%2Fshop%20e1"
        self.assertEqual(self.get_path(path).json()["status"], "waiting")
        self.rate()
        told = self.get_path(path).json()
        self.assertEqual(
            (told["status"], told["customer"], told["quantity"], told["meter"]),
            ("rated", "Acme", "2.5", "api"),
        )
        self.assertFalse(told["invoice"])
        self.assertEqual(told["time"], "2026-10-05T10:00:00Z")
        told = self.get_path("events?event=%2Fshop%20e2").json()
        self.assertEqual(
            (told["status"], told["reason"]), ("exception", "unknown_customer")
        )
        self.assertEqual(self.get_path("events?event=x").status_code, 404)
        self.assertEqual(self.get_path("events").status_code, 422)

    def test_a_part_of_the_usage_is_not_told_as_the_whole(self):
        self.push([event(1), event(2, time="2026-10-06T10:00:00Z")])
        self.rate()
        path = "usage?subject=acme&from=2026-10-01&to=2026-11-01"
        token = self.reader()
        with patch.object(metered_api, "MOST_ROWS", 1):
            answer = self.get_path(path, token)
            self.assertEqual(answer.status_code, 422)
            self.assertIn("fewer days", answer.json()["detail"])
            fewer = path.replace("2026-11-01", "2026-10-06")
            self.assertEqual(len(self.get_path(fewer, token).json()["usage"]), 1)

    def test_usage_by_day(self):
        self.push([event(1), event(2), event(3, time="2026-10-06T10:00:00Z")])
        self.rate()
        token = self.reader()
        path = "usage?subject=acme&from=2026-10-01&to=2026-11-01"
        told = self.get_path(path, token).json()["usage"]
        self.assertEqual(
            [(row["day"], row["records"], row["quantity"]) for row in told],
            [("2026-10-05", 2, "5"), ("2026-10-06", 1, "2.5")],
        )
        self.assertEqual(self.get_path(path).status_code, 403)
        for path, status in (
            ("usage?subject=nobody&from=2026-10-01&to=2026-11-01", 404),
            ("usage?subject=acme&from=2026-10-01", 422),
            ("usage?subject=acme&from=2026-10-01&to=20261101ab", 422),
            ("usage?subject=acme&from=2026-10-02&to=2026-10-01", 422),
            ("usage?subject=acme&from=2020-10-02&to=2026-10-01", 422),
        ):
            answer = self.get_path(path, token)
            self.assertEqual((path, answer.status_code), (path, status))

    def sell(self):
        """A subscription with usage of October that is priced."""
        price = self.make_price(self.meter, (1, 0), (0, 0.5))
        product = self.make_metered_product("API calls", price)
        plan = self.make_subscription(self.customer, "2026-09-01", "2026-11-01")
        plan.sale_subscription_line_ids = [
            fields.Command.create({"product_id": product.id})
        ]
        self.push([event(1)])
        self.rate()
        return plan

    def test_from_an_event_to_its_invoice(self):
        """Of 2.5 calls 1 is free, the others cost 0.5."""
        self.key.may_read = True
        plan = self.sell()
        token = self.reader(may_invoice=True)
        path = "usage?subject=acme&from=2026-10-01&to=2026-11-01"
        [row] = self.get_path(path, token).json()["usage"]
        self.assertEqual((row["amount"], row["is_final"]), ("0.75", False))
        told = self.get_path("events?event=%2Fshop%20e1").json()
        self.assertEqual(told["day"]["amount"], "0.75")

        invoice = plan._metered_renew()
        told = self.get_path("events?event=%2Fshop%20e1").json()
        self.assertEqual(
            (told["invoice"]["id"], told["invoice"]["state"]), (invoice.id, "draft")
        )
        day = f"{fields.Date.today()}"
        until = f"{fields.Date.add(fields.Date.today(), days=1)}"
        path = f"invoices?subject=acme&from={day}&to={until}"
        self.assertEqual(self.get_path(path, token).json()["invoices"], [])
        invoice.invoice_date = day
        invoice.action_post()
        [told] = self.get_path(path, token).json()["invoices"]
        self.assertEqual((told["number"], told["total"]), (invoice.name, "10.75"))
        self.assertEqual([line["amount"] for line in told["lines"]], ["0.75"])
        # A key that may read usage may not read invoices.
        self.assertEqual(self.get_path(path, self.reader()).status_code, 403)

    def test_what_is_left_of_allowances(self):
        token = self.reader()
        told = self.get_path("entitlements?subject=acme", token)
        self.assertEqual(
            told.json(),
            {
                "subject": "acme",
                "allowed": True,
                "subscriptions": [],
                "entitlements": [],
            },
        )
        plan = self.env["metered.calling.plan"].create(
            {
                "name": "Plan",
                "allowance_ids": [
                    fields.Command.create({"name": "Minutes", "amount": 100})
                ],
            }
        )
        today = fields.Date.today()
        subscription = self.make_subscription(self.customer, today, today)
        self.env["metered.allowance.balance"].sudo().create(
            {
                "company_id": self.company.id,
                "partner_id": self.customer.id,
                "subscription_id": subscription.id,
                "allowance_id": plan.allowance_ids.id,
                "date_from": today,
                "date_to": fields.Date.add(today, months=1),
                "granted": 100,
                "used": 99.5,
                "left": 0.5,
            }
        )
        [told] = self.get_path("entitlements?subject=acme", token).json()[
            "entitlements"
        ]
        self.assertEqual(
            (told["plan"], told["left"], told["is_allowed"]), ("Plan", "0.5", True)
        )
        self.assertEqual(self.get_path("entitlements?subject=acme").status_code, 403)

    def test_an_event_of_several_sources(self):
        """What is told is of the one that is meant, or of none."""
        self.key.may_read = True
        other = self.make_source("events", source_type="events")
        self.key.source_ids |= other
        lost = {"id": "order-1", "subject": "nobody", "type": "api.call"}
        self.push(lost, f"?source={other.id}", **{"Content-Type": "application/json"})
        path = "events?event=order-1"
        self.assertEqual(self.get_path(path).json()["status"], "waiting")
        own = {**lost, "subject": "acme", "time": "2026-10-05T10:00:00Z", "quantity": 1}
        query = f"?source={self.source.id}"
        self.push(own, query, **{"Content-Type": "application/json"})
        for sync in self.source._start_posted():
            sync._process()
        answer = self.get_path(path)
        self.assertEqual(answer.status_code, 422)
        self.assertIn("&source=", answer.json()["detail"])
        for source, status in ((self.source, "rated"), (other, "exception")):
            told = self.get_path(f"{path}&source={source.id}").json()
            self.assertEqual(told["status"], status)
        self.assertEqual(self.get_path(f"{path}&source=0").status_code, 404)

    def test_an_identifier_of_several_customers(self):
        """As an extension is of another one on each switch: none is told by chance."""
        self.push([event(1)])
        self.rate()
        other = self.make_customer("Other")
        switch = self.make_source("generic")
        own = self.make_identifier(other, "acme", kind="extension")
        own.source_id = switch
        days = "subject=acme&from=2026-10-01&to=2026-11-01"
        paths = (f"usage?{days}", f"invoices?{days}", "quotes?subject=acme")
        self.key.write({"may_read": True, "may_invoice": True})
        for path in (*paths, "entitlements?subject=acme"):
            answer = self.get_path(path)
            self.assertEqual(answer.status_code, 422, path)
            self.assertIn("Several customers", answer.json()["detail"])
        # Events of the key are of the one that its source knows.
        own.source_id = self.source
        self.assertEqual(self.get_path(f"usage?{days}").json()["usage"], [])

    def test_another_company_sees_nothing(self):
        self.push([event(1)])
        self.rate()
        company = self.env["res.company"].create({"name": "Other"})
        token = self.reader(company_id=company.id)
        path = "usage?subject=acme&from=2026-10-01&to=2026-11-01"
        self.assertEqual(self.get_path(path, token).status_code, 404)
        self.assertEqual(
            self.get_path("events?event=%2Fshop%20e1", token).status_code, 404
        )

    def test_who_only_pushes_sees_its_own(self):
        other = self.make_source("events", source_type="events")
        self.push([event(1)])
        token = (
            self.env["metered.api.key"]
            .create({"name": "Other", "source_ids": [fields.Command.set(other.ids)]})
            ._make()
        )
        path = "events?event=%2Fshop%20e1"
        self.assertEqual(self.get_path(path, token).status_code, 404)
        self.assertEqual(self.get_path(path).status_code, 200)
