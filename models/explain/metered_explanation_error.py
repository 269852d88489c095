# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import date
from decimal import Decimal
from fractions import Fraction

from odoo import api, models
from odoo.tools import format_date

from ...rating.errors import TranslatableError
from ...rating.exact import exact_text


class MeteredExplanation(models.AbstractModel):
    """The words of what cannot be priced or read, in the user's language."""

    _inherit = "metered.explanation"

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
