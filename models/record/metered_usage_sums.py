# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...ingest.aside import Aside
from ...rating.exact import exact_text

#: (customer, meter) that are priced for the sums of a list; a price takes milliseconds
MOST_PRICED = 60
#: what was priced for the sums that are read: (usage id, amount as text, currency id)
PRICED = Aside("metered_usage_priced", default=())
#: aggregates that need it
OF_SO_FAR = ("amount_so_far:", "so_far_currency_id:")


class MeteredUsage(models.Model):
    """Sums of amounts as they are now.

    Open usage of meters has its amount when it is invoiced. So the sums of lists and
    pivots price it, as its rows do. A sum that is of too many customers for that, or of
    usage without a price, is left empty: it is never less than its rows.
    """

    _inherit = "metered.usage"

    amount_so_far = fields.Float(
        compute="_compute_amount_so_far",
        compute_sudo=True,
        digits=0,
        min_display_digits=4,
        aggregator="sum",
        help="Calls, and what is invoiced: the amount. Usage of a meter that is not "
        "invoiced yet: what it comes to so far.",
    )
    so_far_currency_id = fields.Many2one(
        "res.currency",
        string="Currency of the Amount",
        compute="_compute_amount_so_far",
        compute_sudo=True,
    )
    amount_note = fields.Selection(
        [("so_far", "so far"), ("unpriced", "no price")],
        string="Amount Is",
        compute="_compute_amount_so_far",
        compute_sudo=True,
        help="So far: it is priced with its billing period, and changes with each "
        "record of it.",
    )

    @api.depends("amount", "currency_id", "invoice_line_id", "meter_id", "records")
    def _compute_amount_so_far(self):
        found = self.filtered_domain(self._so_far_domain())._price_so_far()
        for usage in self:
            usage.amount_note = False
            if usage.invoice_line_id or usage.meter_id.kind == "call":
                usage.amount_so_far = usage.amount
                usage.so_far_currency_id = usage.currency_id
            elif usage.id in found.amounts:
                amount, usage.so_far_currency_id = found.amounts[usage.id]
                usage.amount_so_far = float(amount)
                usage.amount_note = "so_far"
            else:
                # Without records an invoice that is no more had made it.
                usage.amount_so_far = 0.0
                usage.so_far_currency_id = usage.currency_id
                usage.amount_note = "unpriced" if usage.records else False

    # === SUMS === #

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        """Tell the lists where the currency of an amount stands."""
        result = super().fields_get(allfields, attributes)
        described = result.get("amount_so_far", {})
        if "currency_field" in described:
            described["currency_field"] = "so_far_currency_id"
        return result

    @api.model
    def _read_group(
        self,
        domain,
        groupby=(),
        aggregates=(),
        having=(),
        offset=0,
        limit=None,
        order=None,
    ):
        with PRICED.said(self._priced_rows(domain, aggregates)):
            return super()._read_group(
                domain, groupby, aggregates, having, offset, limit, order
            )

    @api.model
    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        with PRICED.said(self._priced_rows(domain, aggregates)):
            return super()._read_grouping_sets(domain, grouping_sets, aggregates, order)

    @api.model
    def _priced_rows(self, domain, aggregates):
        """What open usage of meters comes to, where sums need it; see `PRICED`."""
        if not any(spec.startswith(OF_SO_FAR) for spec in aggregates):
            return ()
        found = self._so_far_of(list(Domain(domain)), MOST_PRICED)
        return [
            (key, exact_text(amount), currency.id)
            for key, (amount, currency) in sorted(found.amounts.items())
        ]

    def _read_group_select(self, aggregate_spec, query):
        if not aggregate_spec.startswith(OF_SO_FAR):
            return super()._read_group_select(aggregate_spec, query)
        amount, currency, is_unknown = self._so_far_sql(query)
        name, _colon, function = aggregate_spec.partition(":")
        if name == "so_far_currency_id":
            return SQL("array_agg(DISTINCT %s)", currency)
        if function not in ("sum", "sum_currency"):
            raise ValueError(self.env._("Amounts are added up, and nothing else."))
        return SQL(
            "CASE WHEN NOT bool_or(%(unknown)s) AND min(%(currency)s) IS NOT DISTINCT"
            " FROM max(%(currency)s) THEN sum(%(amount)s) END",
            unknown=is_unknown,
            currency=currency,
            amount=amount,
        )

    def _so_far_sql(self, query):
        """(amount of a row, its currency, whether it has none yet) in a query."""
        table = self._table
        priced = query.make_alias(table, "so_far")
        ids, amounts, currencies = [
            list(column) for column in zip(*PRICED.heard(), strict=True)
        ] or [[], [], []]
        query.add_join(
            "LEFT JOIN",
            priced,
            SQL(
                "(SELECT * FROM unnest(%s::int[], %s::numeric[], %s::int[])"
                " AS found (id, amount, currency_id))",
                ids,
                amounts,
                currencies,
            ),
            SQL("%s = %s", SQL.identifier(table, "id"), SQL.identifier(priced, "id")),
        )
        meters = self.env["metered.meter"].sudo().with_context(active_test=False)
        is_open = SQL(
            "(%s IS NULL AND %s = ANY(%s))",
            self._field_to_sql(table, "invoice_line_id", query),
            self._field_to_sql(table, "meter_id", query),
            meters.search([("kind", "!=", "call")]).ids,
        )
        found = SQL.identifier(priced, "amount")
        amount = SQL(
            "(CASE WHEN %s THEN coalesce(%s, 0) ELSE %s END)",
            is_open,
            found,
            self._field_to_sql(table, "amount", query),
        )
        currency = SQL(
            "(CASE WHEN %s THEN %s ELSE %s END)",
            is_open,
            SQL.identifier(priced, "currency_id"),
            self._field_to_sql(table, "currency_id", query),
        )
        unknown = SQL(
            "(%s AND %s > 0 AND %s IS NULL)",
            is_open,
            self._field_to_sql(table, "records", query),
            found,
        )
        return amount, currency, unknown
