# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from ...ingest.load_rates import load_engine
from ...rating.exact import MICRO
from ...stored.why import make_call, rate_one
from ..guard.unchecked_many2one import UncheckedMany2one
from .metered_sums import Money

USER = "metered_billing.group_metered_user"


class MeteredCdrCost(models.Model):
    """What a call costs at the supplier's. Its id is that of the call.

    A table beside that of the calls: they are written once, and their costs whenever
    calls, charges or cost decks change; see ``metered.usage.cost``. Where the charge
    is another one by now, the row is out of date, and counts for nothing.
    """

    _name = "metered.cdr.cost"
    _description = "Call Cost"
    _inherit = ["metered.guarded"]
    _log_access = False

    company_id = UncheckedMany2one("res.company", readonly=True)
    currency_id = UncheckedMany2one(
        "res.currency",
        readonly=True,
        help="Currency of the cost, which is that of the cost deck.",
    )
    charge = fields.Float(
        digits=0, readonly=True, help="Charge of the call when the cost was calculated."
    )
    cost = fields.Float(digits=0, readonly=True)
    margin = fields.Float(
        digits=0,
        readonly=True,
        help="Charge minus cost, in the currency of the charge.",
    )
    below = fields.Boolean(readonly=True, help="The cost is higher than the charge.")

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


class MeteredCdr(models.Model):
    """What a call costs, and what is left of its charge."""

    _inherit = "metered.cdr"

    cost = fields.Float(
        compute="_compute_cost",
        digits=0,
        min_display_digits=4,
        groups=USER,
        aggregator=None,
        help="The supplier's charge for the call, according to the cost deck of the "
        "source or the company.",
    )
    cost_currency_id = fields.Many2one(
        "res.currency", compute="_compute_cost", groups=USER
    )
    margin = Money(
        compute="_compute_cost",
        min_display_digits=4,
        groups=USER,
        aggregator=None,
        help="Charge minus cost, in the currency of the charge.",
    )
    below_cost = fields.Boolean(
        string="Sold Below Cost",
        compute="_compute_cost",
        search="_search_below_cost",
        groups=USER,
        help="The cost is higher than the charge. You can search for this once costs "
        "have been calculated, which happens every hour for new usage and with "
        "each margin report.",
    )
    has_cost = fields.Boolean(compute="_compute_cost", groups=USER)

    def _compute_cost(self):
        """One call by itself as of now; many as they were found last."""
        self.update(
            {
                "cost": 0.0,
                "cost_currency_id": False,
                "margin": 0.0,
                "below_cost": False,
                "has_cost": False,
            }
        )
        if len(self) == 1:
            self._compute_cost_now()
            return
        self.env.cr.execute(
            """
            SELECT cost.id, cost.cost, cost.currency_id, cost.margin, cost.below
              FROM metered_cdr_cost cost
              JOIN metered_cdr cdr ON cdr.id = cost.id AND cdr.charge = cost.charge
             WHERE cost.id = ANY(%s)
            """,
            (self.ids,),
        )
        for key, cost, currency_id, margin, below in self.env.cr.fetchall():
            self.browse(key).update(
                {
                    "cost": cost,
                    "cost_currency_id": currency_id,
                    "margin": margin,
                    "below_cost": below,
                    "has_cost": True,
                }
            )

    def _compute_cost_now(self):
        cost = self._is_charged_call() and self._cost()
        if not cost or cost.charge_micro is None:
            return
        cdr = self.sudo()
        amount = Decimal(cost.charge_micro)
        currency = self.env["res.currency"].browse(cost.currency_id)
        if currency != cdr.currency_id:
            worth = self.env["metered.usage.cost"]._worth_on(
                currency, cdr.currency_id, cdr.company_id, cdr.usage_id.day
            )
            amount = (amount * worth).quantize(Decimal(1))
        margin = Decimal(repr(cdr.charge)) / MICRO - amount
        self.update(
            {
                "cost": float(cost.charge_micro * MICRO),
                "cost_currency_id": currency.id,
                "margin": float(margin * MICRO),
                "below_cost": margin < 0,
                "has_cost": True,
            }
        )

    def _is_charged_call(self):
        cdr = self.sudo()
        return cdr.state == "rated" and cdr.meter_id.kind == "call" and cdr.callee

    def _search_below_cost(self, operator, value):
        if operator != "in":
            return NotImplemented
        if not self.env.su and not self.env.user.has_group(USER):
            raise AccessError(
                self.env._("Only users of Metered Billing can see costs.")
            )
        self.env["metered.cdr"].flush_model(["charge"])
        below = Domain.custom(to_sql=self._below_cost_sql)
        found = Domain.FALSE
        if True in value:
            found |= below
        if False in value:
            found |= ~below
        return found

    @staticmethod
    def _below_cost_sql(model, alias, query):
        """Asked call by call, so that a page of a list need not find all of them."""
        charge = model._field_to_sql(alias, "charge", query)
        return SQL(
            "EXISTS (SELECT 1 FROM metered_cdr_cost cost WHERE cost.id = %s"
            " AND cost.below AND cost.charge = %s)",
            SQL.identifier(alias, "id"),
            charge,
        )

    def _cost(self):
        """What a rated call costs at the supplier's, by today's cost deck.

        :return: ``stored.why.Outcome``, None where there is no cost deck
        """
        self.ensure_one()
        cdr = self.sudo()
        deck = cdr.source_id and cdr.source_id._cost_deck()
        deck = deck or cdr.company_id.metered_cost_deck_id
        if not deck:
            return None
        loaded = load_engine(cdr.env, [(deck.id,)], cdr.callee or "")
        call = make_call(cdr.callee, cdr.start_time, int(cdr.quantity), cdr.meter_id)
        return rate_one(loaded, call)
