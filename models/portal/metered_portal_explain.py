# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models

from ...stored.why import explain_stored

#: steps of a charge that a customer is told; what a deck looked through is not theirs
STEPS = frozenset(
    {
        *("free_zero", "grace", "increments", "band", "rate", "call_tier", "part"),
        *("allowance_taken", "left_to_deck", "usage", "connection_fee", "minimum"),
        *("maximum", "plan_charge", "rounding", "allowance_money", "charge"),
    }
)


class MeteredPortal(models.AbstractModel):
    """Why a call, or a line of an invoice, costs what it costs, for the customer.

    In the words of the operator's explanation, without its decks, its prefixes, which
    may be numbers, and its suppliers.
    """

    _inherit = "metered.portal"

    @api.model
    def _explain_call(self, cdr):
        """How a call was charged.

        :param cdr: one call of the user's customer
        :return: list of dicts: `title`, `text`, `amount` (texts)
        """
        cdr = cdr.sudo()
        story = explain_stored(cdr, cdr._plan_of_call())
        rows = self._customer_rows(
            story.stored.steps, cdr.currency_id, cdr._names_of_allowances()
        )
        if not rows:
            rows = [
                {
                    "title": self.env._("Charge"),
                    "text": cdr._masked_text()
                    or self.env._(
                        "Prices have changed since. Contact us for the details of "
                        "this charge."
                    ),
                    "amount": self._charge_text(cdr.charge, cdr.currency_id),
                }
            ]
        return rows

    @api.model
    def _customer_rows(self, steps, currency, allowances=None):
        """Steps of a charge, those and in words that are for the customer."""
        words = self.env["metered.explanation"].sudo()
        told = [
            step
            for step in steps
            if step.code in STEPS
            # That a rate holds at all times is no news to them.
            and (step.code != "band" or step.values.get("band_id"))
        ]
        rows = []
        for step, row in zip(
            told, words._rows(told, currency, allowances), strict=True
        ):
            title, text = row["title"], row["text"]
            values = {**step.values, "currency": currency.name or ""}
            if step.code == "rate":
                title, text = self.env._("Your price"), words._price(values)
            elif step.code == "left_to_deck":
                text = self.env._(
                    "Charged at your regular price: %s s",
                    words._number(values["seconds"]),
                )
            rows.append({"title": title, "text": text, "amount": row["amount"] or ""})
        return rows
