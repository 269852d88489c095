# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from odoo import fields, models
from odoo.tools import format_date

from ...connectors.checks import Check
from ..screen.metered_dashboard_usage import MOST_PRICED


class ResPartner(models.Model):
    """Whether a customer's usage comes in, is rated and will be invoiced.

    All of it is about the commercial entity with its contacts, in the company that the
    user works in.
    """

    _inherit = "res.partner"

    metered_check_info = fields.Json(
        string="Connectivity",
        compute="_compute_metered_check_info",
        groups="metered_billing.group_metered_user",
        help="The checks, and what to do about problems.",
    )

    def _compute_metered_check_info(self):
        for partner in self:
            owner = partner.commercial_partner_id
            owner = owner._origin or owner
            partner.metered_check_info = (
                owner._metered_show_checks() if owner.id else {"groups": []}
            )

    def _metered_show_checks(self):
        """The checks of a commercial entity, as the screen shows them."""
        self.ensure_one()
        if not self._metered_is_customer():
            return {
                "groups": [],
                "empty": self.env._(
                    "No usage is billed to this contact yet. Add an identifier so "
                    "that its usage is recognized."
                ),
                "remedy": self.env._("Add an identifier"),
                "call": self._metered_call("identifier"),
            }
        identifiers = self._metered_valid_identifiers()
        last_records = self._metered_last_records()
        checks = self._metered_checks(identifiers)
        groups = [
            {
                "title": self.env._("Rating and invoicing"),
                "checks": [self._metered_show_check(check) for check in checks],
            }
        ]
        for source in self._metered_sources(identifiers):
            checks = self._metered_source_checks(
                source, identifiers, last_records.get(source.id)
            )
            groups.append(
                {
                    "title": source.display_name,
                    "fetch": source._fetch_label(),
                    "call": self._metered_call("fetch", source),
                    "checks": [
                        self._metered_show_check(check, source) for check in checks
                    ],
                }
            )
        for group in groups:
            group["ok"] = all(check["ok"] for check in group["checks"])
        return {"groups": groups}

    # === WHOSE === #

    def _metered_domain(self, model):
        """What of a model is this customer's, in the user's company."""
        return [
            ("partner_id", "in", self._metered_family().ids),
            ("company_id", "=", self.env.company.id),
        ]

    def _metered_is_customer(self):
        """Whether anything was set up here, or any usage came in."""
        return any(
            self.env[model].search(self._metered_domain(model), limit=1)
            for model in (
                "metered.identifier",
                "metered.source.account",
                "metered.usage",
            )
        )

    def _metered_valid_identifiers(self):
        """Numbers of today's identifiers, by source and kind.

        :return: list of (``metered.source``, empty for all sources; kind; number)
        """
        return self.env["metered.identifier"]._read_group(
            [
                *self._metered_domain("metered.identifier"),
                *self.env["metered.identifier"]._domain_valid(fields.Datetime.now()),
            ],
            ["source_id", "kind"],
            ["__count"],
        )

    # === RATING AND INVOICING === #

    def _metered_checks(self, identifiers):
        """Look at what this customer's usage needs besides its sources.

        :param identifiers: as :meth:`_metered_valid_identifiers` returned them
        :return: list of :class:`~..connectors.checks.Check`
        """
        return [
            self._metered_check_identifiers(identifiers),
            self._metered_check_rates(),
            self._metered_check_call_types(),
            self._metered_check_subscription(),
            self._metered_check_periods(),
            self._metered_check_no_renewal(),
            self._metered_check_exceptions(),
        ]

    def _metered_check_identifiers(self, identifiers):
        name = self.env._("Identifiers")
        counts = {}
        for _source, kind, count in identifiers:
            counts[kind] = counts.get(kind, 0) + count
        if counts:
            kinds = self._metered_identifier_kinds()
            return Check(
                name,
                True,
                ", ".join(f"{kinds[kind]}: {count}" for kind, count in counts.items()),
            )
        known = self.env["metered.identifier"].search(
            self._metered_domain("metered.identifier"),
            order="date_to desc nulls last",
            limit=1,
        )
        if not known:
            detail = self.env._("No calls can be matched to this customer.")
        else:
            detail = self.env._(
                "None is valid today: %(value)s is valid %(dates)s.",
                value=known.value,
                dates=known._describe_dates(),
            )
        return Check(name, False, detail, self.env._("Add an identifier"), "identifier")

    def _metered_identifier_kinds(self):
        field = self.env["metered.identifier"]._fields["kind"]
        return dict(field._description_selection(self.env))

    def _metered_deck_chain(self):
        """The rate decks that price this customer's calls, in order of precedence.

        :return: list of (``metered.rate.deck``, whose it is, as text)
        """
        group = self.metered_group_id
        chain = {}
        for deck, whose in (
            (self.metered_deck_id, self.env._("the customer's own")),
            (group.deck_id, self.env._("of the group %s", group.name)),
            (self.env.company.metered_deck_id, self.env._("the company's")),
        ):
            if deck.active:
                chain.setdefault(deck, whose)
        return list(chain.items())

    def _metered_check_rates(self):
        name = self.env._("Rates")
        chain = self._metered_deck_chain()
        if not chain:
            return Check(
                name,
                False,
                self.env._("No rate deck on the customer, its group, or the company."),
                self.env._("Choose a rate deck"),
                "deck",
            )
        valid = [deck for deck, _whose in chain if deck._has_rates_today()]
        text = self.env._(", then ").join(
            self.env._("%(deck)s (%(whose)s)", deck=deck.name, whose=whose)
            for deck, whose in chain
        )
        if valid:
            return Check(name, True, text)
        return Check(
            name,
            False,
            self.env._("%s: no rate is valid today.", text),
            self.env._("Add rates"),
            "rates",
        )

    def _metered_waiting_meters(self):
        """Meters that usage waits for, and that no subscription has a line for."""
        groups = self.env["metered.usage"]._read_group(
            [
                *self._metered_domain("metered.usage"),
                *self.env["metered.usage"]._so_far_domain(),
            ],
            ["meter_id"],
        )
        open_meters = self.env["metered.meter"].union(*(meter for (meter,) in groups))
        lines = self._metered_subscriptions().sudo()._metered_lines()
        return open_meters - lines.metered_meter_id

    def _metered_check_call_types(self):
        name = self.env._("Call types")
        meters = self.env["metered.meter"].search(
            [
                ("company_id", "in", [False, self.env.company.id]),
                ("kind", "=", "call"),
            ]
        )
        meters |= self._metered_waiting_meters()
        without = meters.filtered(lambda meter: not meter.product_id)
        if not without:
            return Check(
                name, True, self.env._("All %s have an invoice product.", len(meters))
            )
        return Check(
            name,
            False,
            self.env._(
                "Without an invoice product: %s.",
                ", ".join(without.mapped("name")),
            ),
            self.env._("Choose a product"),
            "meters",
        )

    def _metered_subscriptions(self):
        """The customer's subscriptions that renew, the one due first at the front.

        :return: ``sale.subscription`` with all rights
        """
        subscriptions = (
            self.env["sale.subscription"]
            .sudo()
            .search(
                [
                    *self._metered_payer()._metered_domain("sale.subscription"),
                    ("in_progress", "=", True),
                ]
            )
        )
        running = subscriptions.filtered(
            lambda s: s.recurring_next_date and not s.is_paused
        ).sorted("recurring_next_date")
        return running or subscriptions

    def _metered_check_subscription(self):
        name = self.env._("Subscription")
        subscription = self._metered_subscriptions()[:1]
        if not subscription:
            return Check(
                name,
                False,
                self.env._("No active subscription, so usage is not billed."),
                self.env._("Create a subscription"),
                "new_subscription",
            )
        due = subscription.recurring_next_date
        values = {
            "name": subscription.display_name,
            "day": format_date(self.env, due) if due else "",
        }
        if subscription.is_paused:
            detail = self.env._("%(name)s is paused.", **values)
        elif not due:
            detail = self.env._("%(name)s has no next invoice date.", **values)
        elif due < self._metered_today():
            detail = self.env._(
                "%(name)s should have been renewed on %(day)s.", **values
            )
        else:
            return Check(
                name, True, self.env._("%(name)s, next invoice on %(day)s", **values)
            )
        return Check(
            name, False, detail, self.env._("Open subscription"), "subscription"
        )

    def _metered_unbilled_domain(self):
        """Billing periods of the customer that are on no invoice any more."""
        return [
            ("partner_id", "in", self._metered_family().ids),
            ("company_id", "=", self.env.company.id),
            ("state", "=", "unbilled"),
        ]

    def _metered_check_periods(self):
        """Whether a fee was lost with an invoice that is no more."""
        name = self.env._("Billing periods")
        unbilled = (
            self.env["metered.period"].sudo().search(self._metered_unbilled_domain())
        )
        if not unbilled:
            return Check(name, True, self.env._("All have invoices."))
        return Check(
            name,
            False,
            self.env._(
                "Without an invoice because it was deleted, canceled or credited: %s.",
                ", ".join(
                    f"{period.subscription_id.name}, {period.display_name}"
                    for period in unbilled
                ),
            ),
            self.env._("Bill again"),
            "periods",
        )

    def _metered_no_renewal_domain(self):
        """Open usage of the customer that no coming renewal takes."""
        return [
            *self._metered_domain("metered.usage"),
            ("no_renewal", "=", True),
            ("records", ">", 0),
        ]

    def _metered_check_no_renewal(self):
        """Whether all open usage is billed by a coming renewal."""
        name = self.env._("Usage to bill")
        Usage = self.env["metered.usage"].sudo()
        records, money, _left_out = Usage._unbilled_money(
            self._metered_no_renewal_domain(), MOST_PRICED
        )
        if not records:
            return Check(
                name, True, self.env._("All usage is billed by upcoming renewals.")
            )
        amounts = [
            self._metered_money(amount, currency) for currency, amount in money.items()
        ]
        return Check(
            name,
            False,
            self.env._(
                "No upcoming renewal bills %(records)s (%(money)s): there is no "
                "active subscription, or they are from before it started.",
                records=self.env["metered.explanation"]._records(records),
                money=" + ".join(amounts) or self.env._("no price"),
            ),
            self.env._("View usage"),
            "no_renewal",
        )

    def _metered_today(self):
        """Today, where this customer's days begin and end."""
        zone = self.metered_tz or self.env.company._metered_timezone()
        return datetime.now(UTC).astimezone(ZoneInfo(zone)).date()

    def _metered_check_exceptions(self):
        name = self.env._("Exceptions")
        count = self.env["metered.exception"].search_count(
            [*self._metered_domain("metered.exception"), ("state", "=", "open")]
        )
        if not count:
            return Check(name, True, self.env._("No open exceptions."))
        return Check(
            name,
            False,
            self.env._(
                "Not billed: %s.", self.env["metered.explanation"]._records(count)
            ),
            self.env._("View exceptions"),
            "exceptions",
        )
