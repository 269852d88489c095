# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredAlert(models.Model):
    """Alerts that a customer's contact set for itself, in the portal."""

    _inherit = "metered.alert"

    portal_contact_id = fields.Many2one(
        "res.partner",
        string="Set in the Portal By",
        readonly=True,
        copy=False,
        ondelete="cascade",
        index="btree_not_null",
        help="This contact set up the alert in the portal and receives its emails.",
    )

    def _contacts_to_mail(self, contacts):
        """Those contacts that are still to get emails of an alert."""
        self.ensure_one()
        own = self.portal_contact_id
        customer = self.partner_id.commercial_partner_id
        return contacts.filtered(
            lambda contact: (
                contact.email
                and contact.metered_alert_mails
                # A contact may have left the customer, or may not any more.
                and (
                    contact != own
                    or (
                        contact.active
                        and contact.commercial_partner_id == customer
                        and contact._metered_portal_may("alerts")
                    )
                )
            )
        )
