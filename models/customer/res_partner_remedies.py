# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError

from ..screen.actions import window_action


class ResPartner(models.Model):
    """Where the checks of the customer tab are cured."""

    _inherit = "res.partner"

    def _metered_show_check(self, check, source=None):
        """A check as the screen shows it, with what its button calls."""
        shown = {
            "name": check.name,
            "ok": check.ok,
            "detail": check.detail,
            "remedy": check.remedy,
        }
        if check.place and self._metered_may_remedy(check.place):
            shown["call"] = self._metered_call(check.place, source)
        return shown

    def _metered_call(self, place, source=None):
        """What a button calls: model, id, method, further arguments."""
        args = [place, source.id if source else False]
        return [self._name, self.id, "action_metered_remedy", args]

    def _metered_may_remedy(self, place):
        """Whether the user may do what is done there."""
        needed = {
            "identifier": ("metered.identifier", "create"),
            "account": ("metered.source.account", "create"),
            "deck": ("res.partner", "write"),
            "rates": ("metered.rate", "create"),
            "meters": ("metered.meter", "write"),
            "subscription": ("sale.subscription", "write"),
            "new_subscription": ("sale.subscription", "create"),
        }.get(place)
        return not needed or self.env[needed[0]].has_access(needed[1])

    def action_metered_remedy(self, place, source_id=False):
        """Open the place where a check of the customer tab is cured.

        :param str place: as a check names it
        :param int source_id: the ``metered.source`` that the check is about
        """
        self.ensure_one()
        self.check_access("read")
        source = self.env["metered.source"].browse(source_id or [])
        source.check_access("read")
        opened = {
            "identifier": self._metered_open_identifier,
            "account": self._metered_open_account,
            "source": lambda source: source._get_records_action(),
            "fetch": lambda source: source.with_context(
                metered_partner_id=self.id
            ).action_fetch(),
            "last_sync": self._metered_open_last_sync,
            "numbers": self._metered_open_numbers,
            "gaps": self._metered_open_gaps,
            "deck": self._metered_open_deck,
            "rates": self._metered_open_rates,
            "meters": self._metered_open_meters,
            "subscription": self._metered_open_subscription,
            "new_subscription": self._metered_open_new_subscription,
            "periods": self._metered_open_periods,
            "no_renewal": self._metered_open_no_renewal,
            "exceptions": lambda source: self.action_view_metered_exceptions(),
        }.get(place)
        if not opened:
            raise UserError(self.env._("Nothing to open for this check."))
        return opened(source)

    def _metered_open_identifier(self, source):
        kinds = source.payer_ids.mapped("kind")
        return self.env["metered.identifier"]._action_new(
            default_partner_id=self.id,
            default_company_id=self.env.company.id,
            default_source_id=source.id,
            default_kind=kinds[0] if kinds else "number",
        )

    def _metered_open_account(self, source):
        """Restore an archived one, else choose from what the switch lists."""
        archived = (
            self.env["metered.source.account"]
            .with_context(active_test=False)
            .search(
                [
                    *self._metered_domain("metered.source.account"),
                    ("source_id", "=", source.id),
                    ("active", "=", False),
                ],
                limit=1,
            )
        )
        if not archived and source._lists_accounts():
            return self.env["metered.account.choice"]._action_open(self, source)
        return self._metered_enter_account(source, archived)

    def _metered_enter_account(self, source, account=None):
        """The form of an account, a new one unless it is given."""
        account = account or self.env["metered.source.account"]
        return account._get_records_action(
            name=self.env._("Account on %s", source.name),
            target="new",
            context={
                "default_partner_id": self.id,
                "default_source_id": source.id,
            },
        )

    def _metered_open_last_sync(self, source):
        syncs = self.env["metered.sync"].search(
            [
                ("account_id", "in", self._metered_accounts(source).ids),
                ("state", "=", "failed"),
            ],
            limit=1,
        )
        return syncs._get_records_action()

    def _metered_open_numbers(self, source):
        checks = self.env["metered.number.check"]
        _check, numbers = checks._of_customer(self, source)
        return checks._open(
            [*self._metered_domain("metered.cdr"), ("callee", "in", numbers)]
        )

    def _metered_open_deck(self, source):
        view = self.env.ref("metered_billing.res_partner_view_form_metered_prices")
        return self._get_records_action(
            name=self.env._("Rates of %s", self.display_name),
            views=[(view.id, "form")],
            target="new",
            context={},
        )

    def _metered_open_rates(self, source):
        [(deck, _whose), *_others] = self._metered_deck_chain()
        return deck.action_view_rates()

    def _metered_open_meters(self, source):
        return window_action(
            self.env, "action_metered_meter", [("product_id", "=", False)]
        )

    def _metered_open_subscription(self, source):
        return self._metered_subscriptions()[:1].sudo(False)._get_records_action()

    def _metered_open_periods(self, source):
        return window_action(
            self.env,
            "action_metered_period",
            self._metered_unbilled_domain(),
            context={},
        )

    def _metered_open_no_renewal(self, source):
        return window_action(
            self.env,
            "action_metered_usage",
            self._metered_no_renewal_domain(),
            context={},
        )

    def _metered_open_new_subscription(self, source):
        return window_action(
            self.env,
            "action_metered_subscription_setup",
            context={"default_partner_id": self.commercial_partner_id.id},
        )
