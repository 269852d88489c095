# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The import of a rate file whose columns are chosen, in a real browser."""

from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestToursDeckImport(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.carrier = cls.make_deck("Carrier")
        cls.user = new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_administrator",
        )

    def test_choose_the_columns_of_a_rate_file(self):
        self.start_tour(
            f"/odoo/action-metered_billing.action_metered_rate_deck/{self.carrier.id}",
            "metered_billing_deck_import",
            login="operator",
        )
        [rate] = self.carrier.rate_ids
        self.assertEqual((rate.prefix, rate.price, rate.name), ("33", 2.0, "France"))
        [said] = self.carrier.file_choices.values()
        self.assertEqual((said["number"], said["words"]), ("comma", {"ruht": "ends"}))

    def test_choose_the_time_bands_of_prices(self):
        band = self.env["metered.time.band"].create(
            {"name": "Business Hours", "slot_ids": [(0, 0, {})]}
        )
        self.start_tour(
            f"/odoo/action-metered_billing.action_metered_rate_deck/{self.carrier.id}",
            "metered_billing_deck_bands",
            login="operator",
        )
        self.assertEqual(
            {rate.band_id: rate.price for rate in self.carrier.rate_ids},
            {band: 3.0, band.browse(): 2.0},
        )
