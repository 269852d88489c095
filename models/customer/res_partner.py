# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.res_partner import _tz_get

from ..exception.metered_cure import RATING
from ..screen.actions import window_action

#: Whose prices hold is the matter of Metered Billing, not of all who may edit contacts.
USER = "metered_billing.group_metered_user"
#: what says whose prices a customer has, and what a day is
TERMS = (
    *("metered_deck_id", "metered_group_id", "metered_tz"),
    *("metered_statement_items", "metered_hidden_digits"),
    *("metered_hidden_caller_digits", "metered_declared_on"),
    *("metered_declaration", "metered_declaration_name"),
)


class ResPartner(models.Model):
    """Whose prices a customer has: its deck, its group, its parent company."""

    _name = "res.partner"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "res.partner",
        "metered.cure",
        "metered.golden.guard",
    ]

    _curing = frozenset({"metered_deck_id", "metered_group_id", "country_id"})
    # Of a customer that is new nothing can wait.
    _cures_when_new = False
    _golden_kinds = frozenset({"call", "usage"})
    # Nobody has agreed a price with a new customer yet.
    _prices_when_new = False
    _pricing = frozenset(
        {"metered_deck_id", "metered_group_id", "parent_id", "is_company"}
    )

    metered_deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Rate Deck",
        tracking=True,
        company_dependent=True,
        check_company=True,
        domain="[('purpose', '=', 'sale'), ('company_id', '=', current_company_id)]",
        groups=USER,
        copy=False,
        help="The customer's own rates. If they have no rate for a call, the rate "
        "deck of the customer group is used, then the company's default deck.",
    )
    metered_group_id = fields.Many2one(
        "metered.customer.group",
        string="Customer Group for Rates",
        tracking=True,
        company_dependent=True,
        check_company=True,
        domain="[('company_id', '=', current_company_id)]",
        groups=USER,
        copy=False,
    )
    metered_tz = fields.Selection(
        _tz_get,
        string="Billing Time Zone",
        tracking=True,
        groups=USER,
        copy=False,
        help="Time zone in which this customer's days start. Leave empty to use "
        "the company's time zone.",
    )
    metered_identifier_ids = fields.One2many(
        "metered.identifier",
        "partner_id",
        string="Service Identifiers",
        groups=USER,
    )
    metered_account_ids = fields.One2many(
        "metered.source.account",
        "partner_id",
        string="Source Accounts",
        groups=USER,
    )
    metered_contact_identifier_ids = fields.Many2many(
        "metered.identifier",
        string="Contact Identifiers",
        compute="_compute_metered_contact_identifier_ids",
        groups=USER,
        help="Usage of these identifiers is also billed to this customer.",
    )
    metered_owner_id = fields.Many2one(
        "res.partner",
        string="Billed Customer",
        compute="_compute_metered_owner_id",
        groups=USER,
        help="The company that is invoiced for this contact's usage. Empty if "
        "the contact is invoiced directly.",
    )
    metered_exception_count = fields.Integer(
        string="Open Exceptions",
        compute="_compute_metered_exception_count",
        groups=USER,
    )

    def write(self, vals):
        """Who pays for others may be another company then."""
        former = self._metered_former_payers(vals)
        result = super().write(vals)
        self._metered_payers_changed(former)
        return result

    @api.constrains("metered_deck_id")
    def _check_metered_deck(self):
        self.metered_deck_id._check_is_for("sale")

    def copy_data(self, default=None):
        """Terms are copied by who may see them; others copy the contact without."""
        vals_list = super().copy_data(default)
        if self.env.su or self.env.user.has_group(USER):
            for partner, vals in zip(self, vals_list, strict=True):
                for name in TERMS if vals else ():
                    value = partner._fields[name].convert_to_write(
                        partner[name], partner
                    )
                    vals.setdefault(name, value)
        return vals_list

    @api.depends("commercial_partner_id")
    @api.depends_context("company")
    def _compute_metered_owner_id(self):
        for partner in self:
            owner = partner._metered_payer().sudo(False)
            own = owner in (partner, partner._origin)
            partner.metered_owner_id = False if own else owner

    def _compute_metered_contact_identifier_ids(self):
        for partner in self:
            identifiers = self.env["metered.identifier"]
            if partner._origin and not partner.metered_owner_id:
                contacts = partner._metered_family() - partner._origin
                identifiers = identifiers.search([("partner_id", "in", contacts.ids)])
            partner.metered_contact_identifier_ids = identifiers

    def _compute_metered_exception_count(self):
        for partner in self:
            partner.metered_exception_count = self.env[
                "metered.exception"
            ].search_count(
                [*partner._metered_domain("metered.exception"), ("state", "=", "open")]
            )

    def action_view_metered_cdrs(self):
        """Open the call details of this customer."""
        return self._metered_action("metered_billing.action_metered_cdr")

    def action_view_metered_usage(self):
        """Open the usage of this customer."""
        return self._metered_action("metered_billing.action_metered_usage")

    def action_view_metered_exceptions(self):
        """Open the exceptions of this customer."""
        return self._metered_action("metered_billing.action_metered_exception")

    def action_metered_manual_invoice(self):
        """Invoice usage of this customer by hand, before its renewal."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_manual_invoice",
            context={"default_partner_id": self.commercial_partner_id.id},
        )

    def action_metered_what_if(self):
        """Ask what another plan or rate deck would make of this customer's usage."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_simulation_start",
            context={
                "default_kind": "what_if",
                "default_partner_ids": self.commercial_partner_id.ids,
            },
        )

    def _metered_action(self, xml_id):
        """An action that shows what is billed to this customer."""
        self.ensure_one()
        # Ids, not a condition on the contact: the index on the customer is taken.
        return window_action(
            self.env, xml_id, [("partner_id", "in", self._metered_family().ids)]
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_usage(self):
        usage = (
            self.env["metered.usage"]
            .sudo()
            .search([("partner_id", "in", self.ids)], limit=1)
        )
        if usage:
            raise UserError(
                self.env._(
                    "The contact cannot be deleted because %(customer)s has usage. "
                    "Archive the contact instead.",
                    customer=usage.partner_id.display_name,
                )
            )

    def _cure_targets(self):
        """A deck or a group cures its calls without a rate.

        The country of its address cures those whose number was not guessed.
        """
        family = self.search([("id", "child_of", self.ids)])
        reasons = (*RATING, "no_destination")
        targets = {"reasons": reasons, "partner_ids": family.ids}
        return [(self._every_company(), targets)]

    def _golden_domain(self):
        return [("partner_id", "child_of", self.ids)]
