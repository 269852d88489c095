# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import date
from decimal import Decimal

from odoo import models

from ...rating.charge_models import charge_model
from ...rating.exact import number
from ...rating.price_versions import PriceVersion
from ...rating.units import Conversion
from ...rating.usage_price import ALWAYS, UsagePrice

DAY_US = 86_400_000_000


def day_us(day):
    """The beginning of a day on the clock by which usage is priced.

    Usage knows the customer's calendar days. On this clock a day is 24 hours long,
    whatever the time zone, so that a price begins with the day on which it begins.

    :param day: date
    :return: int
    """
    return (day - date(1970, 1, 1)).days * DAY_US


class MeteredPrice(models.Model):
    """A price as the engine takes it."""

    _inherit = "metered.price"

    def _usage_price(self, date_to=None, date_from=None):
        """The price with all its versions.

        What comes before and after the charge model (free units, minimum, units) is
        that of the version in force on the last day of the period; where that one does
        not charge, of the last one in the period that does.

        :param date_to: first day after the period; None: this record alone
        :param date_from: first day of the period; None: its last day decides
        :return: ``rating.usage_price.UsagePrice``
        :raises ValueError: saying what is wrong with it
        """
        self.ensure_one()
        if date_to is None:
            return self._usage_price_with(self._charge_model())
        versions = self._versions()
        model = tuple(
            PriceVersion(
                day_us(version.date_from) if version.date_from else ALWAYS,
                version._charge_model(),
            )
            for version in versions
        )
        return self._deciding(date_to, date_from)._usage_price_with(model)

    def _versions(self):
        """The price and its earlier versions, in order of their dates."""
        self.ensure_one()
        versions = self | self.with_context(active_test=False).version_ids
        return versions.sorted(lambda v: v.date_from or date.min)

    def _in_force(self, date_to):
        """The version that holds on the day before ``date_to``."""
        begun = self._versions().filtered(
            lambda v: not v.date_from or v.date_from < date_to
        )
        return begun[-1:] or self

    def _versions_in(self, date_from, date_to):
        """The versions that hold on days of a period, in order of their dates."""
        versions = self._versions()
        begins = [version.date_from or date.min for version in versions]
        ends = [*begins[1:], date.max]
        return versions.browse(
            version.id
            for version, begin, end in zip(versions, begins, ends, strict=True)
            if begin < date_to and end > date_from
        )

    def _usage_price_with(self, model):
        aggregation, _percent = self._level_basis()
        counted = aggregation in ("count", "unique")
        charges = self.charge_basis != "none"
        return UsagePrice(
            model=model,
            aggregation=aggregation,
            conversion=Conversion(
                operation=self.conversion_operation or "multiply",
                factor=Decimal(1) if counted else number(self.conversion_factor),
                rounding=(
                    None
                    if self.quantity_rounding in (False, "none")
                    else self.quantity_rounding
                ),
                decimals=self.quantity_decimals,
            ),
            free_units=number(self.free_units),
            minimum=number(self.minimum) if self.minimum and charges else None,
            maximum=number(self.maximum) if self.has_maximum else None,
            decimals=self.currency_id.decimal_places,
            rounding=self.rounding or "half_up",
        )

    def _charge_model(self):
        """The charge model of this version."""
        self.ensure_one()
        if self.charge_basis == "none":
            return charge_model("standard", unit_price=0)
        return charge_model(self.charge_model, **self._charge_model_settings())

    def _charge_model_settings(self):
        name = self.charge_model
        if name == "standard":
            return {"unit_price": number(self.unit_price)}
        if name == "package":
            return {
                "size": number(self.package_size),
                "price": number(self.unit_price),
                "rounding": self.package_rounding or "up",
            }
        if name == "percentage":
            return {
                "rate": number(self.rate),
                "fixed_fee": number(self.fixed_fee),
                "free_events": self.free_events,
                "free_amount": number(self.free_amount),
                "event_minimum": (
                    number(self.event_minimum) if self.event_minimum else None
                ),
                "event_maximum": (
                    number(self.event_maximum) if self.event_maximum else None
                ),
            }
        return {
            "tiers": [
                self._tier(place, tier) for place, tier in enumerate(self.tier_ids)
            ],
            "fee_at_zero": self.fee_at_zero,
            "beyond": self.beyond or "refuse",
        }

    def _tier(self, place, tier):
        """One tier as ``rating``'s tiers take it."""
        values = {
            "up_to": number(tier.up_to) if tier.up_to else None,
            "flat_fee": number(tier.flat_fee),
            "first": number(tier.first) if tier.first or not place else None,
        }
        if self.charge_model == "graduated_percentage":
            values["rate"] = number(tier.rate)
        elif self.charge_model != "stairstep":
            values["unit_price"] = number(tier.unit_price)
            values["block"] = number(tier.block) if tier.block else None
        return values

    def _prices_events(self):
        """Whether any version of the price looks at the single records."""
        return "percentage" in self._versions().mapped("charge_model")
