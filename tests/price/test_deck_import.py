# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rate decks from files and to files: all or nothing, and never in the past."""

import base64
from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..deck_files.test_deck_files import DATA
from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestDeckImport(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.carrier = cls.make_deck("Carrier")

    def wizard(self, text, **values):
        content = text if isinstance(text, bytes) else text.encode()
        return self.env["metered.deck.import"].create(
            {
                "deck_id": self.carrier.id,
                "file": base64.b64encode(content),
                "file_name": "rates.csv",
                **values,
            }
        )

    def apply(self, text, **values):
        wizard = self.wizard(text, **values)
        wizard.action_preview()
        wizard.action_apply()
        return wizard

    def rates(self, prefix):
        return self.carrier.rate_ids.filtered(lambda r: r.prefix == prefix).sorted(
            lambda r: r.date_from or date.min
        )

    def test_first_file_holds_always(self):
        wizard = self.apply("prefix,destination,price,billing\n44,UK,0.0123,60/6\n")
        self.assertEqual((wizard.count_new, wizard.date_from), (1, False))
        rate = self.carrier.rate_ids
        self.assertRecordValues(
            rate,
            [
                {
                    "prefix": "44",
                    "name": "UK",
                    "price": 0.0123,
                    "initial_increment": 60,
                    "increment": 6,
                    "date_from": False,
                    "date_to": False,
                    "has_max_charge": False,
                }
            ],
        )
        version = self.carrier.version_ids
        self.assertEqual(rate.version_id, version)
        self.assertEqual((version.count_new, version.user_id), (1, self.env.user))
        self.assertIn("New rates: 1,", self.carrier.message_ids[0].body)

    def test_columns_that_mean_nothing_are_named(self):
        wizard = self.wizard(
            "prefix,price,First (s),Then (s),Colour,,Steps\n44,1,60,6,red,,6\n"
        )
        wizard.action_preview()
        self.assertEqual(wizard.unread, "Colour, Steps")
        self.assertEqual(wizard.line_ids.increments, "60/6")
        wizard = self.wizard("prefix,price\n44,1\n")
        wizard.action_preview()
        self.assertFalse(wizard.unread)

    def test_it_says_what_was_applied_and_goes_back_to_the_deck(self):
        wizard = self.wizard("prefix,price\n44,1\n")
        wizard.action_preview()
        action = wizard.action_apply()["params"]
        self.assertIn("New rates: 1, increases: 0", action["message"])
        self.assertEqual(action["next"]["res_id"], self.carrier.id)

        opened = self.carrier.action_import()["context"]
        wizard = (
            self.env["metered.deck.import"]
            .with_context(**opened)
            .create(
                {
                    "file": base64.b64encode(b"prefix,price\n44,2\n"),
                    "file_name": "a.csv",
                }
            )
        )
        wizard.action_preview()
        action = wizard.action_apply()["params"]
        self.assertEqual(action["next"]["type"], "ir.actions.act_window_close")

    @freeze_time("2026-09-15 12:00:00")
    def test_a_carriers_notice_changes_what_it_names_from_its_day(self):
        self.apply(
            "prefix,price,billing\n49,0.0078,1/1\n49152,0.04,60/1\n234805,0.1,60/60\n"
            "33607,0.06,1/1\n1,0.01,1/1\n"
        )
        wizard = self.wizard(
            (DATA / "carrier_notice.csv").read_bytes(), date_from="2026-09-16"
        )
        wizard.action_preview()
        self.assertEqual(
            (
                wizard.count_unchanged,
                wizard.count_dearer,
                wizard.count_cheaper,
                wizard.count_closed,
                wizard.count_wrong,
            ),
            (1, 1, 1, 1, 0),
        )
        self.assertIn("Acme Voice Wholesale", wizard.notes)
        wizard.action_apply()
        old, new = self.rates("49152")
        self.assertEqual((old.price, old.date_to), (0.04, date(2026, 9, 23)))
        self.assertEqual((new.price, new.date_from), (0.0495, date(2026, 9, 23)))
        self.assertEqual(self.rates("234805").date_to, date(2026, 9, 20))
        self.assertEqual(len(self.rates("49")), 1)
        self.assertFalse(self.rates("1").date_to)
        self.assertEqual(len(self.carrier.version_ids), 2)

    def test_whole_deck_ends_what_it_does_not_name(self):
        self.apply("prefix,price\n44,1\n33,1\n")
        wizard = self.wizard(
            "prefix,price\n44,1\n", date_from="2030-01-01", whole="whole"
        )
        wizard.action_preview()
        self.assertEqual((wizard.count_closed, wizard.count_unchanged), (1, 1))
        wizard.action_apply()
        self.assertEqual(self.rates("33").date_to, date(2030, 1, 1))
        self.assertFalse(self.rates("44").date_to)

    def test_calls_before_keep_their_price(self):
        """And calls from that day on have the new one."""
        self.apply("prefix,price\n*,0.06\n")
        self.company.metered_deck_id = self.carrier
        source = self.make_source()
        customer = self.make_customer("Acme", "+14045550100")
        call = ("2026-10-31 12:00:00", 60, "+14045550100", "+12125550199")
        self.import_calls(source, ("1", *call))
        self.apply("prefix,price\n*,0.12\n", date_from="2026-11-01")
        self.import_calls(source, ("2", *call))
        self.import_calls(source, ("3", "2026-11-01 12:00:00", *call[1:]))
        self.assertEqual(self.usage(customer).mapped("amount"), [0.12, 0.12])
        self.assertEqual(self.usage(customer).mapped("records"), [2, 1])

    def test_a_price_that_was_used_is_not_changed_in_the_past(self):
        self.apply("prefix,price\n*,0.06\n")
        self.carrier.rate_ids.used = True
        wizard = self.wizard("prefix,price\n*,0.12\n", date_from=False)
        wizard.action_preview()
        self.assertEqual(wizard.count_wrong, 1)
        self.assertIn("Apply the file from a later day", wizard.line_ids[0].detail)
        with self.assertRaisesRegex(UserError, "later day"):
            wizard.action_apply()
        self.assertEqual(self.carrier.rate_ids.price, 0.06)

    def test_all_or_nothing(self):
        wizard = self.wizard("prefix,price\n44,1\nabc,1\n33,dear\n")
        wizard.action_preview()
        self.assertEqual(wizard.count_wrong, 2)
        self.assertEqual(
            wizard.line_ids.filtered(lambda line: line.status == "wrong").mapped(
                "line"
            ),
            [3, 4],
        )
        with self.assertRaisesRegex(UserError, "Line 3"):
            wizard.action_apply()
        self.assertFalse(self.carrier.rate_ids)
        self.assertFalse(self.carrier.version_ids)

    def test_unknown_call_type_or_band(self):
        wizard = self.wizard(
            "prefix,price,call type,time band\n44,1,Carrier pigeon,\n33,1,,Full moon\n"
        )
        wizard.action_preview()
        details = wizard.line_ids.mapped("detail")
        self.assertIn("There is no call type Carrier pigeon.", details)
        self.assertIn("There is no time band Full moon.", details)

    def test_a_deck_that_changed_since_the_preview(self):
        wizard = self.wizard("prefix,price\n44,1\n")
        wizard.action_preview()
        self.make_rate(self.carrier, "44", price=2)
        with self.assertRaisesRegex(UserError, "changed since"):
            wizard.action_apply()

    def test_no_deck_in_the_file(self):
        wizard = self.wizard("a,b\n1,2\n")
        wizard.action_preview()
        self.assertIn("could not be detected", wizard.questions)
        with self.assertRaisesRegex(UserError, "could not be detected"):
            wizard.action_apply()
        with self.assertRaisesRegex(UserError, "empty"):
            self.wizard("\n").action_preview()

    def test_export_is_read_back_as_unchanged(self):
        peak = self.env["metered.time.band"].create({"name": "Peak"})
        national = self.env.ref("metered_billing.meter_national")
        self.make_rate(self.carrier, "44", price=0.0123, band_id=peak.id)
        self.make_rate(
            self.carrier,
            "",
            price=0.1,
            meter_id=national.id,
            has_max_charge=True,
            max_charge=2.5,
            grace_seconds=5,
            connection_fee=0.05,
        )
        self.make_rate(self.carrier, "=911", price=0, date_to="2035-01-01")
        self.make_rate(
            self.carrier,
            "49",
            price=0.1,
            tier_ids=[
                Command.create({"from_second": 600, "price": 0.00000001}),
                Command.create(
                    {"from_second": 60, "price": 20, "per_seconds": 1, "increment": 6}
                ),
            ],
        )
        for action, name in (
            ("action_export_csv", "rates.csv"),
            ("action_export_xlsx", "rates.xlsx"),
        ):
            with self.subTest(name=name):
                url = getattr(self.carrier, action)()["url"]
                export = self.env["metered.deck.export"].browse(int(url.split("/")[4]))
                wizard = self.wizard(
                    base64.b64decode(export.file),
                    file_name=name,
                    whole="whole",
                    date_from="2026-11-01",
                )
                wizard.action_preview()
                self.assertEqual((wizard.count_unchanged, len(wizard.line_ids)), (4, 0))

    def tiers(self, rate):
        return [
            (tier.from_second, tier.price, tier.per_seconds, tier.increment)
            for tier in rate.tier_ids.sorted("from_second")
        ]

    def test_tiers_of_a_file(self):
        self.apply(
            "prefix,call type,price,tiers\n"
            "44,,0.06,60: 0.04/60 6; 600: 0.03\n"
            "44,national,0.06,60: 0.05\n"
            "49,,0.05,\n"
        )
        first, second = self.rates("44").sorted(lambda rate: bool(rate.meter_id))
        self.assertEqual(self.tiers(first), [(60, 0.04, 60, 6), (600, 0.03, 60, 1)])
        self.assertEqual(self.tiers(second), [(60, 0.05, 60, 1)])
        self.assertEqual(first.tier_ids.company_id, self.company)
        self.assertFalse(self.rates("49").tier_ids)

    def test_tiers_that_change(self):
        """A rate that was used keeps its tiers; another one begins with the new."""
        self.apply("prefix,price,tiers\n44,0.06,60: 0.04\n49,0.05,\n")
        old = self.rates("44")
        old.used = True
        wizard = self.wizard(
            "prefix,price,tiers\n44,0.06,60: 0.03\n49,0.05,30: 0.01\n",
            date_from="2026-11-01",
        )
        wizard.action_preview()
        self.assertEqual(
            [(line.prefix, line.status, line.tiers) for line in wizard.line_ids],
            [
                ("44", "terms", "60: 0.04/60 1 → 60: 0.03/60 1"),
                ("49", "terms", "none → 30: 0.01/60 1"),
            ],
        )
        wizard.action_apply()
        before, after = self.rates("44")
        self.assertEqual((before, before.date_to), (old, date(2026, 11, 1)))
        self.assertEqual(self.tiers(before), [(60, 0.04, 60, 1)])
        self.assertEqual(self.tiers(after), [(60, 0.03, 60, 1)])
        self.assertEqual(len(self.rates("49")), 2)

    def test_template_to_fill_in(self):
        url = self.wizard("").action_download_template()["url"]
        export = self.env["metered.deck.export"].browse(int(url.split("/")[4]))
        wizard = self.wizard(base64.b64decode(export.file), file_name="rates.xlsx")
        wizard.action_preview()
        self.assertEqual((wizard.count_wrong, wizard.count_new), (0, 4))

    def test_only_an_administrator_imports(self):
        user = new_test_user(self.env, "clerk", "metered_billing.group_metered_user")
        with self.assertRaises(AccessError):
            self.env["metered.deck.import"].with_user(user).create(
                {"deck_id": self.carrier.id, "file": base64.b64encode(b"x")}
            )

    def test_no_day_without_a_price_between_two_rows(self):
        """A carrier's end date is the last day: its next price begins the day after."""
        wizard = self.wizard(
            "prefix,price,effective date,end date\n"
            "44,0.01,2026-10-01,2026-10-31\n44,0.02,2026-11-01,\n"
        )
        wizard.action_preview()
        self.assertEqual(
            wizard.line_ids.mapped("last_day"), [date(2026, 10, 31), False]
        )
        wizard.action_apply()
        first, second = self.rates("44")
        self.assertEqual(first.date_to, second.date_from)
        self.assertEqual(first._describe_dates(), "from 10/01/2026 through 10/31/2026")
        with self.assertRaisesRegex(UserError, "valid from 11/01/2026"):
            self.make_rate(self.carrier, "44", price=1, date_from="2026-12-01")

    def test_an_export_tells_what_it_leaves_out(self):
        self.make_rate(self.carrier, "44", price=1)
        destination = self.env["metered.destination"].create(
            {"name": "Mars", "prefixes": "999"}
        )
        self.assertEqual(
            self.carrier.action_export_xlsx()["type"], "ir.actions.act_url"
        )
        self.make_rate(self.carrier, "", price=1, destination_id=destination.id)
        action = self.carrier.action_export_csv()
        self.assertEqual(
            action["params"]["message"],
            "Rates by destination were not exported: 1 of Carrier. Only rates by "
            "prefix can be exported.",
        )
        self.assertEqual(action["params"]["next"]["type"], "ir.actions.act_url")
