# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import re

from markupsafe import Markup

from odoo import api, models

from ...rating.charge_models import ChargeLine
from ...rating.exact import exact, exact_text, number, shown
from ...rating.usage_price import price_usage

_VERSION = re.compile(r"^version-(\d+)-")


class MeteredPrice(models.Model):
    """A price in words: on lists, in the live example, on invoice lines."""

    _inherit = "metered.price"

    # === NUMBERS === #

    @api.model
    def _format_exact(self, value, least=0):
        """An exact number in the user's language, as ``rating.exact.shown`` says.

        :param value: int, Decimal or Fraction
        :param least: decimals to show at least
        :return: str
        """
        whole, _point, digits = exact_text(shown(value)).partition(".")
        digits = digits.rstrip("0").ljust(least, "0")
        text = f"{whole}.{digits}" if digits else whole
        return self.env["metered.explanation"]._number(text)

    def _format_money(self, value):
        """An exact amount with the sign of the price's currency."""
        currency = self.currency_id
        text = self._format_exact(value, currency.decimal_places)
        if currency.position == "before":
            return f"{currency.symbol}{text}"
        return f"{text} {currency.symbol}"

    def _priced_unit(self):
        """What a quantity of 1 is called."""
        return self.unit or self.meter_id.unit or ""

    # === THE PRICE IN SHORT === #

    @api.depends(
        "charge_model",
        "unit_price",
        "package_size",
        "rate",
        "fixed_fee",
        "tier_ids.up_to",
        "tier_ids.unit_price",
        "tier_ids.flat_fee",
        "tier_ids.rate",
        "free_units",
        "minimum",
        "unit",
        "meter_id.unit",
        "currency_id",
        "charge_basis",
    )
    def _compute_description(self):
        for price in self:
            parts = [price._describe_model()]
            if price.free_units:
                parts.append(
                    self.env._("%s free", price._format_exact(number(price.free_units)))
                )
            if price.minimum:
                parts.append(
                    self.env._(
                        "at least %s", price._format_money(number(price.minimum))
                    )
                )
            price.description = "; ".join(part for part in parts if part)

    def _describe_model(self):
        values = {
            "price": self._format_money(number(self.unit_price)),
            "unit": self._priced_unit(),
            "size": self._format_exact(number(self.package_size)),
            "rate": self._format_exact(number(self.rate)),
            "fee": self._format_money(number(self.fixed_fee)),
        }
        if self.charge_basis == "none":
            return self.env._("not charged")
        if self.charge_model == "standard":
            return self.env._("%(price)s per %(unit)s", **values)
        if self.charge_model == "package":
            return self.env._("%(price)s per %(size)s %(unit)s", **values)
        if self.charge_model == "percentage":
            if self.fixed_fee:
                return self.env._("%(rate)s%% + %(fee)s per event", **values)
            return self.env._("%(rate)s%%", **values)
        return ", ".join(
            f"{self._describe_range(place)}: {self._describe_tier(tier)}"
            for place, tier in enumerate(self.tier_ids, start=1)
        )

    def _describe_range(self, place):
        """The quantities of a tier, by its number from 1."""
        tiers = self.tier_ids
        if place > len(tiers):
            return ""
        begin = self._format_exact(number(tiers[place - 2].up_to if place > 1 else 0))
        end = tiers[place - 1].up_to
        if end:
            return f"{begin} – {self._format_exact(number(end))}"
        if place == 1:
            return self.env._("all")
        return self.env._("above %s", begin)

    def _describe_tier(self, tier):
        fee = self._format_money(number(tier.flat_fee))
        if self.charge_model == "stairstep":
            return fee
        if self.charge_model == "graduated_percentage":
            text = f"{self._format_exact(number(tier.rate))} %"
        else:
            text = self._format_money(number(tier.unit_price))
        return f"{text} + {fee}" if tier.flat_fee else text

    # === LINES === #

    def _describe_line(self, line, versions):
        """What one line of a priced quantity is for.

        :param line: ``rating.charge_models.ChargeLine``
        :param versions: the versions in force in the period, in order
        """
        found = _VERSION.match(line.key)
        version = versions[int(found[1]) - 1] if found else versions[:1]
        values = {
            "unit": self._priced_unit(),
            "range": version._describe_range(line.values.get("tier", 1)),
        }
        texts = {
            "usage": values["unit"],
            "free": self.env._("%(unit)s, free", **values),
            "tier": self.env._("%(range)s %(unit)s", **values),
            "volume": self.env._("%(unit)s, volume of %(range)s", **values),
            "tier_fee": self.env._("fee of %(range)s %(unit)s", **values),
            "step": self.env._("%(range)s %(unit)s", **values),
            "packages": self.env._(
                "packages of %(size)s %(unit)s",
                size=version._format_exact(number(version.package_size)),
                **values,
            ),
            "percentage": self.env._("share of the amount"),
            "fixed_fee": self.env._("fee per event"),
            "event_limits": self.env._("minimum and maximum per event"),
            "minimum": self.env._("up to the minimum of the period"),
            "maximum": self.env._("down to the maximum of the period"),
            "billed": self.env._("previously invoiced"),
        }
        return texts.get(line.code, line.code)

    @api.model
    def _with_free_lines(self, priced):
        """The lines of a priced quantity, with those of what cost nothing.

        An engine's line always has an amount; who reads an invoice wants to see the
        hundred free texts before the one that was charged.

        :param priced: ``rating.usage_price.PricedUsage``
        :return: list of ``ChargeLine``; they come to the same sum
        """
        lines = list(priced.lines)
        if any(step.code == "price_version" for step in priced.steps):
            return lines
        if priced.free:
            lines.insert(0, ChargeLine("free", priced.free, exact(0), "free"))
        known = {line.key for line in lines}
        for step in priced.steps:
            key = f"tier-{step.values.get('tier')}-usage"
            if step.code != "tier" or key in known or not step.quantity:
                continue
            # Free tiers come first, or they would be no tiers that anybody sells.
            lines.insert(
                int(bool(priced.free)) + step.values["tier"] - 1,
                ChargeLine(key, step.quantity, exact(0), "tier", step.values),
            )
        return lines

    # === THE LIVE EXAMPLE === #

    @api.depends(
        "example_quantity",
        "charge_model",
        "unit_price",
        "package_size",
        "package_rounding",
        "tier_ids",
        "tier_ids.first",
        "tier_ids.up_to",
        "tier_ids.unit_price",
        "tier_ids.rate",
        "tier_ids.flat_fee",
        "tier_ids.block",
        "fee_at_zero",
        "beyond",
        "rate",
        "fixed_fee",
        "free_events",
        "free_amount",
        "event_minimum",
        "event_maximum",
        "conversion_operation",
        "conversion_factor",
        "unit",
        "quantity_rounding",
        "quantity_decimals",
        "free_units",
        "minimum",
        "has_maximum",
        "maximum",
        "rounding",
        "currency_id",
        "meter_id",
    )
    def _compute_example(self):
        for price in self:
            price.example = price._render_example()

    def _render_example(self):
        quantity = number(self.example_quantity)
        try:
            priced = price_usage(self._usage_price(), quantity=quantity)
        except ValueError as error:
            return Markup(
                '<div class="alert alert-warning mb-0" role="alert">%s.</div>'
            ) % self.env["metered.explanation"]._error(error)
        rows = Markup().join(
            Markup(
                '<tr><td>%s</td><td class="text-end">%s</td>'
                '<td class="text-end">%s</td><td class="text-end">%s</td></tr>'
            )
            % (
                self._describe_line(line, self),
                self._format_exact(line.quantity),
                self._format_money(line.unit_price),
                self._format_money(line.amount),
            )
            for line in self._with_free_lines(priced)
        )
        return Markup(
            '<table class="table table-sm mb-0"><thead><tr><th>%s</th>'
            '<th class="text-end">%s</th><th class="text-end">%s</th>'
            '<th class="text-end">%s</th></tr></thead><tbody>%s</tbody>'
            '<tfoot><tr><th colspan="3">%s</th><th class="text-end">%s</th></tr>'
            "</tfoot></table>"
        ) % (
            self._example_title(quantity, priced),
            self.env._("Quantity"),
            self.env._("Price"),
            self.env._("Amount"),
            rows,
            self.env._("Amount for the period"),
            self._format_money(priced.amount),
        )

    def _example_title(self, quantity, priced):
        unit = self.meter_id.unit or ""
        text = self._format_exact(quantity)
        if priced.quantity != quantity:
            return self.env._(
                "%(measured)s %(unit)s, priced as %(quantity)s %(priced_unit)s",
                measured=text,
                unit=unit,
                quantity=self._format_exact(priced.quantity),
                priced_unit=self._priced_unit(),
            )
        return f"{text} {unit}"
