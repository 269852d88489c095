# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import contextlib

from odoo import api, fields, models
from odoo.fields import Domain

from ...ingest.dial_plans import dial_plan
from ...ingest.typed_numbers import number_starts


class MeteredNumberSearch(models.AbstractModel):
    """Records that are looked for by a number, as people write it, or by a customer."""

    _name = "metered.number.search"
    _description = "Search by Number"

    #: fields with numbers in international form, and what stands before them
    _number_fields = {}

    number_or_customer = fields.Char(
        store=False,
        search="_search_number_or_customer",
        help="A phone number in any format, or its first digits. Any other text "
        "searches for customer names.",
    )

    @api.model
    def _search_number_or_customer(self, operator, value):
        """What the search bar asks for by a text; a number at its beginning only."""
        if operator == "in":
            return Domain.OR(
                self._search_number_or_customer("ilike", text) for text in value if text
            )
        if operator not in ("ilike", "=ilike", "like", "=like") or not value:
            return NotImplemented
        starts = number_starts(value, self._dialled_in())
        if not starts:
            return self._domain_no_number(value)
        return self._domain_numbers(starts)

    @api.model
    def _domain_numbers(self, starts):
        """Records with a number that begins so.

        :param starts: as ``number_starts`` returned them
        """
        return Domain.OR(
            Domain(name, "=like", f"{before}{start}%")
            for name, all_before in self._number_fields.items()
            for before in all_before
            for start in starts
        )

    @api.model
    def _domain_no_number(self, text):
        """What a text that is no number is looked for in."""
        return Domain("partner_id", "child_of", text)

    @api.model
    def _dialled_in(self):
        """Dial plans of the countries whose numbers users of these companies type."""
        sources = self.env["metered.source"].search_fetch([], ["country_id"])
        plans = []
        for country in sources.country_id | self.env.companies.country_id:
            with contextlib.suppress(ValueError):
                plans.append(dial_plan(country.code or ""))
        return plans
