# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

_NOTE_ALL = """
    INSERT INTO metered_seal_note (company_id, day, invoice_id, reason, moment)
    SELECT company_id, day, invoice_id, 'resumed',
           date_trunc('second', now() AT TIME ZONE 'UTC')
      FROM (SELECT company_id, day, invoice_id FROM metered_seal
             WHERE company_id = ANY(%(companies)s)
             UNION
            SELECT usage.company_id, usage.day, NULL
              FROM metered_usage usage
              JOIN res_company company ON company.id = usage.company_id
             WHERE company.id = ANY(%(companies)s)
               AND usage.day <= company.metered_sealed_until) known
"""

#: a day may still be waited for so long before it is sealed
MOST_DAYS = 366


class ResCompany(models.Model):
    """Whether, and when, a company's usage is sealed."""

    _inherit = "res.company"

    metered_sealing = fields.Boolean(
        string="Seal Usage",
        help="Each day of usage and each posted invoice with usage gets a seal, so "
        "that later changes can be detected.",
    )
    metered_seal_days = fields.Integer(
        string="Days Until Sealed",
        default=3,
        help="The number of days after which a day of usage is sealed. If records are "
        "imported later, the day gets another seal.",
    )
    # Kept beside the seals: the last ones cannot be left out without being noticed.
    metered_seal_count = fields.Integer(string="Number of Seals", readonly=True)
    metered_seal_head = fields.Char(string="Last Seal", readonly=True)
    metered_sealed_until = fields.Date(
        readonly=True, help="Usage until this day is sealed."
    )

    @api.constrains("metered_seal_days")
    def _check_metered_seal_days(self):
        for company in self:
            if not 0 < company.metered_seal_days <= MOST_DAYS:
                raise ValidationError(
                    self.env._("Days until sealed must be between 1 and %s.", MOST_DAYS)
                )

    def _metered_note_resumed(self):
        """Have all that is sealed looked at again: sealing of these was turned off.

        Nobody noted why usage changed meanwhile.
        """
        if self:
            self.env.flush_all()
            self.env.cr.execute(_NOTE_ALL, {"companies": self.ids})
