# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.fields import Domain
from odoo.tools import SQL

from ..guard.unchecked_many2one import UncheckedMany2one

#: of customers with more records the newest are found soon by the index on the start
MOST_BY_USAGE = 50_000
#: usage rows that are counted for it
MOST_USAGE = 10_000


class OwnerMany2one(UncheckedMany2one):
    """The customer of a record, who is searched for by the index on the usage.

    See ``ingest/usage_calls.py``: there is none on the customer. The condition that is
    added holds for every record of these customers.
    """

    def condition_to_sql(self, field_expr, operator, value, model, alias, query):
        """The condition, and where these are few records how they are found."""
        condition = super().condition_to_sql(
            field_expr, operator, value, model, alias, query
        )
        if operator not in ("in", "any", "any!") or (
            operator == "in" and not all(value)
        ):
            return condition
        usage = model.env["metered.usage"]._search(
            Domain(field_expr, operator, value), bypass_access=True
        )
        usage.limit = MOST_USAGE
        [[rows, records]] = model.env.execute_query(
            SQL(
                "SELECT count(*), coalesce(sum(records), 0) FROM %s AS usage",
                usage.subselect("records"),
            )
        )
        if rows == MOST_USAGE or records > MOST_BY_USAGE:
            return condition
        of_usage = SQL.identifier(alias, "usage_id")
        return SQL(
            "(%s AND (%s IS NULL OR %s = ANY(ARRAY%s)))",
            condition,
            of_usage,
            of_usage,
            usage.subselect(),
        )
