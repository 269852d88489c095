# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ..guard.untrusted import own_context
from ..screen.actions import RELOAD, notification, window_action

# Invoices that charge a period: made for it, or for another period of its customer
# together with it, or of the sale order of its fees; neither cancelled nor taken back
# in full by posted credit notes.
_LIVING = """
    SELECT held.period_id, move.id AS move_id
      FROM (SELECT metered_period_id AS period_id, id AS move_id
              FROM account_move
             WHERE metered_period_id IS NOT NULL
             UNION
            SELECT id, invoice_id
              FROM metered_period
             WHERE invoice_id IS NOT NULL
             UNION
            SELECT period.id, invoiced.move_id
              FROM metered_period period
              JOIN sale_order_line ordered ON ordered.order_id = period.order_id
              JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = ordered.id
              JOIN account_move_line invoiced ON invoiced.id = rel.invoice_line_id
           ) held
      JOIN account_move move ON move.id = held.move_id
     WHERE move.state != 'cancel'
       AND move.move_type = 'out_invoice'
       AND NOT coalesce((
           SELECT sum(credit.amount_total) >= move.amount_total
             FROM account_move credit
            WHERE credit.reversed_entry_id = move.id
              AND credit.state = 'posted'
              AND credit.currency_id = move.currency_id), FALSE)
"""


class MeteredPeriod(models.Model):
    """One interval of a subscription, billed once.

    The unique index is what keeps two renewals that run at the same time from
    billing one period twice: the second waits for the first, and then fails.

    A period that was on an invoice and is on no living one any more is *unbilled*: its
    flat fee is lost, unless it is billed again.
    """

    _name = "metered.period"
    _description = "Billing Period"
    _inherit = ["metered.guarded"]
    _order = "subscription_id, date_from desc"

    subscription_id = fields.Many2one(
        "sale.subscription", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="subscription_id.company_id", store=True, index=True
    )
    partner_id = fields.Many2one(related="subscription_id.partner_id")
    date_from = fields.Date(string="From", required=True, readonly=True)
    date_to = fields.Date(
        string="Next Period From",
        required=True,
        readonly=True,
        help="First day of the next period.",
    )
    last_day = fields.Date(
        string="Until",
        compute="_compute_last_day",
        help="Last day of the period.",
    )
    invoice_id = fields.Many2one(
        "account.move", readonly=True, ondelete="set null", index="btree_not_null"
    )

    amount = fields.Monetary(
        string="Untaxed Amount",
        compute="_compute_amount",
        compute_sudo=True,
        help="Amount of the invoice: fees and usage.",
    )
    currency_id = fields.Many2one(
        "res.currency", compute="_compute_amount", compute_sudo=True
    )
    order_id = fields.Many2one(
        "sale.order",
        string="Sales Order",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The order for the flat fees, if the template invoices with sales orders.",
    )
    renewal_id = fields.Many2one(
        "metered.renewal", readonly=True, ondelete="set null", index="btree_not_null"
    )
    was_billed = fields.Boolean(
        readonly=True, help="The period was invoiced at some point."
    )
    without_fees = fields.Boolean(
        readonly=True,
        help="The subscription was closed. The period has usage, but no fees.",
    )
    fees = fields.Json(
        readonly=True,
        help="Flat fees when the period was billed: name, quantity, price and "
        "discount.",
    )
    is_waived = fields.Boolean(
        readonly=True,
        help="Someone decided not to bill this period again.",
        string="Left Unbilled",
    )
    state = fields.Selection(
        [
            ("billed", "Billed"),
            ("nothing", "Nothing to Bill"),
            ("carried", "Carried Forward"),
            ("unbilled", "No Invoice"),
            ("waived", "Left Unbilled"),
        ],
        string="Status",
        compute="_compute_state",
        search="_search_state",
        compute_sudo=True,
        help="No Invoice: the invoice was deleted, canceled or credited in full, and "
        "no other invoice replaces it. Carried Forward: it came to less than the "
        "smallest invoice, and will be billed with later periods.",
    )

    _period_uniq = models.UniqueIndex(
        "(subscription_id, date_to)", "This period has already been billed."
    )

    @api.depends("invoice_id")
    def _compute_amount(self):
        for period in self:
            invoice = period.invoice_id
            period.amount = invoice.amount_untaxed
            period.currency_id = invoice.currency_id or period.company_id.currency_id

    def action_view_usage(self):
        """Open the usage on its invoice; without one what is open of its days."""
        self.ensure_one()
        self.check_access("read")
        domain = [
            ("company_id", "=", self.company_id.id),
            ("invoice_line_id", "=", False),
            ("partner_id", "in", self.partner_id._metered_family().ids),
            ("day", ">=", self.date_from),
            ("day", "<", self.date_to),
        ]
        if self.invoice_id:
            domain = [("invoice_id", "=", self.invoice_id.id)]
        return window_action(
            self.env,
            "action_metered_usage",
            domain,
            context={},
            display_name=self.env._("Usage, %s", self.display_name),
        )

    @api.depends("date_to")
    def _compute_last_day(self):
        for period in self:
            period.last_day = period.date_to and fields.Date.subtract(
                period.date_to, days=1
            )

    @api.depends("date_from", "date_to")
    def _compute_display_name(self):
        for period in self:
            first, last = (
                format_date(self.env, day)
                for day in (period.date_from, period.last_day)
            )
            period.display_name = f"{first} – {last}"

    def _describe_days(self):
        """The days of these periods, as text; empty for none."""
        return ", ".join(self.mapped("display_name"))

    @api.model
    def _claim(self, claims):
        """Claim periods, so that no other transaction can bill them.

        Another transaction that claims one of them waits for this one, and then fails
        or finds it billed. An invoice that was deleted, cancelled or credited in full
        leaves its period to be billed again.

        :param claims: list of (``sale.subscription`` record, date_from, date_to), a
            subscription at most once
        :return: dict id of a subscription -> ``metered.period`` record
        """
        if not claims:
            return {}
        self.flush_model()
        self.env.cr.execute(
            """
            INSERT INTO metered_period (subscription_id, company_id, date_from,
                                        date_to, create_uid, create_date)
                 SELECT claim.*, %s, now() AT TIME ZONE 'UTC'
                   FROM unnest(%s::int[], %s::int[], %s::date[], %s::date[]) AS claim
            ON CONFLICT (subscription_id, date_to)
              DO UPDATE SET company_id = metered_period.company_id
              RETURNING subscription_id, id
            """,
            (
                self.env.uid,
                [subscription.id for subscription, _from, _to in claims],
                [subscription.company_id.id for subscription, _from, _to in claims],
                [date_from for _subscription, date_from, _to in claims],
                [date_to for _subscription, _from, date_to in claims],
            ),
        )
        ids = dict(self.env.cr.fetchall())
        periods = self.browse(ids.values())
        periods.invalidate_recordset(flush=False)
        for subscription, _from, _to in claims:
            subscription.invalidate_recordset(["metered_period_ids"], flush=False)
        return {
            subscription_id: period.with_prefetch(periods.ids)
            for subscription_id, period in zip(ids, periods, strict=True)
        }

    # === WHETHER IT IS BILLED === #

    def _living_invoices(self):
        """The invoices that bill these periods.

        :return: dict id of a period -> ``account.move`` records, with all rights; only
            periods that have any
        """
        living = {}
        query = SQL("%s WHERE period_id = ANY(%s)", self._living_query(), self.ids)
        for period_id, move_id in self.env.execute_query(query):
            living.setdefault(period_id, []).append(move_id)
        Move = self.env["account.move"].sudo()
        return {key: Move.browse(ids) for key, ids in living.items()}

    @api.model
    def _living_query(self):
        """``SELECT period_id, move_id`` of all invoices that bill a period."""
        self.flush_model(["order_id", "invoice_id"])
        self.env["account.move"].flush_model(
            [
                "metered_period_id",
                "state",
                "amount_total",
                "reversed_entry_id",
                "currency_id",
            ]
        )
        self.env["account.move.line"].flush_model(["sale_line_ids"])
        return SQL("SELECT * FROM (%s) living", SQL(_LIVING))

    @api.depends("was_billed", "is_waived", "carried_on", "invoice_id.state")
    def _compute_state(self):
        living = self._living_invoices()
        for period in self:
            if period.id in living:
                period.state = "billed"
            elif period.is_waived:
                period.state = "waived"
            elif period.carried_on:
                period.state = "carried"
            else:
                period.state = "unbilled" if period.was_billed else "nothing"

    @api.model
    def _search_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        living = SQL("SELECT period_id FROM (%s) living", self._living_query())
        domains = {
            "billed": [("id", "in", living)],
            "nothing": [
                ("was_billed", "=", False),
                ("is_waived", "=", False),
                ("carried_on", "=", False),
                ("id", "not in", living),
            ],
            "carried": [
                ("carried_on", "!=", False),
                ("is_waived", "=", False),
                ("id", "not in", living),
            ],
            "unbilled": [
                ("was_billed", "=", True),
                ("is_waived", "=", False),
                ("carried_on", "=", False),
                ("id", "not in", living),
            ],
            "waived": [("is_waived", "=", True), ("id", "not in", living)],
        }
        return fields.Domain.OR(domains[state] for state in value if state in domains)

    # === BILLING IT AGAIN === #

    def _bill_again(self):
        """Bill a period again, as its renewal would; the next date stays.

        :return: the draft, ``account.move`` with all rights; empty where nothing of it
            is left to bill
        :raises UserError: when an invoice bills it
        """
        self.ensure_one()
        period = own_context(self).sudo()
        subscription = period.subscription_id.with_company(period.company_id)
        return subscription._metered_bill_again(period)

    def action_bill_again(self):
        """Make the draft that bills this period again, and open it."""
        self.ensure_one()
        self.check_access("read")
        return self._open_billed_again(self._bill_again())

    def _open_billed_again(self, invoice):
        if invoice:
            return invoice._metered_open_made()
        return notification(
            self.env._(
                "There is nothing left to bill for %(period)s: the subscription has "
                "no flat fee, and the usage is on other invoices.",
                period=self.sudo().display_name,
            ),
            "info",
            sticky=True,
            next=RELOAD,
        )

    def action_waive(self):
        """Leave periods unbilled: nobody is warned about them any more.

        :raises UserError: when an invoice bills one of them
        """
        self.check_access("read")
        for period in self.sudo():
            if period.state == "carried":
                period._waive_by_hand()
                continue
            if period.state not in ("unbilled", "waived"):
                raise UserError(
                    self.env._(
                        "%(period)s of %(subscription)s is not missing an invoice, so "
                        "it cannot be left unbilled.",
                        period=period.display_name,
                        subscription=period.subscription_id.name,
                    )
                )
            period.is_waived = True
            period.subscription_id._message_log(
                body=self.env._(
                    "%(user)s left %(period)s unbilled.",
                    user=self.env.user.name,
                    period=period.display_name,
                )
            )
        return True
