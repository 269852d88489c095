# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import SQL

from ..guard.unchecked_many2one import UncheckedMany2one


class MeteredCdrCost(models.Model):
    """What a call costs at the supplier's. Its id is that of the call.

    A table beside that of the calls: they are written once, and their costs whenever
    calls, charges or cost decks change; see ``metered.usage.cost``. Where the charge
    is another one by now, the row is out of date, and counts for nothing.
    """

    _name = "metered.cdr.cost"
    _description = "Cost of a Call"
    _inherit = ["metered.guarded"]
    _log_access = False

    company_id = UncheckedMany2one("res.company", readonly=True)
    currency_id = UncheckedMany2one(
        "res.currency", readonly=True, help="Of the cost: that of the cost deck."
    )
    charge = fields.Float(
        digits=0, readonly=True, help="What the call was charged when this was found."
    )
    cost = fields.Float(digits=0, readonly=True)
    margin = fields.Float(
        digits=0,
        readonly=True,
        help="What is left of the charge, in the currency of the charge.",
    )
    below = fields.Boolean(readonly=True, help="It costs more than it is charged.")

    _below_idx = models.Index("(id) WHERE below")

    def init(self):
        """Ids of 64 bits, as calls have them."""
        self.env.cr.execute(
            SQL(
                """
                SELECT atttypid = 'int4'::regtype FROM pg_attribute
                 WHERE attrelid = 'metered_cdr_cost'::regclass AND attname = 'id'
                """
            )
        )
        if self.env.cr.fetchone()[0]:
            self.env.cr.execute(
                "ALTER TABLE metered_cdr_cost ALTER COLUMN id TYPE bigint"
            )

    @api.autovacuum
    def _gc_costs(self):
        """Forget the costs of calls that are no more."""
        self.env.cr.execute(
            "DELETE FROM metered_cdr_cost cost WHERE NOT EXISTS"
            " (SELECT 1 FROM metered_cdr cdr WHERE cdr.id = cost.id)"
        )
