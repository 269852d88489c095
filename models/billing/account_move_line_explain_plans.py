# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from ...ingest.usage_calls import USAGE_CDRS


class AccountMoveLine(models.Model):
    """What calling plans took of the calls of an invoice line."""

    _inherit = "account.move.line"

    def _metered_rows_by_allowance(self):
        """What the calls would cost without a plan, and what each allowance took.

        :return: rows of the explanation; none where no plan took anything
        """
        usage = {"usage": self.sudo().metered_usage_ids.ids}
        self.env["metered.cdr"].flush_model()
        self.env.cr.execute(
            f"""
            SELECT taken.key::int, count(*), sum((taken.value->>0)::bigint)::bigint
              FROM {USAGE_CDRS} CROSS JOIN jsonb_each(cdr.plan_taken) AS taken
             WHERE cdr.plan_taken IS NOT NULL
             GROUP BY 1 ORDER BY abs(taken.key::int), 1 DESC
            """,  # noqa: S608 - ours
            usage,
        )
        taken = self.env.cr.fetchall()
        if not taken:
            return []
        words = self.env["metered.explanation"]
        rows = [
            words._row(
                "deck_charge",
                self.env._("Without the plan"),
                self.env._("What the rate deck alone would charge"),
                f"{words._number(amount)} "
                f"{self.env['res.currency'].browse(currency_id).name}",
            )
            for currency_id, amount in self._metered_deck_charges(usage)
        ]
        Allowance = self.env["metered.calling.plan.allowance"].sudo()
        for key, calls, quantity in taken:
            allowance = Allowance.browse(abs(key)).exists()
            rows.append(
                words._row(
                    "allowance",
                    self.env._("Allowance"),
                    allowance._taken_text(calls, quantity, key < 0)
                    if allowance
                    else self.env._(
                        "An allowance that was deleted took of %s", words._calls(calls)
                    ),
                )
            )
        return rows

    def _metered_deck_charges(self, usage):
        """Exact sums of what the decks charge: list of (currency id, text)."""
        self.env.cr.execute(
            f"""
            SELECT cdr.currency_id,
                   trim_scale(sum(coalesce(cdr.deck_charge, cdr.charge)))::text
              FROM {USAGE_CDRS}
             GROUP BY 1 ORDER BY 1
            """,  # noqa: S608 - ours
            usage,
        )
        return self.env.cr.fetchall()
