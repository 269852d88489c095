# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime
from decimal import Decimal

from odoo import models
from odoo.tools import format_datetime


class MeteredExplanation(models.AbstractModel):
    """The words for the price of a period's usage; see ``rating.usage_price``."""

    _inherit = "metered.explanation"

    def _say_level(self, values, _names):
        meter = self.env["metered.meter"]
        names = dict(meter._fields["aggregation"]._description_selection(self.env))
        name = names[values["aggregation"]]
        if values["aggregation"] == "percentile":
            name = self.env._(
                "Level not exceeded %s%% of the time", values["percentile"]
            )
        level = self._number(values["level"])
        text = self.env._("%(how)s: %(level)s", how=name, level=level)
        if values["since"]:
            moment = datetime.fromisoformat(values["since"])
            text = self.env._(
                "%(how)s: %(level)s, first reached on %(moment)s (%(zone)s)",
                how=name,
                level=level,
                moment=format_datetime(self.env, moment, tz="UTC"),
                zone=values["zone"],
            )
        if Decimal(str(values["gap_hours"]).rstrip("…")):
            policies = meter._fields["gap_policy"]._description_selection(self.env)
            text = self.env._(
                "%(level)s. %(hours)s hours without a sample: %(policy)s",
                level=text,
                hours=self._number(values["gap_hours"]),
                policy=dict(policies)[values["gap_policy"]],
            )
        return self.env._("Level"), text

    def _say_measured(self, values, _names):
        return self.env._("Usage"), self.env._(
            "%(measured)s measured, %(quantity)s in the unit of the price",
            measured=self._number(values["measured"]),
            quantity=self._number(values["quantity"]),
        )

    def _say_quantity_rounded(self, values, _names):
        return self.env._("Quantity"), self.env._(
            "Rounded from %(before)s to %(after)s",
            before=self._number(values["before"]),
            after=self._number(values["after"]),
        )

    def _say_free_units(self, values, _names):
        return self.env._("Free units"), self.env._(
            "%(taken)s of %(units)s per period used",
            taken=self._number(values["taken"]),
            units=self._number(values["free_units"]),
        )

    def _say_price_version(self, values, _names):
        return self.env._("Price"), self.env._(
            "Version %(version)s, valid for %(share)s of the period",
            version=values["version"],
            share=self._number(values["share"]),
        )

    def _say_unit_price(self, values, _names):
        return (
            self.env._("Price"),
            self.env._(
                "%(quantity)s at %(price)s each",
                quantity=self._number(values["quantity"]),
                price=self._money(values["unit_price"], values),
            ),
            self._money(values["amount"], values),
        )

    def _say_tier(self, values, _names):
        return (
            self.env._("Tier %s", values["tier"]),
            self._sold(values),
            self._money(values["amount"], values),
        )

    def _say_volume(self, values, _names):
        return (
            self.env._("Tier %s", values["tier"]),
            self.env._(
                "%(total)s is in this tier, so all units have its price: %(sold)s",
                total=self._number(values["total"]),
                sold=self._sold(values),
            ),
            self._money(values["amount"], values),
        )

    def _say_stairstep(self, values, _names):
        return (
            self.env._("Step %s", values["tier"]),
            self.env._(
                "%s falls in this step, so its fee is charged",
                self._number(values["quantity"]),
            ),
            self._money(values["amount"], values),
        )

    def _say_packages(self, values, _names):
        return (
            self.env._("Packages"),
            self.env._(
                "%(units)s units above %(free)s free units: %(packages)s packages of "
                "%(size)s at %(price)s",
                units=self._number(values["paid_units"]),
                free=self._number(values["free_units"]),
                packages=self._number(values["packages"]),
                size=self._number(values["size"]),
                price=self._money(values["unit_price"], values),
            ),
            self._money(values["amount"], values),
        )

    def _say_percentage(self, values, _names):
        return (
            self.env._("Percentage"),
            self.env._(
                "%(rate)s%% of %(paid)s, %(events)s events at %(fee)s, event limits "
                "%(adjustment)s",
                rate=self._number(values["rate"]),
                paid=self._money(values["paid_amount"], values),
                events=self._number(values["paying_events"]),
                fee=self._money(values["fixed_fee"], values),
                adjustment=self._money(values["adjustment"], values),
            ),
            self._money(values["amount"], values),
        )

    def _say_period_minimum(self, values, _names):
        return (
            self.env._("Minimum"),
            self.env._(
                "Raised to the minimum per period, %s",
                self._money(values["minimum"], values),
            ),
            self._money(values["amount"], values),
        )

    def _say_period_maximum(self, values, _names):
        return (
            self.env._("Maximum"),
            self.env._(
                "Lowered to the maximum per period, %s",
                self._money(values["maximum"], values),
            ),
            self._money(values["amount"], values),
        )

    def _say_amount_rounded(self, values, names):
        return self._say_rounding(values, names)

    def _sold(self, values):
        """What a tier sold: units at its price, and its flat fee."""
        text = self.env._(
            "%(sold)s at %(price)s",
            sold=self._number(values["sold"]),
            price=self._money(values["unit_price"], values),
        )
        if str(values["flat_fee"]) == "0":
            return text
        return self.env._(
            "%(sold)s, plus its fee of %(fee)s",
            sold=text,
            fee=self._money(values["flat_fee"], values),
        )
