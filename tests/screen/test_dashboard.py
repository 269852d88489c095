# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged

from ...models.screen import metered_dashboard_destinations as destinations
from ..support.metered_case import MeteredCase

CALLS = (
    # October: nothing of it after the 20th counts against 20 days of November.
    ("o1", "2026-10-05 10:00:00", 600, "+14045550100", "+12125550199"),
    ("o2", "2026-10-25 10:00:00", 60, "+14045550100", "+12125550199"),
    # November
    ("n1", "2026-11-02 10:00:00", 60, "+14045550100", "+12125550199"),
    ("n2", "2026-11-02 11:00:00", 120, "+14045550100", "+442079460120"),
    ("n3", "2026-11-03 11:00:00", 300, "+14045550200", "+33142685300"),
)


@freeze_time("2026-11-20 12:00:00")
@tagged("post_install", "-at_install")
class TestDashboard(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.first = cls.make_customer("First", "+14045550100")
        cls.second = cls.make_customer("Second", "+14045550200")
        cls.dashboard = cls.env["metered.dashboard"]

    def look(self, *args):
        return self.dashboard.get_dashboard(*args)

    def records(self, link):
        """The records behind a number."""
        model = self.env.ref(link["action"]).res_model
        return self.env[model].search(link["domain"])

    def amounts(self, rows):
        return [(row["name"], round(row["amount"], 6)) for row in rows]

    def test_running_month(self):
        self.import_calls(self.source, *CALLS)
        data = self.look()
        self.assertEqual(data["period"]["key"], "this_month")
        totals = data["totals"]
        self.assertEqual(totals["calls"]["value"], 3)
        self.assertEqual(totals["calls"]["previous"], 1)
        self.assertEqual(totals["minutes"]["value"], 8)
        [amount] = totals["amounts"]
        self.assertAlmostEqual(amount["value"], 0.48)
        self.assertAlmostEqual(amount["previous"], 0.60)
        self.assertAlmostEqual(totals["open"][0]["value"], 1.14)

    def test_numbers_are_their_records(self):
        self.import_calls(self.source, *CALLS)
        data = self.look()
        totals = data["totals"]
        usage = self.records(totals["calls"]["link"])
        self.assertEqual(sum(usage.mapped("records")), 3)
        shown = [(row["link"], row["amount"]) for row in data["customers"]]
        shown += [(row["link"], row["totals"]["amount"]) for row in data["meters"]]
        for figure in (totals["amounts"][0], totals["open"][0]):
            shown.append((figure["link"], figure["value"]))
        self.assertEqual(len(shown), 6)
        for link, value in shown:
            usage = self.records(link)
            self.assertAlmostEqual(sum(usage.mapped("amount")), value)
        for row in data["destinations"]["rows"]:
            calls = self.records(row["link"])
            self.assertAlmostEqual(sum(calls.mapped("charge")), row["amount"])
            self.assertEqual(calls.destination_id.id, row["id"])

    def test_by_day(self):
        self.import_calls(self.source, *CALLS)
        data = self.look("this_month")
        days = data["days"]
        self.assertEqual(len(days["dates"]), 30)
        self.assertEqual(days["dates"][1], "2026-11-02")
        by_day = [
            sum(meter["amount"][place] for meter in data["meters"]) for place in (1, 2)
        ]
        self.assertAlmostEqual(by_day[0], 0.18)
        self.assertAlmostEqual(by_day[1], 0.30)
        # The whole month before is drawn beside it, day by day.
        self.assertAlmostEqual(days["previous"]["amount"][4], 0.60)
        self.assertAlmostEqual(days["previous"]["amount"][24], 0.06)

    def test_last_month(self):
        self.import_calls(self.source, *CALLS)
        data = self.look("last_month")
        self.assertEqual(data["totals"]["calls"]["value"], 2)
        self.assertEqual(len(data["days"]["dates"]), 31)

    def test_last_30_days(self):
        self.import_calls(self.source, *CALLS)
        data = self.look("last_30")
        self.assertEqual(data["days"]["dates"][0], "2026-10-22")
        self.assertEqual(data["days"]["dates"][-1], "2026-11-20")
        self.assertEqual(data["totals"]["calls"]["value"], 4)
        self.assertEqual(data["totals"]["calls"]["previous"], 1)

    def test_month_without_usage_yet(self):
        """On the first of a month the last one is shown, unless this one is wanted."""
        self.import_calls(self.source, *CALLS[:2])
        self.assertEqual(self.look()["period"]["key"], "last_month")
        self.assertEqual(self.look("this_month")["period"]["key"], "this_month")

    def test_short_month_before(self):
        with freeze_time("2026-03-31 12:00:00"):
            span = self.dashboard._span("this_month")
        self.assertEqual(str(span["compared_to"]), "2026-03-01")

    def test_tops(self):
        self.import_calls(self.source, *CALLS)
        data = self.look()
        self.assertEqual(
            self.amounts(data["customers"]), [("Second", 0.3), ("First", 0.18)]
        )
        self.assertEqual(
            self.amounts(data["destinations"]["rows"]),
            [("France", 0.3), ("United Kingdom", 0.12), ("United States", 0.06)],
        )
        self.assertFalse(data["destinations"]["estimated"])

    def test_destinations_estimated(self):
        """Of many calls some are drawn; each row of usage stands for its amount."""
        self.import_calls(self.source, *CALLS)
        with patch.object(destinations, "EXACT_CALLS", 1):
            data = self.look()["destinations"]
        self.assertEqual(data["estimated"], 3)
        found = {row["name"]: row["amount"] for row in data["rows"]}
        for name, amount in (
            ("France", 0.3),
            ("United Kingdom", 0.12),
            ("United States", 0.06),
        ):
            # What begins or ends within a draw may be told a draw too high or low.
            part = 0.48 / destinations.DRAWS
            self.assertAlmostEqual(found[name], amount, delta=1.01 * part)

    def test_currencies_apart(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        deck = self.make_deck("Euro deck", currency_id=euro.id)
        self.make_rate(deck, "", price=0.6)
        self.second.metered_deck_id = deck
        self.import_calls(self.source, *CALLS)
        company = self.company.currency_id
        data = self.look()
        self.assertEqual(data["currency_id"], company.id)
        self.assertEqual(
            [
                (a["currency_id"], round(a["value"], 6))
                for a in data["totals"]["amounts"]
            ],
            [(company.id, 0.18), (euro.id, 3.0)],
        )
        self.assertEqual(self.amounts(data["customers"]), [("First", 0.18)])
        self.assertEqual(data["totals"]["calls"]["value"], 3)
        data = self.look("this_month", euro.id)
        self.assertEqual(self.amounts(data["customers"]), [("Second", 3.0)])
        self.assertEqual(self.amounts(data["destinations"]["rows"]), [("France", 3.0)])
        self.assertEqual(
            {row["name"] for row in data["currencies"]}, {"EUR", company.name}
        )

    def test_exceptions(self):
        self.import_calls(
            self.source,
            ("x1", "2026-11-02 10:00:00", 60, "+14045559999", "+12125550199"),
            ("x2", "yesterday", 60, "+14045550100", "+12125550199"),
            ("x3", "2026-11-02 10:00:00", 60, "+14045559998", "+12125550199"),
        )
        data = self.look()["exceptions"]
        self.assertEqual(data["count"], 3)
        self.assertEqual([row["count"] for row in data["reasons"]], [2, 1])
        for row in data["reasons"]:
            self.assertEqual(len(self.records(row["link"])), row["count"])

    def test_sources_and_imports(self):
        data = self.look()
        mine = next(row for row in data["sources"] if row["id"] == self.source.id)
        self.assertEqual(mine["state"], "none")
        batch = self.import_calls(self.source, *CALLS)
        data = self.look()
        mine = next(row for row in data["sources"] if row["id"] == self.source.id)
        self.assertEqual(mine["state"], "ok")
        self.assertEqual(data["batches"][0]["id"], batch.id)
        self.assertEqual(data["batches"][0]["records"], 5)
        batch.state = "failed"
        mine = next(
            row for row in self.look()["sources"] if row["id"] == self.source.id
        )
        self.assertEqual(mine["state"], "failed")

    def test_renewals(self):
        self.import_calls(self.source, *CALLS)
        subscription = self.make_subscription(self.first, "2026-10-01", "2026-11-01")
        due = self.look()["renewals"]["due"]
        self.assertIn(subscription, self.records(due["link"]))
        subscription.generate_invoice()
        [day] = self.look()["renewals"]["days"]
        self.assertEqual((day["count"], day["problem"]), (1, ""))
        self.assertEqual(self.records(day["link"]).subscription_id, subscription)

    def test_renewal_runs(self):
        run = self.env["metered.renewal"].create(
            {
                "company_id": self.company.id,
                "date": "2026-11-01",
                "state": "done",
                "records": 7,
                "failures": 2,
            }
        )
        [row] = self.look()["renewals"]["days"]
        self.assertEqual((row["count"], row["problem"]), (7, "2 failed"))
        self.assertEqual(row["link"]["res_id"], run.id)

    def test_empty(self):
        data = self.look()
        self.assertFalse(data["has_usage"])
        self.assertEqual(data["totals"]["calls"]["value"], 0)
        self.assertEqual(data["destinations"]["rows"], [])

    def test_rights(self):
        self.import_calls(self.source, *CALLS)
        user = new_test_user(
            self.env, "looker", groups="metered_billing.group_metered_user"
        )
        data = self.look_as(user)
        self.assertEqual(data["totals"]["calls"]["value"], 3)
        # Neither may the user see subscriptions, nor set anything up.
        self.assertFalse(data["renewals"]["due"])
        self.assertFalse(data["onboarding"])
        nobody = new_test_user(self.env, "nobody", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.look_as(nobody)

    def look_as(self, user):
        return self.dashboard.with_user(user).get_dashboard()

    def test_other_company(self):
        self.import_calls(self.source, *CALLS)
        other = self.env["res.company"].create({"name": "Other"})
        user = new_test_user(
            self.env,
            "stranger",
            groups="metered_billing.group_metered_administrator",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        data = self.look_as(user)
        self.assertFalse(data["has_usage"])
        self.assertFalse(data["sources"])
        self.assertFalse(data["batches"])
        self.assertFalse(data["totals"]["open"])
