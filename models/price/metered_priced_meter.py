# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass, field
from fractions import Fraction

from odoo import models

from ...rating.usage_price import PricedUsage


@dataclass(slots=True)
class PricedMeter:
    """The usage of one meter in one billing period, and what it costs.

    The whole period is priced, with what was billed of it before; what is due is the
    difference. So nothing depends on how a period was cut into invoices.
    """

    meter: models.BaseModel
    #: the ``metered.price``, with its versions in force in the period
    price: models.BaseModel
    versions: models.BaseModel
    #: of the invoice line; the subscription and its line may be empty
    product: models.BaseModel
    subscription: models.BaseModel
    subscription_line: models.BaseModel
    #: first day, and first day after the period
    date_from: object
    date_to: object
    #: whether all of it came in when its period had been invoiced
    late: bool
    #: open usage, that is billed now; rows without records were made by an invoice
    usage: models.BaseModel
    priced: PricedUsage = None
    #: the usage of the period that is on invoices
    billed_usage: models.BaseModel = None
    #: of it: exact sum, with the differences billed since, and its priced quantity
    billed: Fraction = Fraction(0)
    billed_quantity: Fraction = Fraction(0)
    steps: list = field(default_factory=list)

    @property
    def currency(self):
        """The currency in which it is priced."""
        return self.price.currency_id

    @property
    def records(self):
        """The open rows that have records."""
        return self.usage.filtered("records")

    def due(self, currency):
        """What is to be billed, exactly.

        Rounded by the price where the invoice has its currency; where not, it is
        rounded once, when it is converted.

        :param currency: of the invoice
        :return: Fraction
        """
        return self.priced.due(self.billed, is_rounded=currency == self.currency)

    @property
    def due_quantity(self):
        """How much of the priced quantity is not billed yet, a Fraction."""
        return self.priced.quantity - self.billed_quantity
