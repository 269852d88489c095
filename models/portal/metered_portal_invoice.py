# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import api, models


class MeteredPortal(models.AbstractModel):
    """What a customer sees of the usage on an invoice, and of its statements."""

    _inherit = "metered.portal"

    @api.model
    def _invoice_usage(self, invoice, user):
        """The usage on an invoice, whose page was admitted.

        A link with a token opens it, too: only who is logged in as the customer is told
        how a line came about, and no call is shown here.

        :return: dict: `lines` (list of dicts: `name`, `amount`, `rows` of `name`,
            `records`, `quantity`, `amount`; `steps`, `usage_ids`), `since`, `until`
            (dates) and `is_own`; None for an invoice without usage
        """
        invoice = invoice.sudo()
        lines = invoice.invoice_line_ids.filtered("metered_usage_ids")
        if invoice.state != "posted" or not lines:
            return None
        is_own = self._customer(
            user
        ) == invoice.commercial_partner_id and invoice.company_id in self._companies(
            user
        )
        days = lines.metered_usage_ids.mapped("day")
        return {
            "is_own": is_own,
            "since": min(days),
            "until": max(days),
            "lines": [
                {
                    "name": line.name,
                    "amount": self._money(line.price_subtotal, line.currency_id),
                    "rows": self._line_sums(line),
                    # Those that are disputed as a whole, day by day.
                    "usage_ids": line.metered_usage_ids.ids if is_own else [],
                    "steps": self._explain_line(line) if is_own else [],
                }
                for line in lines.sorted(lambda one: (one.sequence, one.id))
            ],
        }

    @api.model
    def _line_sums(self, line):
        """Sums of the usage on a line by type: list of dicts of texts."""
        self.env["metered.usage"].flush_model()
        self.env.cr.execute(
            """
            SELECT meter_id, currency_id, sum(records), sum(billed_quantity)::text,
                   sum(quantity)::text, sum(amount)::text
              FROM metered_usage
             WHERE invoice_line_id = %s AND records > 0
             GROUP BY meter_id, currency_id ORDER BY meter_id, currency_id
            """,
            (line.id,),
        )
        words = self.env["metered.explanation"]
        found = []
        for (
            meter_id,
            currency_id,
            records,
            billed,
            quantity,
            amount,
        ) in self.env.cr.fetchall():
            meter = self.env["metered.meter"].sudo().browse(meter_id)
            currency = self.env["res.currency"].sudo().browse(currency_id)
            is_call = meter.kind == "call"
            found.append(
                {
                    "name": meter.name,
                    "records": words._number(records),
                    "quantity": self.env["res.partner"]._metered_quantity(
                        meter, Decimal(billed if is_call else quantity)
                    ),
                    "amount": self._money(amount or 0, currency),
                }
            )
        return found

    @api.model
    def _explain_line(self, line):
        """How the amount of a line came about, for the customer: as of a call."""
        words = self.env["metered.explanation"].sudo()
        steps, sums = line._metered_price_steps(), line._metered_sums()
        if steps:
            currency = line.metered_price_id.currency_id
            rows = line._metered_rows_of_readings() + words._rows(steps, currency)
        else:
            rows = line._metered_rows_by_allowance()
            masking, _zone = self._policy(
                line.company_id,
                line.move_id.commercial_partner_id,
                line.metered_usage_ids[:1],
            )
            # One call to a country is an item, too.
            if masking.items != "none":
                rows += line._metered_rows_by_destination()
        rows += line._metered_rows_to_invoice(sums)
        return [
            {
                "title": row["title"],
                # What a deck would have charged is told; a deck is not theirs.
                "text": "" if row["code"] == "deck_charge" else row["text"],
                "amount": row["amount"] or "",
            }
            for row in rows
        ]

    # === STATEMENTS === #

    @api.model
    def _statements(self, user, id_=None):
        """Statements that a portal user may have: made, and adding up.

        :param id_: int, of one; None for all
        :return: ``metered.statement`` with all rights
        """
        customer = self._customer(user)
        statements = self.env["metered.statement"].sudo()
        if not customer or (id_ is not None and not 0 < id_ < 1 << 31):
            return statements
        return statements.search(
            [
                ("partner_id", "=", customer.id),
                ("company_id", "in", self._companies(user).ids),
                ("is_current", "=", True),
                ("state", "=", "done"),
                ("adds_up", "=", True),
                *([("id", "=", id_)] if id_ is not None else []),
            ]
        )
