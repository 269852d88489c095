# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from odoo import api, models
from odoo.tools import format_date

from odoo.addons.base.models.res_lang import intersperse

from ...rating.errors import TranslatableError
from ...rating.exact import exact_text

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
    and, where the step has one, the amount so far; these methods stand in the files
    ``metered_explanation_*``.
    """

    _name = "metered.explanation"
    _description = "Explanation Texts"

    # === FROM STEPS TO ROWS === #

    @api.model
    def _rows(self, steps, currency, allowances=None, company=None):
        """Steps in words.

        :param steps: list of ``rating.Step``
        :param currency: ``res.currency`` of the charge
        :param allowances: dict allowance id -> its name
        :param company: ``res.company`` of a document that keeps the steps: they name
            what is its, and what the user may read. None: the engine made them just
            now, of records that the user has a right to have explained
        :return: list of dicts: code, title, text, amount (text or False), url
        """
        names = self._names(steps, allowances or {}, company)
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
    def _names(self, steps, allowances, company=None):
        """What the ids in the steps mean: (key, id) -> record or name."""
        ids = defaultdict(set)
        for step in steps:
            for key in NAMED:
                if step.values.get(key):
                    ids[key].add(step.values[key])
        names = {}
        for key, found in ids.items():
            records = self.env[NAMED[key]].sudo().browse(sorted(found)).exists()
            if company is not None:
                records = records.filtered(
                    lambda record: record.company_id <= company
                ).sudo(False)
                records = records._filtered_access("read")
            names.update({(key, record.id): record for record in records})
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
            "heading": self.env._("How It Was Charged"),
            "links": self.env["metered.rate"].has_access("read"),
        }
        return self.env["ir.qweb"]._render(
            "metered_billing.explanation", {**empty, **values}
        )

    # === NUMBERS === #

    @api.model
    def _number(self, text):
        """An exact number with the separators of the user's language.

        :param text: int, Decimal or Fraction, or its text as ``exact_text``
            writes it; `…` after endless digits
        :return: str
        """
        text = text if isinstance(text, str) else exact_text(text)
        whole, point, places = text.partition(".")
        lang = self.env["res.lang"]._get_data(code=self.env.lang or "en_US")
        # As texts: as a float a long number would lose its last digits.
        whole, _count = intersperse(
            whole or "0", json.loads(lang.grouping or "[]"), lang.thousands_sep or ""
        )
        return f"{whole}{lang.decimal_point or '.'}{places}" if point else whole

    @api.model
    def _calls(self, count):
        """So many calls, in words."""
        if count == 1:
            return self.env._("1 call")
        return self.env._("%s calls", self._number(count))

    @api.model
    def _records(self, count):
        """So many records, in words."""
        if count == 1:
            return self.env._("1 record")
        return self.env._("%s records", self._number(count))

    @api.model
    def _days(self, count):
        """So many days, in words."""
        if count == 1:
            return self.env._("1 day")
        return self.env._("%s days", self._number(count))

    @api.model
    def _accounts(self, count):
        """So many accounts of a switch, in words."""
        if count == 1:
            return self.env._("1 account")
        return self.env._("%s accounts", self._number(count))

    @api.model
    def _money(self, text, values):
        return f"{self._number(text)} {values['currency']}".strip()

    @api.model
    def _price(self, values):
        """A price with its unit: 0.06 USD a minute."""
        if values["per_seconds"] == 60:
            return self.env._("%s per minute", self._money(values["price"], values))
        if values["per_seconds"] == 1:
            return self.env._("%s per second", self._money(values["price"], values))
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
    def _day(self, text, days=0):
        """The day of a local time, ISO 8601, or the one so many days later."""
        day = datetime.fromisoformat(text).date() + timedelta(days=days)
        return format_date(self.env, day)

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
        return deck.name if deck else self.env._("a deleted rate deck")

    @api.model
    def _band_name(self, values, names):
        band = names.get(("band_id", values.get("band_id")))
        return band.name if band else self.env._("any time")

    # === ERRORS === #

    @api.model
    def _error(self, error):
        """An error of the engine or of a deck's file as a sentence.

        :param error: ``rating.errors.TranslatableError``, or anything with a text
        """
        if not isinstance(error, TranslatableError):
            return str(error)
        values = {name: self._value(value) for name, value in error.values.items()}
        # Not a literal here: it stands within _lt(..) where the error is raised.
        return self.env._(error.text, **values)

    def _value(self, value):
        if isinstance(value, int | Decimal | Fraction):
            return self._number(exact_text(value))
        if isinstance(value, date):
            return format_date(self.env, value)
        return value
