# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..connectors.errors import SourceError
from ..models.source.metered_source_found import FRESH


class MeteredAccountChoice(models.TransientModel):
    """Which of the accounts that a switch lists is a customer's."""

    _name = "metered.account.choice"
    _description = "Choose the Account on the Switch"
    _inherit = ["metered.guarded"]

    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, readonly=True
    )
    listing_ids = fields.Many2many(
        "metered.source",
        compute="_compute_listing_ids",
    )
    source_id = fields.Many2one(
        "metered.source", required=True, domain="[('id', 'in', listing_ids)]"
    )
    found_id = fields.Many2one(
        "metered.source.found",
        string="Account",
        domain="[('source_id', '=', source_id)]",
        help="The name the switch uses for this customer. Type part of it to search.",
    )
    taken_id = fields.Many2one(
        "res.partner",
        compute="_compute_taken_id",
        help="The customer this account is already assigned to.",
    )
    free_count = fields.Integer(related="source_id.free_count")
    listed = fields.Datetime(related="source_id.listed")
    problem = fields.Char(readonly=True, help="Why the list may be out of date.")

    @api.depends("partner_id")
    def _compute_listing_ids(self):
        for choice in self:
            choice.listing_ids = self._listing_sources()

    @api.model
    def _listing_sources(self):
        """The sources of the company that can be asked for their accounts."""
        sources = self.env["metered.source"].search(
            [("company_id", "=", self.env.company.id)]
        )
        return sources.filtered(lambda source: source._lists_accounts())

    @api.depends("found_id", "partner_id")
    def _compute_taken_id(self):
        for choice in self:
            owner = choice.found_id.partner_id
            choice.taken_id = owner if owner != choice.partner_id else False

    @api.onchange("source_id")
    def _onchange_source_id(self):
        if self.found_id.source_id != self.source_id:
            self.found_id = False
            self._look()

    def _look(self):
        """Ask the switch, and propose the account of the customer's name."""
        problem = False
        source = self.source_id._origin
        if not source:
            return
        try:
            source._list_accounts(FRESH)
        except SourceError as error:
            problem = str(error)
        if self._ids:
            self._set_as_program({"problem": problem})
        else:
            self.problem = problem
        free = source.found_ids.filtered(lambda found: not found.account_id)
        same = free.filtered(lambda found: found.suggested_id == self.partner_id)
        self.found_id = same if len(same) == 1 else False

    @api.model
    def _action_open(self, partner, source=None):
        """A dialog that asks for the account.

        :param partner: ``res.partner``
        :param source: ``metered.source``; None: the first that lists its accounts
        """
        source = source or self._listing_sources()[:1]
        if not source:
            raise UserError(
                self.env._(
                    "None of your sources lists its accounts. Connect a NetSapiens "
                    "source, or a REST API source with a list of accounts."
                )
            )
        values = {"partner_id": partner.id, "source_id": source.id}
        choice = self.sudo().create(values).with_env(self.env)
        choice._look()
        return choice._get_records_action(
            name=self._description,
            target="new",
            context={"metered_partner_id": partner.id},
        )

    def action_choose(self):
        """Make the account the customer's."""
        self.ensure_one()
        if not self.found_id:
            raise UserError(self.env._("Choose an account first."))
        self.source_id._assign_account(self.found_id.name, self.partner_id)
        return {"type": "ir.actions.act_window_close"}

    def action_enter(self):
        """Enter the account's name where the list does not help."""
        self.ensure_one()
        return self.partner_id._metered_enter_account(self.source_id)

    def action_open_taken(self):
        """Open the account that somebody else has."""
        return self.found_id.account_id._get_records_action()
