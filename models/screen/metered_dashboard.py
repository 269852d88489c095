# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models
from odoo.exceptions import AccessError

#: rows of a list on the dashboard
TOP = 6


class MeteredDashboard(models.AbstractModel):
    """The figures of the app's first screen.

    They come from the daily usage, some hundred thousand rows a month at most; the
    call details, tens of millions, are looked at one by one only (see
    ``metered_dashboard_destinations``). Amounts of different currencies are never
    added up: the figures are those of one currency, and the others are named.
    """

    _name = "metered.dashboard"
    _description = "Metered Billing Dashboard"

    @api.model
    def get_dashboard(self, period=None, currency_id=None):
        """All that the dashboard shows, for the companies that are switched on.

        :param str period: ``this_month``, ``last_month`` or ``last_30``; None: this
            month, or the last one where this one has no usage yet
        :param int currency_id: whose amounts; None: the company's currency, or the one
            most calls are in where the company's has none
        :return: dict of plain values; a ``link`` is what a number is made of:
            ``{"action": xml id, "name": str, "domain": list}``
        :raises AccessError: for people who are no users of Metered Billing
        """
        if not self.env.user.has_group("metered_billing.group_metered_user"):
            raise AccessError(
                self.env._("The dashboard is for users of Metered Billing.")
            )
        span = self._span(period or "this_month")
        priced = self._open_priced()
        rows = self._read_usage(span) + priced.of(span)
        if period is None and not any(row["day"] >= span["from"] for row in rows):
            last_month = self._span("last_month")
            last_rows = self._read_usage(last_month) + priced.of(last_month)
            if any(row["day"] >= last_month["from"] for row in last_rows):
                span, rows = last_month, last_rows
        currency = self._choose_currency(rows, currency_id)
        return {
            "period": self._describe_span(span),
            "currency_id": currency.id,
            "currencies": self._describe_currencies(rows, currency),
            "has_usage": bool(rows)
            or bool(self.env["metered.usage"].search([], limit=1)),
            "totals": self._totals(span, rows, currency, priced),
            "left_out": priced.left_out,
            "days": self._days(span, rows, currency),
            "meters": self._meters(span, rows, currency),
            "customers": self._customers(span, currency, priced),
            "destinations": self._destinations(span, currency),
            "exceptions": self._exceptions(),
            "sources": self._sources(),
            "renewals": self._renewals(),
            "batches": self._batches(),
            "onboarding": self.env["metered.onboarding"].get_panel(),
        }

    # === LINKS === #

    @api.model
    def _link(self, action, name, domain):
        """What a number opens: the records that it was counted from."""
        return {"action": action, "name": name, "domain": domain}

    @api.model
    def _record_link(self, action, record):
        return {"action": action, "name": record.display_name, "res_id": record.id}
