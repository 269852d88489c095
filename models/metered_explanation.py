# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from datetime import datetime

from odoo import api, models
from odoo.tools import format_date
from odoo.tools.misc import formatLang

#: what stands before the name of a step's record in its values
NAMED = {
    "deck_id": "metered.rate.deck",
    "rate_id": "metered.rate",
    "band_id": "metered.time.band",
}


class MeteredExplanation(models.AbstractModel):
    """The words of explanations, all in one place, in the user's language.

    The engine says what it did as steps: codes with values (``rating.explain``). What a
    step says to a person is the method ``_say_CODE``, which returns its title, its text
    and, where the step has one, the amount so far.
    """

    _name = "metered.explanation"
    _description = "Words of an Explanation"

    # === FROM STEPS TO ROWS === #

    @api.model
    def _rows(self, steps, currency, allowances=None):
        """Steps in words.

        :param steps: list of ``rating.Step``
        :param currency: ``res.currency`` of the charge
        :param allowances: dict allowance id -> its name
        :return: list of dicts: code, title, text, amount (text or False), url
        """
        names = self._names(steps, allowances or {})
        rows = []
        for step in steps:
            say = getattr(self, f"_say_{step.code}", None)
            if say is None:
                rows.append(self._row(step.code, self.env._("Step"), step.text))
                continue
            values = {**step.values, "currency": currency.name or ""}
            title, text, *amount = say(values, names)
            row = self._row(step.code, title, text, *amount)
            if step.code in ("rate", "rate_passed", "runner_up", "part"):
                row["url"] = f"/odoo/metered-rates/{step.values['rate_id']}"
            elif step.code in ("deck", "deck_passed"):
                row["url"] = f"/odoo/metered-rate-decks/{step.values['deck_id']}"
            rows.append(row)
        return rows

    @api.model
    def _row(self, code, title, text, amount=False):
        return {
            "code": code,
            "title": title,
            "text": text,
            "amount": amount,
            "url": False,
        }

    @api.model
    def _names(self, steps, allowances):
        """What the ids in the steps mean: (key, id) -> record or name."""
        ids = defaultdict(set)
        for step in steps:
            for key in NAMED:
                if step.values.get(key):
                    ids[key].add(step.values[key])
        names = {
            (key, record.id): record
            for key, found in ids.items()
            for record in self.env[NAMED[key]].sudo().browse(sorted(found)).exists()
        }
        names.update({("allowance_id", id_): name for id_, name in allowances.items()})
        return names

    @api.model
    def _render(self, **values):
        """The explanation as HTML.

        :param rows: see :meth:`_rows`
        :param before: rows about what came before rating
        :param charge: the charge as text, with its currency
        :param warning: what is to be said first
        :param cost: rows of what it costs at the supplier's
        :param prices: list of (length, charge), both texts
        :param heading: what stands above the rows
        :param today: rows of what today's rates would do, with ``today_charge``
        """
        empty = {
            "before": [],
            "rows": [],
            "today": [],
            "charge": False,
            "today_charge": False,
            "warning": False,
            "prices": [],
            "cost": [],
            "heading": self.env._("How it was charged"),
            "links": self.env["metered.rate"].has_access("read"),
        }
        return self.env["ir.qweb"]._render(
            "metered_billing.explanation", {**empty, **values}
        )

    # === NUMBERS === #

    @api.model
    def _number(self, text):
        """A decimal text with the separators of the user's language.

        :param text: as ``rating.exact.exact_text`` writes it; `…` after endless digits
        """
        text = str(text)
        whole, point, places = text.partition(".")
        sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        grouped = formatLang(self.env, int(whole or 0), digits=0)
        if not point:
            return f"{sign}{grouped}"
        lang = self.env["res.lang"]._get_data(code=self.env.lang or "en_US")
        return f"{sign}{grouped}{lang.decimal_point or '.'}{places}"

    @api.model
    def _money(self, text, values):
        return f"{self._number(text)} {values['currency']}".strip()

    @api.model
    def _price(self, values):
        """A price with its unit: 0.06 USD a minute."""
        if values["per_seconds"] == 60:
            return self.env._("%s a minute", self._money(values["price"], values))
        if values["per_seconds"] == 1:
            return self.env._("%s a second", self._money(values["price"], values))
        return self.env._(
            "%(price)s per %(seconds)s s",
            price=self._money(values["price"], values),
            seconds=values["per_seconds"],
        )

    @api.model
    def _length(self, seconds):
        """A call's length: 90 s as 1:30 min."""
        if seconds < 60:
            return self.env._("%s s", seconds)
        minutes, rest = divmod(seconds, 60)
        return self.env._("%s min", f"{minutes}:{rest:02d}" if rest else minutes)

    @api.model
    def _moment(self, text):
        """A local time, ISO 8601, as a person writes it."""
        moment = datetime.fromisoformat(text)
        return f"{format_date(self.env, moment.date())} {moment:%H:%M:%S}"

    @api.model
    def _day(self, text):
        return format_date(self.env, datetime.fromisoformat(text).date())

    @api.model
    def _rate_name(self, values, names):
        """The prefix of a rate and what it is for."""
        rate = names.get(("rate_id", values["rate_id"]))
        prefix = values.get("prefix") or (rate and rate.prefix) or ""
        what = rate and (rate.name or rate.destination_id.name or rate.meter_id.name)
        scope = self.env._("Prefix %s", prefix) if prefix else self.env._("All numbers")
        return f"{scope} ({what})" if what else scope

    @api.model
    def _deck_name(self, values, names):
        deck = names.get(("deck_id", values["deck_id"]))
        return deck.name if deck else self.env._("a deck that was deleted")

    @api.model
    def _band_name(self, values, names):
        band = names.get(("band_id", values.get("band_id")))
        return band.name if band else self.env._("any time")

    # === WHICH RATE === #

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
                ", from %(first)s until %(last)s",
                first=self._day(first),
                last=self._day(last),
            )
        elif first:
            text += self.env._(", since %s", self._day(first))
        elif last:
            text += self.env._(", until %s", self._day(last))
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

    # === HOW MUCH === #

    def _say_free_zero(self, _values, _names):
        return self.env._("Length"), self.env._("A call of 0 seconds is free.")

    def _say_grace(self, values, _names):
        return self.env._("Length"), self.env._(
            "%(seconds)s s: calls below %(grace)s s are free.",
            seconds=values["seconds"],
            grace=values["grace_seconds"],
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
            "The calling plan"
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
                "%(plan)s takes %(seconds)s s of the call (%(quantity)s %(unit)s) at "
                "its own price",
                **taken,
            ),
            self._money(values["amount"], values),
        )

    def _say_left_to_deck(self, values, _names):
        return self.env._("Beyond it"), self.env._(
            "%s s are charged by the rate deck", self._number(values["seconds"])
        )

    def _say_usage(self, values, _names):
        text = self.env._("The seconds at their prices")
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
                "plus %s for what the plan took", self._money(values["plan"], values)
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
            "The calling plan"
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
        return self.env._("Charge"), self.env._("It is too large to be right.")
