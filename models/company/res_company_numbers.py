# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class ResCompany(models.Model):
    """Numbers of a company's own documents."""

    _inherit = "res.company"

    def _metered_next_number(self, code, name, prefix):
        """The next number of a document; its sequence is made with the first one.

        :param str code: of the sequence
        :param str name: of the sequence, for a person
        :param str prefix: of the number, such as `ST/`; the year follows
        """
        self.ensure_one()
        sequences = self.env["ir.sequence"].sudo()
        own = [("code", "=", code), ("company_id", "=", self.id)]
        if not sequences.search_count(own, limit=1):
            sequences.create(
                {
                    "name": name,
                    "code": code,
                    "company_id": self.id,
                    "prefix": f"{prefix}%(year)s/",
                    "padding": 5,
                }
            )
        return sequences.with_company(self).next_by_code(code)
