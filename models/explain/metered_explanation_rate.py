# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class MeteredExplanation(models.AbstractModel):
    """The words for which rate a call got, and why; see ``rating.explain``."""

    _inherit = "metered.explanation"

    def _say_deck_passed(self, values, names):
        return self.env._("Rate deck"), self.env._(
            "%(deck)s was asked first and has no rate for this call.",
            deck=self._deck_name(values, names),
        )

    def _say_rate_passed(self, values, names):
        rate = self._rate_name(values, names)
        texts = {
            "ended": self.env._("%(rate)s fits better, but had ended by then."),
            "not_yet": self.env._("%(rate)s fits better, but did not hold yet."),
            "other_band": self.env._(
                "%(rate)s fits better, but only in another time band."
            ),
        }
        return self.env._("Passed over"), texts[values["reason"]] % {"rate": rate}

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
            text += self.env._(
                ", from %(first)s to %(last)s inclusive",
                first=self._day(first),
                last=self._day(last, days=-1),
            )
        elif first:
            text += self.env._(", since %s", self._day(first))
        elif last:
            text += self.env._(", up to %s inclusive", self._day(last, days=-1))
        rate = names.get(("rate_id", values["rate_id"]))
        if rate and rate.version_id:
            text += self.env._("; came with %s", rate.version_id.display_name)
        return self.env._("Rate"), text

    def _say_runner_up(self, values, names):
        return self.env._("Otherwise"), self.env._(
            "Without it, this rate would apply: %s.",
            self._rate_name(values, names),
        )

    def _say_band(self, values, names):
        when = self.env._(
            "Began on %(time)s in %(zone)s",
            time=self._moment(values["local_time"]),
            zone=values["timezone"],
        )
        if values["holiday"]:
            when += self.env._(", a holiday")
        if not values["band_id"]:
            return self.env._("Time"), self.env._(
                "%s; the rate holds at any time.", when
            )
        return self.env._("Time band"), f"{self._band_name(values, names)}. {when}."

    def _say_no_deck(self, _values, _names):
        return self.env._("Rate deck"), self.env._("There is no deck for this call.")

    def _say_no_rate(self, _values, _names):
        return self.env._("Rate"), self.env._("No deck has a rate for this call.")
