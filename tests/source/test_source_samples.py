# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Levels that a switch is asked for: each once, and never in the way of calls."""

from datetime import timedelta

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import freeze_time, tagged

from odoo.addons.metered_billing.demo.servers.faulty_http import Fault
from odoo.addons.metered_billing.demo.servers.rest import API_KEY, SETTINGS

from ..support.source_case import DAY
from .test_source_sync import BOLT, SourceCase
from .test_source_types import RestCase

NOON = "2026-10-07 12:00:00"


@tagged("post_install", "-at_install")
@freeze_time(NOON)
class TestSamples(SourceCase):
    def setUp(self):
        super().setUp()
        self.meters = {
            name: self.make_meter(
                name,
                kind="gauge",
                aggregation="max",
                level_holds=True,
            )
            for name in ("extensions", "allowed", "active")
        }
        self.source.write(
            {f"sample_{name}_meter_id": m.id for name, m in self.meters.items()}
        )
        self.acme.active_calls, self.acme.allowed_calls = 7, 25
        self.addCleanup(self.server.faults.clear)

    def samples(self, name, partner=None):
        """(account, time, level) of the samples of a meter."""
        cdrs = self.env["metered.cdr"].search(
            [
                ("meter_id", "=", self.meters[name].id),
                ("partner_id", "=", (partner or self.customer).id),
            ],
            order="start_time",
        )
        usage = cdrs.usage_id
        self.assertEqual(sum(usage.mapped("records")), len(cdrs))
        self.assertEqual(sum(usage.mapped("quantity")), sum(cdrs.mapped("quantity")))
        return [(f"{cdr.start_time:%H:%M}", cdr.quantity) for cdr in cdrs]

    def check(self):
        [found] = self.source._check_samples()
        return found

    def test_active_calls_once_in_each_slot(self):
        bolt = self.make_account(BOLT, self.other)
        self.assertFalse(self.check().ok)
        for at, active in ((0, 7), (3, 9), (5, 9), (11, 4)):
            self.acme.active_calls = active
            with freeze_time(f"2026-10-07 12:{at:02d}:00"):
                self.source._sample_active()
        self.assertEqual(
            self.samples("active"), [("12:00", 7), ("12:05", 9), ("12:11", 4)]
        )
        self.assertEqual(len(self.samples("active", self.other)), 3)
        self.assertFalse(self.source.sample_error)
        self.assertTrue(self.check().ok)
        # One that is archived is not asked for.
        bolt.active = False
        with freeze_time("2026-10-07 12:15:00"):
            self.env["metered.source"].browse(self.source.id)._sample_active()
        self.assertEqual(len(self.samples("active")), 4)
        self.assertEqual(len(self.samples("active", self.other)), 3)
        self.assertEqual(self.server.problems, [])

    def test_a_longer_interval(self):
        self.source.sample_minutes = 60
        for at in ("12:00", "12:30", "13:05"):
            with freeze_time(f"2026-10-07 {at}:00"):
                self.source._sample_active()
        self.assertEqual(self.samples("active"), [("12:00", 7), ("13:05", 7)])
        for minutes in (0, 4, 1441):
            with self.assertRaises(ValidationError):
                self.source.sample_minutes = minutes

    def test_a_switch_that_is_gone(self):
        self.source._sample_active()
        address = self.source.address
        self.move_source(self.source, address=self.closed_address())
        with freeze_time("2026-10-07 12:10:00"):
            self.source._sample_active()
            self.assertIn("refused", self.check().detail)
        self.assertEqual(self.source.check_state, "wrong")
        self.move_source(self.source, address=address)
        with freeze_time("2026-10-07 12:20:00"):
            self.source._sample_active()
            self.assertTrue(self.check().ok)
        with freeze_time("2026-10-07 13:20:00"):
            self.assertIn("for a while", self.check().detail)
        self.assertEqual(self.samples("active"), [("12:00", 7), ("12:20", 7)])

    def test_one_account_that_is_gone_leaves_the_others(self):
        self.make_account("gone.12345.service", self.other)
        self.source._sample_active()
        self.assertEqual(self.samples("active"), [("12:00", 7)])
        self.assertIn("gone.12345.service", self.check().detail)

    def test_daily_levels_with_the_first_sync_of_the_day(self):
        for _sync in range(2):
            self.sync()
            self.acme.allowed_calls = 30
        people = [user for user in self.acme.users if not user.service_code]
        self.assertEqual(self.samples("extensions"), [("12:00", len(people))])
        self.assertEqual(self.samples("allowed"), [("12:00", 25)])
        with freeze_time("2026-10-08 12:00:00"):
            self.sync()
        self.assertEqual([level for _at, level in self.samples("allowed")], [25, 30])
        # Samples are no calls that the switch counts.
        self.assertEqual(set(self.source.completeness_ids.mapped("state")), {"ok"})

    def test_no_limit_is_no_sample(self):
        self.acme.allowed_calls = None
        self.sync()
        self.assertEqual(self.samples("allowed"), [])
        self.assertFalse(self.source.sample_error)

    def test_calls_are_fetched_when_a_level_cannot_be_read(self):
        self.acme.allowed_calls = "no number"
        self.source.netsapiens_api = "v1"
        sync = self.sync()
        self.assertEqual(sync.state, "done", sync.error)
        self.assertEqual(sync.records, len(self.acme.legs))
        self.assertIn("Version 1", self.check().detail)
        self.assertEqual(len(self.samples("extensions")), 1)

    def test_too_many_requests(self):
        self.make_account(BOLT, self.other)
        self.server.faults.append(
            Fault("status", "/calls/count", 9, 0, 429, {"Retry-After": "60"})
        )
        before = len(self.server.requests)
        self.source._sample_active()
        asked = [r for r in self.server.requests[before:] if "calls/count" in r.path]
        self.assertEqual(len(asked), 1, "the others are not asked for then")
        self.assertFalse(self.check().ok)
        self.assertEqual(self.samples("active"), [])

    def test_only_meters_of_samples(self):
        for values in ({"kind": "event"}, {"kind": "gauge", "level_source": "calls"}):
            meter = self.make_meter(f"Other {values}", aggregation="max", **values)
            with self.assertRaisesRegex(ValidationError, "samples of a level"):
                self.source.sample_active_meter_id = meter
        with self.assertRaisesRegex(ValidationError, "different meter"):
            self.source.sample_active_meter_id = self.meters["allowed"]

    def test_samples_are_billed(self):
        price = self.make_price(self.meters["active"], (5, 0), (0, 4))
        product = self.make_metered_product("Channels", price)
        plan = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        plan.sale_subscription_line_ids = [Command.create({"product_id": product.id})]
        self.source._sample_active()
        self.acme.active_calls = 23
        with freeze_time("2026-10-14 10:32:00"):
            self.source._sample_active()
        invoice = plan._metered_renew()
        self.assertEqual(invoice.amount_untaxed, 10 + 18 * 4)

    def test_old_ones_are_thinned(self):
        """They belong to no import, and are billed as before; then alerts look."""
        price = self.make_price(self.meters["active"], (0, 4))
        product = self.make_metered_product("Channels", price)
        plan = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        plan.sale_subscription_line_ids = [Command.create({"product_id": product.id})]
        self.source._sample_active()
        self.acme.active_calls = 23
        self.company.metered_samples_months = 1
        alert = self.env["metered.alert"].create(
            {
                "name": "Channels",
                "basis": "quantity",
                "meter_id": self.meters["active"].id,
                "threshold_ids": [Command.create({"value": 20})],
            }
        )
        self.env["metered.alert.mark"]._check()
        with freeze_time("2026-10-14 10:32:00"):
            self.source._sample_active()
            self.env["metered.alert.mark"]._check()
        self.assertEqual(alert.event_count, 1)
        with freeze_time("2027-01-01 12:00:00"):
            self.assertTrue(self.env["metered.level.kept"]._thin(self.company))
        self.assertEqual(self.env["metered.cdr"].search_count([]), 0)
        self.assertEqual(plan._metered_renew().amount_untaxed, 10 + 23 * 4)

    def test_another_time_zone(self):
        self.customer.metered_tz = "Pacific/Auckland"
        self.source._sample_active()
        cdr = self.env["metered.cdr"].search(
            [("meter_id", "=", self.meters["active"].id)]
        )
        self.assertEqual(str(cdr.usage_id.day), "2026-10-08")

    def test_no_meter_no_request(self):
        self.source.write({f"sample_{name}_meter_id": False for name in self.meters})
        before = len(self.server.requests)
        self.env["metered.source"]._cron_sample()
        self.assertEqual(self.source._check_samples(), [])
        self.assertEqual(len(self.server.requests), before)


@tagged("post_install", "-at_install")
class TestRestSamples(RestCase):
    """A REST source brings samples as the records that they are."""

    def test_from_the_server_to_the_invoice(self):
        level = self.make_meter(
            "Seats", kind="gauge", aggregation="max", level_holds=True
        )
        calls = self.acme.calls
        self.addCleanup(setattr, self.acme, "calls", calls)
        self.acme.calls = [
            {
                "uid": f"s{at}",
                "begin": (DAY + timedelta(hours=at)).isoformat(),
                "tenant": self.acme.key,
                "seats": seats,
            }
            for at, seats in enumerate((10, 12, 11))
        ]
        source = self.make_by_form(
            "http_json",
            preset="usage",
            meter_id=level,
            address=self.server.url,
            allowed_networks="127.0.0.1",
            **{
                **SETTINGS,
                "http_fields": "id=uid\ntime=begin\nidentifier=tenant\nquantity=seats",
            },
            api_key=API_KEY,
        )
        self.add_account(source)
        for _again in range(2):
            sync = self.sync(source)
        self.assertEqual(sync.batch_id.duplicates, 3)
        price = self.make_price(level, (0, 2))
        plan = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        plan.sale_subscription_line_ids = [
            Command.create({"product_id": self.make_metered_product("Seats", price).id})
        ]
        self.assertEqual(plan._metered_renew().amount_untaxed, 10 + 12 * 2)
