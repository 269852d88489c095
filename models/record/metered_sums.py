# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models
from odoo.tools import SQL


class MeteredSums(models.AbstractModel):
    """Sums of money, of one currency only.

    A sum over several currencies is no amount: lists, pivots and graphs get none, and
    are told which currencies there are. Group by currency to see the sums.
    """

    _name = "metered.sums"
    _description = "Sums in One Currency"

    #: fields with money in the record's currency
    _money_fields = ()

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        """Tell the lists where the currency of an amount stands."""
        result = super().fields_get(allfields, attributes)
        for name in self._money_fields:
            if name in result and (not attributes or "currency_field" in attributes):
                result[name]["currency_field"] = "currency_id"
        return result

    def _read_group_select(self, aggregate_spec, query):
        """Leave a sum empty where the records are not all of one currency."""
        name, _colon, function = aggregate_spec.partition(":")
        if name not in self._money_fields or function not in ("sum", "sum_currency"):
            return super()._read_group_select(aggregate_spec, query)
        currency = self._field_to_sql(self._table, "currency_id", query)
        return SQL(
            "CASE WHEN min(%(currency)s) IS NOT DISTINCT FROM max(%(currency)s)"
            " THEN %(sum)s END",
            currency=currency,
            sum=super()._read_group_select(f"{name}:sum", query),
        )
