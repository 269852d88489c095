# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The alerts of usage that a customer's contact sets for itself."""

import math

from odoo.http import request, route

from odoo.addons.portal.controllers.portal import CustomerPortal

from ..models.portal.metered_portal_alerts import MOST_THRESHOLDS
from .portal_request import PAGE, admitted, portal, shown, values_of

#: characters of a figure that is typed, and the largest one
MOST_TYPED, MOST_MONEY = 20, 10**9


class AlertPortal(CustomerPortal):
    @route("/my/usage/alerts", **{**PAGE, "methods": ["GET", "POST"]})
    def metered_alerts(self, **texts):
        """The alerts of a contact; a form that was sent is saved."""
        user = request.env.user
        values = values_of("usage_alerts", self._prepare_portal_layout_values())
        if not values["may_alerts"] or not portal()._customer(user):
            return shown("portal_no_alerts", values, 403)
        error = False
        if request.httprequest.method == "POST":
            if not admitted("alerts", ", ".join(sorted(texts))):
                return shown("portal_too_often", values, 429)
            error = not self._metered_save(user, texts)
            if not error:
                return request.redirect("/my/usage/alerts?saved=1")
        return shown(
            "portal_alerts",
            {
                **values,
                "own": portal()._own_thresholds(user),
                "mails": portal()._gets_mails(user),
                "address": user.partner_id.email or "",
                "alerts": portal()._alerts_of(user),
                "events": portal()._alert_events(user),
                "places": range(MOST_THRESHOLDS),
                "labels": [
                    request.env._("Amount %s", place + 1)
                    for place in range(MOST_THRESHOLDS)
                ],
                "error": error,
                "saved": texts.get("saved") == "1",
            },
        )

    def _metered_save(self, user, texts):
        """Save what was sent: whether all of it can be read."""
        wanted = []
        for company in portal()._companies(user):
            figures = []
            for place in range(MOST_THRESHOLDS):
                text = texts.get(f"figure_{company.id}_{place}", "")
                text = text.strip()[:MOST_TYPED]
                figure = amount_of(text)
                if text and not figure:
                    return False
                if figure:
                    figures.append(figure)
            wanted.append((company, figures))
        for company, figures in wanted:
            portal()._set_alerts(user, company, figures, texts.get("mails") == "1")
        return True


def amount_of(text):
    """An amount above 0 that was typed; 0 for none."""
    try:
        amount = float(text)
    except ValueError:
        return 0
    return amount if math.isfinite(amount) and 0 < amount <= MOST_MONEY else 0
