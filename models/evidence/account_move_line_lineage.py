# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError

#: records of a page
MOST_RECORDS = 1000


class AccountMoveLine(models.Model):
    """From a journal item down to the lines of the imported files."""

    _inherit = "account.move.line"

    def metered_lineage(self, offset=0, limit=80):
        """What a journal item charges, down to the imported lines. Callable by RPC.

        :param int offset, limit: of its records, by start; at most 1,000 at a time
        :return: dict of JSON: `journal_item`, `invoice`, `usage` (all of it), `count`
            of the records, and `records`, as of :meth:`metered.cdr.metered_lineage`
        :raises AccessError: for who may not see the item, or call details
        :raises UserError: a page that is none
        """
        self.ensure_one()
        self.check_access("read")
        if not (
            isinstance(offset, int)
            and isinstance(limit, int)
            and 0 <= offset <= 2**31
            and 1 <= limit <= MOST_RECORDS
        ):
            raise UserError(
                self.env._(
                    "The offset must be 0 or more, and the limit between 1 and %s.",
                    MOST_RECORDS,
                )
            )
        usage = self.env["metered.usage"].search(
            [("invoice_line_id", "=", self.id)], order="day, id"
        )
        cdrs = self.env["metered.cdr"]
        domain = [("usage_id", "in", usage.ids)]
        page = cdrs.search(domain, order="start_time, id", offset=offset, limit=limit)
        return {
            "journal_item": self._metered_lineage_item(),
            "invoice": self.move_id._metered_lineage(),
            "usage": list(usage._lineage().values()),
            "count": cdrs.search_count(domain),
            "records": page.metered_lineage(),
        }

    def _metered_lineage_item(self):
        """What the item is, as JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "account": self.account_id.code or None,
            "amount": repr(self.price_subtotal),
            "balance": repr(self.balance),
            "currency": self.currency_id.name,
        }
