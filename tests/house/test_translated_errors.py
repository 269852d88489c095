# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the engine and the files of decks refuse, in the user's language."""

import base64
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import html2plaintext
from odoo.tools.misc import ReadonlyDict
from odoo.tools.translate import code_translations

from ..support.metered_case import MeteredCase

FRENCH = {
    "Tier %(number)s: it starts at %(begin)s, but tier %(before)s ends at %(end)s, "
    "which leaves a gap": "Palier %(number)s : il commence à %(begin)s, le palier "
    "%(before)s finit à %(end)s : il y a un trou",
    "Tier %(number)s: it starts at %(begin)s, but tier %(before)s ends at %(end)s, so "
    "they overlap": "Palier %(number)s : il commence à %(begin)s, le palier "
    "%(before)s finit à %(end)s : ils se chevauchent",
    "The quantity %(quantity)s is above %(end)s, where the last tier ends": "La "
    "quantité %(quantity)s dépasse %(end)s, fin du dernier palier",
    "The price %(price)s cannot be used. %(reason)s.": "Le prix %(price)s est "
    "inutilisable. %(reason)s.",
    "'%(text)s' is not a price.": "« %(text)s » n'est pas un prix.",
    "The last day, %(last)s, is before the first day.": "Il finit le %(last)s, avant "
    "de "
    "commencer.",
    "The file has a header but no rates below it.": "Le fichier a un en-tête et aucun "
    "tarif.",
    "'%(prefix)s' is not a prefix: enter 1 to %(digits)s digits without '+', '=' and "
    "a short code of 1 to %(short)s digits, or nothing": "« %(prefix)s » n'est pas "
    "un préfixe de 1 à %(digits)s chiffres",
}


@tagged("post_install", "-at_install")
class TestTranslatedErrors(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        language = cls.env["res.lang"]._activate_lang("fr_FR")
        language.write(
            {"decimal_point": ",", "thousands_sep": "'", "date_format": "%d/%m/%Y"}
        )
        cls.env["res.lang"].flush_model()
        cls.startClassPatcher(
            patch.dict(
                code_translations.python_translations,
                {("metered_billing", "fr_FR"): ReadonlyDict(FRENCH)},
            )
        )
        cls.env.user.lang = "fr_FR"
        cls.french = cls.env(context={**cls.env.context, "lang": "fr_FR"})
        cls.meter = cls.make_meter("Texts", unit="text")

    def import_rates(self, text):
        wizard = self.french["metered.deck.import"].create(
            {
                "deck_id": self.deck.id,
                "file": base64.b64encode(text.encode()),
                "file_name": "rates.csv",
            }
        )
        wizard.action_preview()
        return wizard

    def make_tiers(self, *rows):
        return self.french["metered.price"].create(
            {
                "name": "Textos",
                "meter_id": self.meter.id,
                "charge_model": "graduated",
                "tier_ids": [Command.create(row) for row in rows],
            }
        )

    def test_gap_and_overlap_of_tiers(self):
        for first, text in (
            (1500, "Palier 2 : il commence à 1'500, le palier 1 finit à 1'000,5"),
            (900.25, "ils se chevauchent"),
        ):
            with self.assertRaises(ValidationError) as caught:
                self.make_tiers({"up_to": 1000.5}, {"first": first, "up_to": 0})
            self.assertIn("Le prix Textos est inutilisable.", str(caught.exception))
            self.assertIn(text, str(caught.exception))

    def test_a_quantity_without_a_price(self):
        price = self.make_tiers({"up_to": 100, "unit_price": 1})
        price.example_quantity = 1250.5
        self.assertIn(
            "La quantité 1'250,5 dépasse 100, fin du dernier palier.",
            html2plaintext(price.example),
        )

    def test_a_cell_that_cannot_be_read(self):
        wizard = self.import_rates(
            "prefix,price,valid from,end date\n44,free,,\n45,1,2026-10-02,2026-10-01\n"
        )
        self.assertEqual(
            wizard.line_ids.mapped("detail"),
            [
                "« free » n'est pas un prix.",
                "Il finit le 01/10/2026, avant de commencer.",
            ],
        )

    def test_a_file_without_rates(self):
        with self.assertRaisesRegex(UserError, "un en-tête et aucun tarif"):
            self.import_rates("prefix,price\n")

    def test_a_wrong_prefix(self):
        with self.assertRaisesRegex(ValidationError, "« 4a » n'est pas un préfixe"):
            self.french["metered.rate"].create(
                {"deck_id": self.deck.id, "prefix": "4a", "price": 1}
            )

    def test_who_speaks_english_reads_english(self):
        self.french = self.env(context={"lang": "en_US"})
        with self.assertRaisesRegex(ValidationError, "at 1,500, .* leaves a gap"):
            self.make_tiers({"up_to": 1000.5}, {"first": 1500, "up_to": 0})
