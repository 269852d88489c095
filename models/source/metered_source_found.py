# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta
from itertools import islice

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...connectors.errors import SourceAnswerError, SourceError
from ...connectors.http import HttpLimits
from ..screen.actions import RELOAD, notification, window_action

#: a switch with more is not one operator's
MOST_ACCOUNTS = 50_000
#: a list that is so new is not asked for again
FRESH = timedelta(minutes=1)
SAME_NAME = """
    SELECT lower(trim(name)), array_agg(id)
      FROM res_partner
     WHERE active AND parent_id IS NULL AND lower(trim(name)) = ANY(%s)
       AND (company_id IS NULL OR company_id = ANY(%s))
     GROUP BY 1
"""


class MeteredSourceFound(models.Model):
    """An account that a switch listed: what source accounts are chosen from.

    Kept as the switch last listed it, and removed when it lists it no more; whose it
    is stands in the source account of that name.
    """

    _name = "metered.source.found"
    _description = "Account on a Switch"
    _inherit = ["metered.guarded"]
    _order = "source_id, title, name"
    _rec_names_search = ["name", "title"]

    source_id = fields.Many2one(
        "metered.source", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True, index=True)
    name = fields.Char(
        string="Account",
        required=True,
        readonly=True,
        help="Name of a customer on the switch: a domain or tenant.",
    )
    title = fields.Char(string="Name on the Switch", readonly=True)
    is_in_use = fields.Boolean(
        string="In Use", readonly=True, help="The account is not locked on the switch."
    )
    account_id = fields.Many2one(
        "metered.source.account",
        string="Source Account",
        compute="_compute_account_id",
        store=True,
        ondelete="set null",
        index="btree_not_null",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        compute="_compute_partner_id",
        inverse="_inverse_partner_id",
        search="_search_partner_id",
        check_company=True,
        help="The customer this account is assigned to. You can choose one if it "
        "is not assigned yet.",
    )
    is_archived = fields.Boolean(compute="_compute_partner_id")
    suggested_id = fields.Many2one(
        "res.partner",
        string="Same Name",
        compute="_compute_suggested_id",
        help="The only customer with the same name as the account.",
    )

    _name_uniq = models.Constraint(
        "UNIQUE (source_id, name)", "This account is already listed on the switch."
    )

    @api.depends("source_id.account_ids", "source_id.account_ids.name")
    def _compute_account_id(self):
        accounts = self.env["metered.source.account"].with_context(active_test=False)
        known = {
            (account.source_id.id, account.name): account.id
            for account in accounts.search(
                [
                    ("source_id", "in", self.source_id.ids),
                    ("name", "in", self.mapped("name")),
                ]
            )
        }
        for found in self:
            found.account_id = known.get((found.source_id.id, found.name))

    @api.depends("account_id.partner_id", "account_id.active")
    def _compute_partner_id(self):
        for found in self:
            found.partner_id = found.account_id.partner_id
            found.is_archived = bool(found.account_id) and not found.account_id.active

    def _inverse_partner_id(self):
        for found in self.filtered("partner_id"):
            found.source_id._assign_account(found.name, found.partner_id)

    def _search_partner_id(self, operator, value):
        return [("account_id.partner_id", operator, value)]

    @api.depends("name", "title", "account_id")
    @api.depends_context("metered_partner_id")
    def _compute_display_name(self):
        own = self.env.context.get("metered_partner_id")
        for found in self:
            name = found.name
            if found.title and found.title != name:
                name = f"{found.title} · {name}"
            taken = found.sudo().partner_id
            if taken and taken.id == own:
                name = self.env._("%s (this customer's)", name)
            elif taken:
                name = self.env._(
                    "%(account)s (assigned to %(customer)s)",
                    account=name,
                    customer=taken.display_name,
                )
            found.display_name = name

    @api.depends("name", "title", "account_id")
    def _compute_suggested_id(self):
        free = self.filtered(lambda found: not found.account_id)
        names = {(found.title or found.name).strip().lower() for found in free}
        self.env["res.partner"].flush_model(["name", "active", "parent_id"])
        self.env.cr.execute(SAME_NAME, (list(names), self.company_id.ids))
        # A name that two have says nothing.
        same = {name: ids[0] for name, ids in self.env.cr.fetchall() if len(ids) == 1}
        seen = self.env["res.partner"].search([("id", "in", list(same.values()))])
        for found in self:
            name = (found.title or found.name).strip().lower()
            suggested = seen.filtered(lambda p, n=name: p.id == same.get(n))
            found.suggested_id = suggested if found in free else False

    def action_assign_suggested(self):
        """Give each of these to the customer of the same name, where there is one."""
        free = self.filtered("suggested_id")
        if not free:
            raise UserError(
                self.env._(
                    "None of these accounts has the same name as exactly one customer."
                )
            )
        for found in free:
            found.source_id._assign_account(found.name, found.suggested_id)
        return notification(
            self.env._(
                "Assigned accounts: %s. The next sync fetches their records.",
                len(free),
            ),
            next=RELOAD,
        )

    def action_list_again(self):
        """Ask the switches of this list for their accounts again."""
        sources = self.env["metered.source"].browse(
            self.env.context.get("metered_source_ids", [])
        )
        for source in sources:
            try:
                source._list_accounts()
            except SourceError as error:
                failure = f"{source.name}: {error}"
                raise UserError(failure) from error
        listed = sources.found_ids
        return notification(
            self.env._(
                "Accounts on the switch: %(count)s, without a customer: %(free)s.",
                count=len(listed),
                free=len(listed.filtered(lambda found: not found.account_id)),
            ),
            next=RELOAD,
        )


class MeteredSource(models.Model):
    """Asks a switch for its accounts."""

    _inherit = "metered.source"

    found_ids = fields.One2many(
        "metered.source.found",
        "source_id",
        readonly=True,
    )
    listed = fields.Datetime(
        string="Accounts Listed On",
        readonly=True,
        copy=False,
        help="Time when the accounts were last listed by the switch.",
    )
    free_count = fields.Integer(compute="_compute_free_count")
    lists_accounts = fields.Boolean(compute="_compute_lists_accounts")

    def _compute_lists_accounts(self):
        for source in self:
            source.lists_accounts = source._lists_accounts()

    def _compute_free_count(self):
        counts = dict(
            self.env["metered.source.found"]._read_group(
                [("source_id", "in", self.ids), ("account_id", "=", False)],
                ["source_id"],
                ["__count"],
            )
        )
        for source in self:
            source.free_count = counts.get(source, 0)

    def _lists_accounts(self):
        """Whether the switch can be asked which accounts it has."""
        self.ensure_one()
        return self._kind().lists_accounts(self.sudo())

    def _list_accounts(self, newer_than=None):
        """Ask for the accounts, and keep what is answered.

        :param newer_than: timedelta: a list that is newer is good enough
        :raises AccessError: the source is not the user's to see
        :raises SourceError: the switch does not answer, or nonsense
        """
        self.ensure_one()
        # Asking uses the company's credentials.
        self.check_access("read")
        source = self.sudo()
        now = fields.Datetime.now()
        if newer_than and source.listed and source.listed > now - newer_than:
            return
        with source._make_connector(limits=HttpLimits().hurried()) as connector:
            listed = {
                account.key: account
                for account in islice(connector.accounts(), MOST_ACCOUNTS + 1)
            }
        if len(listed) > MOST_ACCOUNTS:
            raise SourceAnswerError(
                self.env._("The switch lists more than %s accounts.", MOST_ACCOUNTS),
                remedy=self.env._("Check the paging settings of its account list."),
            )
        known = {found.name: found for found in source.found_ids}
        source.found_ids.filtered(lambda found: found.name not in listed).unlink()
        new = []
        for name, account in listed.items():
            values = {"title": account.name, "is_in_use": account.active}
            if name not in known:
                new.append({"source_id": source.id, "name": name, **values})
            elif any(known[name][field] != value for field, value in values.items()):
                known[name].write(values)
        source.found_ids.create(new)
        source.listed = now

    def action_map_accounts(self):
        """Open the accounts that these switches list, those without a customer."""
        return self._map_accounts()

    def _map_accounts(self, at_any_rate=False):
        """The same.

        :param at_any_rate: a switch that does not answer, and never did, does not keep
            the accounts of the others away; it is told beside them
        :raises UserError: otherwise
        """
        self.check_access("read")
        failures = []
        for source in self:
            if not source._lists_accounts():
                raise UserError(
                    self.env._(
                        "%s cannot list its accounts. Enter them on the Accounts page.",
                        source.name,
                    )
                )
            try:
                source._list_accounts(FRESH)
            except SourceError as error:
                failure = f"{source.name}: {error}"
                if not at_any_rate and not source.found_ids:
                    raise UserError(failure) from error
                failures.append(failure)
        action = window_action(
            self.env,
            "action_metered_source_found",
            [("source_id", "in", self.ids)],
            context={"search_default_free": 1, "metered_source_ids": self.ids},
        )
        if not failures:
            return action
        return notification(
            "\n".join(failures),
            "warning",
            sticky=True,
            title=self.env._("Some switches could not be reached"),
            # An action that follows another would show its text as HTML source.
            next={**action, "help": False},
        )

    @api.model
    def action_map_all_accounts(self):
        """The same of all switches of the company that list their accounts."""
        sources = self.search([("company_id", "=", self.env.company.id)]).filtered(
            lambda source: source._lists_accounts()
        )
        if not sources:
            raise UserError(
                self.env._(
                    "None of your sources lists its accounts. Connect a NetSapiens "
                    "source, or a REST API source with a list of accounts."
                )
            )
        return sources._map_accounts(at_any_rate=True)
