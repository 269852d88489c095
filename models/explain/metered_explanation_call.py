# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class MeteredExplanation(models.AbstractModel):
    """The words for which rate a call got, and why, and how its charge came from it.

    See ``rating.explain``.
    """

    _inherit = "metered.explanation"

    def _say_free_zero(self, _values, _names):
        return self.env._("Duration"), self.env._("A call of 0 seconds is free.")

    def _say_grace(self, values, names):
        seconds, grace = values["seconds"], values["grace_seconds"]
        rate = names.get(("rate_id", values.get("rate_id")))
        if rate and rate._includes_last():
            return self.env._("Duration"), self.env._(
                "%(seconds)s s: calls of up to %(grace)s s are free.",
                seconds=seconds,
                grace=grace - 1,
            )
        return self.env._("Duration"), self.env._(
            "%(seconds)s s: calls shorter than %(grace)s s are free.",
            seconds=seconds,
            grace=grace,
        )

    def _say_increments(self, values, _names):
        steps = values["count"] - 1
        numbers = {
            name: self._number(values[name])
            for name in values
            if name in ("seconds", "initial", "increment", "billed_seconds")
        }
        if values["initial"] == values["increment"] == 1:
            text = self.env._("%(billed_seconds)s s, billed by the second", **numbers)
        elif not steps:
            text = self.env._(
                "%(seconds)s s; the first increment is %(initial)s s: "
                "%(billed_seconds)s s are billed",
                **numbers,
            )
        else:
            text = self.env._(
                "%(seconds)s s; the first increment is %(initial)s s, then "
                "%(steps)s × %(increment)s s: %(billed_seconds)s s are billed",
                steps=self._number(steps),
                **numbers,
            )
        return self.env._("Increments"), text

    def _say_call_tier(self, values, _names):
        return self.env._("Tier"), self.env._(
            "From second %(from_second)s: %(seconds)s s at %(price)s",
            from_second=self._number(values["from_second"]),
            seconds=self._number(values["billed_seconds"]),
            price=self._price(values),
        )

    def _say_part(self, values, names):
        return (
            self.env._("Part of the call"),
            self.env._(
                "From %(time)s, %(band)s: %(seconds)s s at %(price)s",
                time=self._moment(values["local_time"]),
                band=self._band_name(values, names),
                seconds=self._number(values["billed_seconds"]),
                price=self._price(values),
            ),
            self._money(values["amount"], values),
        )

    def _say_allowance_taken(self, values, names):
        name = names.get(("allowance_id", values["allowance_id"])) or self.env._(
            "Calling plan"
        )
        taken = {
            "plan": name,
            "quantity": self._number(values["quantity"]),
            "unit": values["unit"],
            "seconds": self._number(values["seconds"]),
        }
        title = self.env._("Allowance")
        if values["amount"] == "0":
            return title, self.env._(
                "%(plan)s includes %(seconds)s s of the call (%(quantity)s %(unit)s)",
                **taken,
            )
        return (
            title,
            self.env._(
                "%(plan)s covers %(seconds)s s of the call (%(quantity)s %(unit)s) at "
                "its own price",
                **taken,
            ),
            self._money(values["amount"], values),
        )

    def _say_left_to_deck(self, values, _names):
        return self.env._("Remainder"), self.env._(
            "%s s are charged by the rate deck", self._number(values["seconds"])
        )

    def _say_usage(self, values, _names):
        text = self.env._("All seconds at their prices")
        if "price" in values:
            text = self.env._(
                "%(seconds)s s at %(price)s",
                seconds=self._number(values["billed_seconds"]),
                price=self._price(values),
            )
        return self.env._("Price"), text, self._money(values["amount"], values)

    def _say_connection_fee(self, values, _names):
        return (
            self.env._("Connection fee"),
            self.env._("plus %s", self._money(values["fee"], values)),
            self._money(values["amount"], values),
        )

    def _say_minimum(self, values, _names):
        return (
            self.env._("Minimum"),
            self.env._("Raised to the minimum charge of a call"),
            self._money(values["amount"], values),
        )

    def _say_maximum(self, values, _names):
        return (
            self.env._("Maximum"),
            self.env._("Lowered to the maximum charge of a call"),
            self._money(values["amount"], values),
        )

    def _say_plan_charge(self, values, _names):
        return (
            self.env._("Plan"),
            self.env._(
                "plus %s for the part covered by the plan",
                self._money(values["plan"], values),
            ),
            self._money(values["amount"], values),
        )

    def _say_rounding(self, values, _names):
        ways = dict(
            self.env["metered.rate.deck"]
            ._fields["rounding"]
            ._description_selection(self.env)
        )
        return (
            self.env._("Rounding"),
            self.env._(
                "%(way)s to %(decimals)s decimals, once",
                way=ways.get(values["rounding"], values["rounding"]),
                decimals=values["decimals"],
            ),
            self._money(values["after"], values),
        )

    def _say_allowance_money(self, values, names):
        name = names.get(("allowance_id", values["allowance_id"])) or self.env._(
            "Calling plan"
        )
        return (
            self.env._("Allowance"),
            self.env._(
                "%(plan)s pays %(paid)s",
                plan=name,
                paid=self._money(values["paid"], values),
            ),
            self._money(values["charge"], values),
        )

    def _say_charge(self, values, _names):
        return self.env._("Charge"), "", self._money(values["charge"], values)

    def _say_too_large(self, _values, _names):
        return self.env._("Charge"), self.env._("The charge is unreasonably large.")

    def _say_deck_passed(self, values, names):
        return self.env._("Rate deck"), self.env._(
            "%(deck)s was checked first but has no rate for this call.",
            deck=self._deck_name(values, names),
        )

    def _say_rate_passed(self, values, names):
        rate = self._rate_name(values, names)
        texts = {
            "ended": self.env._("%(rate)s is a closer match, but had already ended."),
            "not_yet": self.env._("%(rate)s is a closer match, but was not valid yet."),
            "other_band": self.env._(
                "%(rate)s is a closer match, but applies to another time band only."
            ),
        }
        return self.env._("Skipped"), texts[values["reason"]] % {"rate": rate}

    def _say_deck(self, values, names):
        return self.env._("Rate deck"), self._deck_name(values, names)

    def _say_rate(self, values, names):
        text = self.env._(
            "%(scope)s: %(price)s",
            scope=self._rate_name(values, names),
            price=self._price(values),
        )
        first, last = values["valid_from"], values["valid_to"]
        if first and last:
            text = self.env._(
                "%(rate)s, valid from %(first)s through %(last)s",
                rate=text,
                first=self._day(first),
                last=self._day(last, days=-1),
            )
        elif first:
            text = self.env._(
                "%(rate)s, valid from %(day)s", rate=text, day=self._day(first)
            )
        elif last:
            text = self.env._(
                "%(rate)s, valid through %(day)s",
                rate=text,
                day=self._day(last, days=-1),
            )
        rate = names.get(("rate_id", values["rate_id"]))
        if rate and rate.version_id:
            text = self.env._(
                "%(rate)s; imported from %(file)s",
                rate=text,
                file=rate.version_id.display_name,
            )
        return self.env._("Rate"), text

    def _say_runner_up(self, values, names):
        return self.env._("Alternative"), self.env._(
            "Without it, this rate would apply: %s.",
            self._rate_name(values, names),
        )

    def _say_band(self, values, names):
        started = {
            "time": self._moment(values["local_time"]),
            "zone": values["timezone"],
        }
        if values["holiday"]:
            when = self.env._("Started on %(time)s in %(zone)s, a holiday", **started)
        else:
            when = self.env._("Started on %(time)s in %(zone)s", **started)
        if not values["band_id"]:
            return self.env._("Time"), self.env._(
                "%s; the rate applies at all times.", when
            )
        return self.env._("Time band"), f"{self._band_name(values, names)}. {when}."

    def _say_no_deck(self, _values, _names):
        return self.env._("Rate deck"), self.env._(
            "There is no rate deck for this call."
        )

    def _say_no_rate(self, _values, _names):
        return self.env._("Rate"), self.env._("No rate deck has a rate for this call.")
