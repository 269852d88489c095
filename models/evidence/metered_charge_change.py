# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.tools import SQL

from ..guard.unchecked_many2one import UncheckedMany2one
from ..record.metered_sums import Money

REASONS = [
    ("rerated", "Re-rated"),
    ("plan", "Calling plan applied again"),
]


class MeteredChargeChange(models.Model):
    """A charge of a record that became another one: written once, by SQL.

    See ``stored/charge_changes.py``. The record may be gone, when its import was undone
    or under a retention rule; what was changed stays known.
    """

    _name = "metered.charge.change"
    _description = "Change of a Charge"
    _inherit = ["metered.append.only", "metered.guarded"]
    _log_access = False
    _order = "id desc"

    company_id = UncheckedMany2one("res.company", readonly=True, required=True)
    cdr_id = UncheckedMany2one("metered.cdr", string="Record", readonly=True)
    moment = fields.Datetime(string="Time", readonly=True, required=True)
    reason = fields.Selection(REASONS, readonly=True, required=True)
    charge_before = Money(
        currency_field="currency_before_id", min_display_digits=4, readonly=True
    )
    currency_before_id = UncheckedMany2one("res.currency", readonly=True)
    rate_before_id = UncheckedMany2one("metered.rate", readonly=True)
    charge_after = Money(
        currency_field="currency_after_id", min_display_digits=4, readonly=True
    )
    currency_after_id = UncheckedMany2one("res.currency", readonly=True)
    rate_after_id = UncheckedMany2one("metered.rate", readonly=True)
    user_id = UncheckedMany2one(
        "res.users",
        string="By",
        readonly=True,
        help="Empty if the system did it, for example after an import.",
    )

    _cdr_idx = models.Index("(cdr_id)")

    def init(self):
        """Ids of records have 64 bits."""
        done = super().init()
        self.env.cr.execute(
            SQL(
                "SELECT atttypid = 'int4'::regtype FROM pg_attribute"
                " WHERE attrelid = 'metered_charge_change'::regclass"
                "   AND attname = 'cdr_id'"
            )
        )
        if self.env.cr.fetchone()[0]:
            self.env.cr.execute(
                SQL("ALTER TABLE metered_charge_change ALTER COLUMN cdr_id TYPE bigint")
            )
        return done
