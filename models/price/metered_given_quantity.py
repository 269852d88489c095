# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

import pandas as pd

from odoo import fields, models
from odoo.exceptions import UserError

from ...rating.exact import exact_text

#: different values that can be given
MOST_VALUES = 100_000
#: digits of a quantity on either side of its point
MOST_DIGITS = 15
#: what is a number of things
_WHOLE = ("count", "unique")


class MeteredMeter(models.Model):
    """Meters whose quantity of a period is given, not counted."""

    _inherit = "metered.meter"

    def _check_given(self, quantity):
        """Whether a quantity of a period can be given for the meter.

        :param Decimal quantity: in the meter's unit
        :raises UserError: the price of it would not be known
        """
        self.ensure_one()
        if self.kind == "call":
            raise UserError(
                self.env._(
                    "%s is a call type. Calls are charged by destination, so no "
                    "quantity can be specified for them.",
                    self.name,
                )
            )
        is_number = quantity.is_finite() and quantity >= 0
        if not is_number or not _is_short(quantity):
            raise UserError(
                self.env._(
                    "The quantity of %(meter)s must be 0 or a positive number, with "
                    "at most %(digits)s digits before and after the decimal point.",
                    meter=self.name,
                    digits=MOST_DIGITS,
                )
            )
        if self.aggregation in _WHOLE and quantity != quantity.to_integral_value():
            raise UserError(
                self.env._("The quantity of %s must be a whole number.", self.name)
            )
        if self.aggregation == "unique" and quantity > MOST_VALUES:
            raise UserError(
                self.env._(
                    "The quantity of %(meter)s can be at most %(most)s.",
                    meter=self.name,
                    most=MOST_VALUES,
                )
            )

    def _given_records(self, price, quantity):
        """Records that come to a quantity.

        :param price: ``metered.price``
        :param Decimal quantity: as checked
        :return: DataFrame as ``rating.aggregations`` takes it
        :raises UserError: the price looks at the single records
        """
        if price._prices_events():
            raise UserError(
                self.env._(
                    "%(price)s charges each record of %(meter)s separately, so no "
                    "quantity can be specified for it.",
                    price=price.name,
                    meter=self.name,
                )
            )
        if self.aggregation == "unique":
            rows = [(place, 0, place, 1) for place in range(int(quantity))]
        elif self.aggregation == "count":
            rows = [(0, 0, Decimal(0), int(quantity))]
        else:
            rows = [(0, 0, quantity, 1)]
        return pd.DataFrame(
            rows if quantity else [], columns=["id", "at_us", "value", "records"]
        )


class MeteredUsage(models.Model):
    """Usage that nobody had."""

    _inherit = "metered.usage"

    def _stand_for(self, subscription, meter, date_from, date_to, quantity):
        """Make usage of a period that is priced by a quantity that is given.

        :param Decimal quantity: what is given
        """
        self.env.flush_all()
        self.env.cr.execute(
            """
            INSERT INTO metered_usage (company_id, partner_id, subscription_id,
                                       meter_id, day, currency_id, records, quantity,
                                       billed_quantity, amount, collecting)
                 VALUES (%s, %s, %s, %s, %s, %s, 1, %s::numeric, 0, 0, FALSE)
            """,
            (
                subscription.company_id.id,
                subscription.partner_id.id,
                subscription.id,
                meter.id,
                max(date_from, fields.Date.subtract(date_to, days=1)),
                subscription.company_id.currency_id.id,
                exact_text(quantity),
            ),
        )
        self.env["metered.usage"].invalidate_model(flush=False)


def _is_short(quantity):
    limit = Decimal(10) ** MOST_DIGITS
    exponent = quantity.normalize().as_tuple().exponent
    return quantity < limit and exponent >= -MOST_DIGITS
