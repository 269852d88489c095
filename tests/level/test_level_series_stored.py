# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A customer's level over time, from stored samples and calls to the screen."""

from datetime import UTC, datetime
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.metered_billing.models.level import metered_level_window

from ..support.metered_case import MeteredCase

NEW_YORK = "America/New_York"


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


class LevelCase(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.level = cls.make_meter(
            "Seats", kind="gauge", aggregation="max", level_holds=True, unit="seats"
        )
        price = cls.make_price(cls.level, unit_price=4, charge_model="standard")
        price.free_units = 5
        cls.product = cls.make_metered_product("Seats", price)
        cls.acme = cls.make_customer("Acme", tz="UTC")
        cls.make_identifier(cls.acme, "acme", kind="key")
        cls.source = cls.make_source("usage", meter_id=cls.level.id)
        cls.user = new_test_user(
            cls.env, "looker", "metered_billing.group_metered_user", tz="UTC"
        )
        cls.count = 0
        cls.startClassPatcher(
            patch.object(fields.Datetime, "now", lambda *_: datetime(2026, 11, 15, 12))
        )

    @classmethod
    def sample(cls, *rows, key="acme", columns=""):
        """Import samples: (time, quantity, further values of columns)."""
        cls.count += 1
        header = ",".join(["time", "identifier", "quantity", *columns.split()])
        lines = [",".join([at, key, *map(str, rest)]) for at, *rest in rows]
        batch = cls.import_text(
            cls.source, "\n".join([header, *lines, ""]), f"{cls.count}.csv"
        )
        assert batch.rated == len(rows), batch.exception_ids.mapped("message")

    def series(self, begin, end, zone="UTC", partner=None, **asked):
        level = self.level.with_context(tz=zone)
        return level._level_series(
            self.company, partner or self.acme, begin, end, **asked
        )

    def subscribe(self, start="2026-11-01", due="2026-12-01"):
        plan = self.make_subscription(self.acme, start, due)
        plan.sale_subscription_line_ids = [
            Command.create({"product_id": self.product.id})
        ]
        return plan


@tagged("post_install", "-at_install")
class TestLevelSeries(LevelCase):
    def test_what_held_before_is_there_from_the_begin_on(self):
        self.sample(("2026-08-03 09:00:00", 10), ("2026-10-02 09:00:00", "7.5"))
        found = self.series(utc(2026, 10, 1), utc(2026, 10, 3))
        self.assertEqual(found["step"], "raw")
        self.assertEqual(
            found["rows"],
            [
                ["2026-10-01T00:00:00Z", "10", "10", "10"],
                ["2026-10-02T09:00:00Z", "7.5", "7.5", "7.5"],
            ],
        )
        self.assertEqual(found["gaps"], [])

    def test_days_across_the_end_of_daylight_saving_time(self):
        """October 25 in London has 25 hours: 24 with 25, and one with 50."""
        self.sample(
            ("2026-10-20 09:00:00", 25),
            ("2026-10-25 23:00:00", 50),
            ("2026-10-26 00:00:00", 10),
        )
        found = self.series(
            utc(2026, 10, 24, 23), utc(2026, 10, 27), "Europe/London", step="day"
        )
        self.assertEqual(
            found["rows"],
            [
                ["2026-10-24T23:00:00Z", "25", "50", "26"],
                ["2026-10-26T00:00:00Z", "10", "10", "10"],
            ],
        )

    def test_gaps_by_each_policy(self):
        self.sample(("2026-10-01 00:00:00", 10), ("2026-10-03 00:00:00", 20))
        self.level.most_hours_held = 24
        noon = ["2026-10-02T00:00:00Z", "2026-10-03T00:00:00Z"]
        for policy, between in (
            ("hold", ["10"] * 3),
            ("zero", ["0"] * 3),
            ("leave_out", [None] * 3),
        ):
            with self.subTest(policy):
                self.level.gap_policy = policy
                found = self.series(utc(2026, 10, 1), utc(2026, 10, 4), step="day")
                self.assertEqual(found["gaps"], [noon])
                self.assertEqual(
                    [row[1:] for row in found["rows"]],
                    [["10"] * 3, between, ["20"] * 3],
                )

    def test_more_than_fits_is_told_by_hour_and_by_day(self):
        self.sample(*((f"2026-10-01 00:{n:02}:00", n) for n in range(60)))
        begin = utc(2026, 10, 1)
        by_hour = self.series(begin, utc(2026, 10, 1, 2), most=50)
        self.assertEqual(by_hour["step"], "hour")
        self.assertEqual(
            by_hour["rows"],
            [
                ["2026-10-01T00:00:00Z", "0", "59", "29.5"],
                ["2026-10-01T01:00:00Z", "59", "59", "59"],
            ],
        )
        by_day = self.series(begin, utc(2026, 10, 11), most=50)
        self.assertEqual((by_day["step"], len(by_day["rows"])), ("day", 10))
        self.assertEqual(by_day["rows"][1][1:], ["59"] * 3)

    def test_samples_that_do_not_continue(self):
        self.level.level_holds = False
        self.sample(
            ("2026-10-01 10:00:00", 10),
            ("2026-10-01 11:00:00", 20),
            ("2026-10-03 10:00:00", 5),
        )
        span = (utc(2026, 10, 1), utc(2026, 10, 3))
        self.assertEqual(
            [row[:2] for row in self.series(*span)["rows"]],
            [["2026-10-01T10:00:00Z", "10"], ["2026-10-01T11:00:00Z", "20"]],
        )
        self.assertEqual(
            [row[1:] for row in self.series(*span, step="day")["rows"]],
            [["10", "20", "15"], [None] * 3],
        )

    def test_levels_of_devices_are_added_up(self):
        self.level.level_property = "device"
        self.sample(
            ("2026-09-01 10:00:00", 3, '"{""device"": ""a""}"'),
            ("2026-09-02 10:00:00", 4, '"{""device"": ""b""}"'),
            ("2026-10-01 12:00:00", 1, '"{""device"": ""a""}"'),
            columns="properties",
        )
        found = self.series(utc(2026, 10, 1), utc(2026, 10, 2))
        self.assertEqual([row[1] for row in found["rows"]], ["7", "5"])

    def test_calls_at_one_time_to_the_second(self):
        phones = self.make_customer("Phones", "+14045550100", tz="UTC")
        switch = self.make_source(name="Switch")
        self.level = self.make_meter(
            "Channels", kind="gauge", aggregation="max", level_source="calls"
        )
        self.import_calls(
            switch,
            ("1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199"),
            ("2", "2026-10-05 10:00:30", 60, "+14045550100", "+18005550199"),
            ("3", "2026-10-04 23:59:00", 90, "+14045550100", "+12125550199"),
        )
        found = self.series(utc(2026, 10, 5), utc(2026, 10, 6), partner=phones)
        self.assertEqual(
            [[at[11:19], level] for at, level, *_rest in found["rows"]],
            [
                ["00:00:00", "1"],
                ["00:00:30", "0"],
                ["10:00:00", "1"],
                ["10:00:30", "2"],
                ["10:01:00", "1"],
                ["10:01:30", "0"],
            ],
        )

    def test_without_any_samples(self):
        found = self.series(utc(2026, 10, 1), utc(2026, 10, 3), step="day")
        self.assertEqual([row[1] for row in found["rows"]], ["0", "0"])
        shown = self.level.level_window(self.acme.id)
        self.assertFalse(shown["series"])
        self.assertIn("There are no samples of Seats for Acme yet.", shown["note"])
        self.assertIn("Import Usage", shown["note"])


@tagged("post_install", "-at_install")
class TestLevelWindow(LevelCase):
    def shown(self, **asked):
        level = self.level.with_user(self.user).with_context(tz=NEW_YORK)
        return level.level_window(self.acme.id, **asked)

    def so_far(self):
        level = self.level.with_user(self.user).with_context(tz=NEW_YORK)
        return level.level_so_far(self.acme.id)

    def facts(self):
        [block] = self.so_far()
        return dict(block["rows"])

    def test_what_the_period_comes_to_so_far(self):
        self.subscribe()
        self.sample(("2026-11-03 09:30:00", 23), ("2026-11-04 09:00:00", 8))
        shown = self.shown()
        self.assertEqual((shown["first"], shown["last"]), ("2026-08-16", "2026-11-15"))
        self.assertEqual(shown["zone"], NEW_YORK)
        facts = self.facts()
        self.assertEqual(facts["So Far"], "23 seats")
        self.assertIn("4:30:00", facts["First Reached"])
        self.assertEqual(facts["Free"], "5 seats, used: 5")
        self.assertIn("72.00", facts["Cost if Invoiced Now"])
        self.assertEqual(facts["Charge Based On"], "Highest quantity")
        self.assertEqual(
            shown["terms"], [["In a Gap", "None: a sample is valid until the next one"]]
        )
        # The days are those of New York, and the last one has not ended.
        self.assertEqual(shown["series"]["rows"][0][0], "2026-08-16T04:00:00Z")
        self.assertEqual(shown["series"]["rows"][-1][0], "2026-11-15T05:00:00Z")
        self.assertEqual(shown["end"], "2026-11-15 12:00:00")

    def test_it_is_what_the_quote_says(self):
        plan = self.subscribe()
        self.sample(("2026-11-03 09:30:00", 23))
        [quote] = plan._metered_quotes()
        [amount] = [line["amount"] for line in quote["lines"] if line["is_usage"]]
        self.assertIn(f"{amount:.2f}", self.facts()["Cost if Invoiced Now"])

    def test_a_level_that_no_subscription_bills(self):
        self.level.product_id = self.product
        self.sample(("2026-11-03 09:30:00", 6))
        self.assertIn("4.00", self.facts()["Cost if Invoiced Now"])
        self.level.product_id = False
        [block] = self.so_far()
        self.assertIn("There is no price for Seats", block["problem"])

    def test_a_measured_service(self):
        """It is charged by the average, and by what the service says."""
        self.make_subscription(self.acme, "2026-11-01", "2026-12-01")
        self.sample(("2026-11-01 00:00:00", 30))
        service = self.env["metered.measured.service"].create(
            {
                "partner_id": self.acme.id,
                "meter_id": self.level.id,
                "date_from": "2026-11-01",
                "charge_basis": "time_average",
                "unit_price": 2,
                "free_units": 10,
            }
        )
        facts = self.facts()
        self.assertEqual(facts["Charge Based On"], "Average by time")
        self.assertEqual(facts["Free"], "10 seats, used: 10")
        self.assertIn("40.00", facts["Cost if Invoiced Now"])
        service.charge_basis = "none"
        facts = self.facts()
        self.assertEqual(facts["Charge Based On"], "Do not charge: statistics only")
        self.assertEqual(facts["So Far"], "30 seats")

    def test_detail_as_a_file(self):
        self.acme.name = "=1+1"
        self.sample(("2026-10-31 12:00:00", 3), ("2026-11-01 05:30:00", "-2.25"))
        level = self.level.with_user(self.user).with_context(tz=NEW_YORK)
        found = level.level_csv(self.acme.id, "2026-11-01", "2026-11-01")
        self.assertEqual(
            found["text"].removeprefix("\ufeff").split("\r\n"),
            [
                "Meter,Seats",
                "Customer,'=1+1",
                "Unit,seats",
                "",
                "Time (America/New_York),UTC Offset,Level",
                "2026-11-01 00:00:00,-0400,3",
                "2026-11-01 01:30:00,-0400,-2.25",
                "",
            ],
        )
        self.assertTrue(found["name"].endswith(".csv"))

    def test_spans_have_an_end(self):
        for first, last in (
            ("2026-01-01", "2026-11-01"),
            ("1950-01-01", "1950-01-02"),
            ("9999-12-31", "9999-12-31"),
            ("yesterday", "2026-11-01"),
            (False, None),
            ({}, []),
            ({"a": 1}, True),
            (20261001, 1.5),
        ):
            with self.subTest(ascii((first, last))), self.assertRaises(UserError):
                self.level.level_detail(self.acme.id, first, last)
        for partner in (True, "1", [1], {}, 1.0):
            with self.subTest(ascii(partner)), self.assertRaises(UserError):
                self.level.level_detail(partner, "2026-10-01", "2026-10-02")
        self.assertEqual(metered_level_window.MOST_DAYS, 93)

    def test_days_in_any_order(self):
        self.sample(("2026-10-31 12:00:00", 3))
        days = ("2026-11-02", "2026-11-01")
        found = self.level.level_detail(self.acme.id, *days)
        self.assertEqual(found["begin"], "2026-11-01 00:00:00")
        self.assertEqual(found["end"], "2026-11-03 00:00:00")

    def test_customers_are_proposed(self):
        self.sample(("2026-11-03 09:30:00", 23))
        shown = self.level.with_user(self.user).level_window()
        acme = {"id": self.acme.id, "name": "Acme"}
        self.assertEqual(shown["customers"], [acme])
        contact = self.make_customer("Ann", parent_id=self.acme.id)
        self.assertEqual(self.level.level_window(contact.id)["customer"], acme)

    def test_where_it_opens_from(self):
        self.assertFalse(self.acme.metered_has_levels)
        plan = self.subscribe()
        self.acme.invalidate_recordset()
        self.assertTrue(self.acme.metered_has_levels)
        params = {
            "meter_id": self.level.id,
            "partner_id": self.acme.id,
            "company_id": self.company.id,
        }
        for action in (
            self.level.action_view_level(self.acme),
            self.acme.with_user(self.user).action_view_metered_levels(),
            plan._metered_lines().action_metered_view_level(),
        ):
            self.assertEqual(action["params"], params)
        self.assertEqual(
            self.level.level_meters(self.acme.id)["meter_id"], self.level.id
        )

    def test_only_users_of_the_company(self):
        self.sample(("2026-11-03 09:30:00", 23))
        other = self.env["res.company"].create({"name": "Other Telecom"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "metered_billing.group_metered_user",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        clerk = new_test_user(self.env, "clerk", "account.group_account_manager")
        days = (self.acme.id, "2026-11-01", "2026-11-02")
        with self.assertRaises(AccessError):
            self.level.with_user(clerk).level_detail(*days)
        self.level.company_id = self.company
        with self.assertRaises(AccessError):
            self.level.with_user(stranger).level_detail(*days)
        # Of a meter and a customer of all companies, each sees its own samples.
        self.level.company_id = False
        level = self.level.with_user(stranger)
        self.assertEqual(level.level_detail(*days)["rows"][0][1], "0")
        self.assertEqual(level.level_window()["customers"], [])
        with self.assertRaises(AccessError):
            level.level_detail(*days, company_id=self.company.id)
        self.acme.company_id = self.company
        for method in (level.level_detail, level.level_csv):
            with self.assertRaises(AccessError):
                method(*days)
        for method in (level.level_window, level.level_so_far, level.level_meters):
            with self.assertRaises(AccessError):
                method(self.acme.id)
