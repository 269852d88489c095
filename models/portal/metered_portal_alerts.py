# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, models

#: figures that a contact can set
MOST_THRESHOLDS = 5
#: events that are listed
MOST_EVENTS = 20


class MeteredPortal(models.AbstractModel):
    """Alerts, as a portal user sees and sets them."""

    _inherit = "metered.portal"

    @api.model
    def _alerts_of(self, user):
        """Alerts that concern a portal user's customer, set by the operator.

        :return: list of dicts of texts: `name`, `thresholds`; `is_capped`
        """
        customer = self._customer(user)
        found = []
        for company in self._companies(user) if customer else ():
            subscriptions = customer.with_company(company)._metered_subscriptions()
            own = subscriptions.filtered(
                lambda one: one.partner_id.commercial_partner_id == customer
            )
            for alert in (
                self.env["metered.alert"]
                .sudo()
                .search(
                    [
                        ("company_id", "=", company.id),
                        ("portal_contact_id", "=", False),
                        "|",
                        ("mails_customer", "=", True),
                        ("contact_ids", "in", user.partner_id.ids),
                    ]
                )
            ):
                if not any(map(alert._concerns, own)):
                    continue
                found.append(
                    {
                        "name": alert.name,
                        "thresholds": ", ".join(
                            alert._figure_text(line.value)
                            for line in alert.threshold_ids
                        ),
                        "is_capped": any(alert.threshold_ids.mapped("caps")),
                    }
                )
        return found

    @api.model
    def _alert_events(self, user):
        """What alerts told of a customer: list of dicts of texts."""
        customer = self._customer(user)
        if not customer:
            return []
        events = (
            self.env["metered.alert.event"]
            .sudo()
            .search(
                [
                    ("partner_id", "=", customer.id),
                    ("company_id", "in", self._companies(user).ids),
                    "|",
                    ("alert_id.portal_contact_id", "=", user.partner_id.id),
                    ("alert_id.portal_contact_id", "=", False),
                    "|",
                    ("alert_id.mails_customer", "=", True),
                    ("alert_id.contact_ids", "in", user.partner_id.ids),
                ],
                limit=MOST_EVENTS,
            )
        )
        return [
            {
                "name": event.alert_id.name,
                "time": event.as_of_text,
                "level": event.level_text,
                "figure": event.figure_text,
                "period": event.period_text,
            }
            for event in events
        ]

    @api.model
    def _own_alert(self, user, company):
        """The alert that a contact set for itself in a company, archived ones too."""
        return (
            self.env["metered.alert"]
            .sudo()
            .with_context(active_test=False)
            .search(
                [
                    ("company_id", "=", company.id),
                    ("portal_contact_id", "=", user.partner_id.id),
                    ("partner_id", "=", self._customer(user).id),
                ],
                limit=1,
            )
        )

    @api.model
    def _own_thresholds(self, user):
        """What a contact set for itself.

        :return: list of (``res.company``, list of floats, what they are of)
        """
        if not self._customer(user):
            return []
        companies, found = self._companies(user), []
        for company in companies:
            text = self.env._(
                "In %(currency)s, before tax and without flat fees, in each billing "
                "period. Leave a field empty for no alert.",
                currency=company.currency_id.name,
            )
            if len(companies) > 1:
                text = f"{company.name}. {text}"
            figures = self._own_alert(user, company).threshold_ids.mapped("value")
            found.append((company, figures, text))
        return found

    @api.model
    def _gets_mails(self, user):
        """Whether a contact gets emails of alerts."""
        return user.partner_id.sudo().metered_alert_mails

    @api.model
    def _set_alerts(self, user, company, figures, mails):
        """Set a contact's own alert, and whether it gets emails of alerts.

        :param company: one of the user's
        :param figures: amounts above 0, in the company's currency
        """
        customer, contact = self._customer(user), user.partner_id.sudo()
        contact.metered_alert_mails = mails
        alert = self._own_alert(user, company)
        figures = sorted(set(figures))[:MOST_THRESHOLDS]
        if figures == alert.threshold_ids.mapped("value"):
            return
        lines = [Command.clear(), *(Command.create({"value": one}) for one in figures)]
        if alert:
            alert.write({"threshold_ids": lines, "active": bool(figures)})
            return
        alert.create(
            {
                "name": self.env._("Usage limit of %s", contact.name),
                "company_id": company.id,
                "currency_id": company.currency_id.id,
                "scope": "customer",
                "partner_id": customer.id,
                "basis": "amount",
                "user_id": False,
                "contact_ids": [Command.set(contact.ids)],
                "portal_contact_id": contact.id,
                "threshold_ids": lines[1:],
            }
        )
