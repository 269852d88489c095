# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import ROUND_HALF_UP, Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...stored.rerate import rerate
from ..guard.engine import engine_version
from ..guard.unchecked_many2one import UncheckedMany2one
from ..screen.actions import window_action
from .metered_sums import Money

#: of any currency on a line: beyond it a float has no cents, and no entry is balanced
MOST_MONEY = 10**13


class MeteredUsage(models.Model):
    """A customer's rated total for one meter and one day: what is invoiced.

    A row collects what comes in until it is put on an invoice. From then on it is
    closed for good, also when the invoice is deleted and the row is open again: later
    records go into a new row, so that a row on an invoice always is the sum of its
    CDRs, and two rows never compete to be the one that collects.
    """

    _name = "metered.usage"
    _description = "Usage"
    _inherit = ["metered.guarded", "metered.sums"]
    _log_access = False
    _order = "day desc, partner_id, meter_id, id"

    # Foreign keys cost half of what storing a row costs, so that those are missing
    # whose other side is protected otherwise: nobody deletes a company or a currency
    # that has invoices; a customer or a meter with usage refuses to be deleted, and
    # merging customers hands their usage over.
    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    partner_id = UncheckedMany2one(
        "res.partner", string="Customer", required=True, readonly=True
    )
    subscription_id = fields.Many2one(
        "sale.subscription",
        readonly=True,
        ondelete="restrict",
        index="btree_not_null",
    )
    meter_id = UncheckedMany2one(
        "metered.meter",
        string="Call Type or Meter",
        required=True,
        readonly=True,
    )
    day = fields.Date(required=True, readonly=True, help="In the customer's time zone.")
    currency_id = UncheckedMany2one("res.currency", required=True, readonly=True)
    records = fields.Integer(readonly=True, help="Number of calls or records.")
    quantity = fields.Float(
        digits=0,
        readonly=True,
        help="Total quantity of the records: connected seconds for calls, the meter's "
        "unit for other meters.",
    )
    billed_quantity = fields.Float(
        digits=0,
        readonly=True,
        help="For calls, seconds after increments. For other meters, the share of the "
        "quantity priced for the billing period, in the priced unit; 0 until it "
        "is invoiced.",
    )
    unit = fields.Char(related="meter_id.unit")
    minutes = fields.Float(
        compute="_compute_minutes",
        digits=(16, 1),
        help="Billed duration of calls in minutes.",
    )
    amount = Money(
        min_display_digits=4,
        readonly=True,
        help="For calls, the total of their charges. For other meters, the share of "
        "the price of the billing period; 0 until it is invoiced.",
    )
    collecting = fields.Boolean(
        readonly=True, help="New records of that day are still being added."
    )
    billed_in_time = fields.Boolean(
        readonly=True,
        help="It was on an invoice that did not mark it as recorded late, and that "
        "may no longer exist.",
    )
    invoice_line_id = fields.Many2one(
        "account.move.line",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        copy=False,
        help="Empty if not invoiced yet.",
    )
    waived_period_id = UncheckedMany2one(
        "metered.period",
        string="Waived With",
        readonly=True,
        copy=False,
        help="Not billed: it was waived, for example when the subscription was closed.",
    )
    invoice_id = fields.Many2one(related="invoice_line_id.move_id", string="Invoice")
    is_posted = fields.Boolean(
        string="On a Posted Invoice",
        compute="_compute_is_posted",
        compute_sudo=True,
        search="_search_is_posted",
    )

    # Finds the row that collects, and a customer's days for an invoice; a row that
    # does not collect any more is no obstacle to another one of its day.
    _collecting_uniq = models.UniqueIndex(
        "(partner_id, day, meter_id, currency_id, company_id,"
        " coalesce(subscription_id, 0),"
        " (CASE WHEN collecting THEN 0 ELSE id END))"
    )

    # The newest days, what a month brought, and what waits to be invoiced, of years.
    _day_idx = models.Index("(day)")
    _waived_idx = models.Index("(waived_period_id) WHERE waived_period_id IS NOT NULL")
    _open_idx = models.Index("(company_id, day) WHERE invoice_line_id IS NULL")

    def init(self):
        """Leave room on each page: the sums of a day are written many times.

        A row that finds room beside itself needs no new entries in the indexes.
        """
        self.env.cr.execute("ALTER TABLE metered_usage SET (fillfactor = 70)")

    @api.depends("invoice_line_id.parent_state")
    def _compute_is_posted(self):
        for usage in self:
            usage.is_posted = usage.invoice_line_id.parent_state == "posted"

    @api.model
    def _search_is_posted(self, operator, value):
        if operator != "in":
            return NotImplemented
        # Who may not see invoices may see that usage is on one.
        lines = self.env["account.move.line"].sudo()
        return [
            ("invoice_line_id", "in", lines._search([("parent_state", "=", "posted")]))
        ]

    @api.depends("billed_quantity", "meter_id")
    def _compute_minutes(self):
        for usage in self:
            calls = usage.meter_id.kind == "call"
            usage.minutes = usage.billed_quantity / 60 if calls else 0.0

    @api.depends("partner_id", "meter_id", "day")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for usage in self:
            usage.display_name = self.env._(
                "%(customer)s, %(meter)s, %(day)s",
                customer=usage.partner_id.display_name,
                meter=usage.meter_id.name,
                day=format_date(self.env, usage.day),
            )

    def action_view_cdrs(self):
        """Open the calls that this usage is the sum of; if deleted, their sums."""
        return self._kept_sums_action() or window_action(
            self.env, "action_metered_cdr", [("usage_id", "in", self.ids)], context={}
        )

    # === INVOICING === #

    @api.model
    def _lock_open(self, domain):
        """Usage to invoice, locked so that nobody else can invoice it now.

        What was on an invoice before is rated again with the rates of today, unless
        its calls were deleted or masked: then it is billed as it was. Its
        records may have moved to usage in another currency, or become exceptions, so
        that the usage returned need not be the usage that was found.

        :param domain: what to take; only open usage is taken
        :return: ``metered.usage`` records
        """
        self._apply_plans(domain)
        usage = self._lock(domain)
        freed = usage.filtered(lambda u: not u.collecting and u.meter_id.kind == "call")
        if not freed:
            return usage
        now = freed._rerate().after["usage_id"].tolist()
        self._apply_plans([("id", "in", now)])
        return (usage - freed) | self.browse(now)

    def _rerate(self, write=True, user=None):
        """Rate the calls of this usage again, with the rates of today.

        :param write: False: only tell; else it is open, and locked by the caller
        :param user: ``res.users`` record, who asked for it; None: the current one
        :return: ``stored.rerate.Rerated``
        """
        usage = self.sudo()
        done = rerate(usage, write, user and user.id)
        if write:
            usage.env["metered.batch"]._reject(done.unrated)
        return done

    @api.model
    def _apply_plans(self, domain):
        """Apply the calling plans that wait for it to open usage."""
        marks = self.env["metered.plan.mark"].sudo()
        if marks._exist_plans():
            groups = self._read_group(
                [*domain, ("invoice_line_id", "=", False)], ["partner_id"]
            )
            marks._apply_plans_to(
                self.env["res.partner"].browse(partner.id for (partner,) in groups)
            )

    @api.model
    def _lock(self, domain):
        """Open usage that is not waived, locked and otherwise left as it is.

        Whoever comes second waits, and then has to begin again with what is open
        then: PostgreSQL says so by a serialisation failure, after which Odoo repeats
        a request by itself.
        """
        usage = self.search_fetch(
            [
                *domain,
                ("invoice_line_id", "=", False),
                ("waived_period_id", "=", False),
            ],
            ["collecting"],
        )
        if usage:
            self.env.cr.execute(
                "SELECT id FROM metered_usage WHERE id = ANY(%s)"
                " ORDER BY id FOR UPDATE",
                (usage.ids,),
                log_exceptions=False,
            )
        return usage

    def _claim(self):
        """Let one transaction at a time bill what depends on this invoiced usage.

        Its rows are written as they are, in the order of their ids: whoever comes
        second waits, and then has to begin again; see :meth:`_lock`.
        """
        self.flush_model()
        for statement in (
            "SELECT id FROM metered_usage WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            "UPDATE metered_usage SET collecting = FALSE WHERE id = ANY(%s)",
        ):
            self.env.cr.execute(statement, (self.ids,), log_exceptions=False)

    @api.model
    def _link_to_invoice(self, invoice, lines):
        """Point locked usage to the invoice lines that were made for it.

        It collects no more: later records of the same day go into another row, and
        are invoiced with the next period.

        :param invoice: the draft ``account.move``
        :param lines: as :meth:`_prepare_invoice_lines` returned them
        """
        made = {}
        for line in invoice.invoice_line_ids.sorted("id", reverse=True):
            made.setdefault((line.product_id.id, line.name), []).append(line.id)
        pairs = []
        for values, usage_ids in lines:
            line_id = made[values["product_id"], values["name"]].pop()
            pairs += [(usage_id, line_id) for usage_id in usage_ids]
        self._link_to_lines(pairs)

    @api.model
    def _link_to_lines(self, pairs):
        """Point usage to invoice lines; see :meth:`_link_to_invoice`.

        :param pairs: list of (id of locked usage, id of the line)
        """
        if not pairs:
            return
        usage_ids, line_ids = map(list, zip(*pairs, strict=True))
        lines = self.env["account.move.line"].browse(line_ids)
        self.env.cr.execute(
            """
            UPDATE metered_usage usage
               SET invoice_line_id = new.line_id, collecting = FALSE,
                   billed_in_time = usage.billed_in_time IS TRUE
                                 OR new.line_id != ALL(%s)
              FROM unnest(%s, %s) AS new (usage_id, line_id)
             WHERE usage.id = new.usage_id
            """,
            (lines.filtered("metered_late").ids, usage_ids, line_ids),
        )
        self._forget_invoices()
        lines.invalidate_recordset(["metered_usage_ids"], flush=False)
        # By SQL: a write would have each invoice look at all of its lines again.
        self.env.cr.execute(
            "UPDATE account_move SET metered_engine = %s WHERE id = ANY(%s)",
            (engine_version(self.env), lines.move_id.ids),
        )
        lines.move_id.invalidate_recordset(["metered_engine"], flush=False)
        posted = lines.move_id.filtered(lambda move: move.state == "posted")
        posted._metered_note_seals("posted")

    def _forget_invoices(self):
        """Read anew which usage is on which invoice: it was written by SQL."""
        # Nothing of these is waiting to be written: no need to flush all the rest.
        self.invalidate_model(
            ["invoice_line_id", "invoice_id", "collecting", "billed_in_time"],
            flush=False,
        )
        self.env["metered.cdr"].invalidate_model(["invoice_id"], flush=False)

    def _calls_and_amounts(self):
        """Number of calls and exact amount of every row, as freed lines keep them.

        :return: dict id as text -> [calls, amount as text]
        """
        self.env.cr.execute(
            "SELECT id::text, records, trim_scale(amount)::text FROM metered_usage"
            " WHERE id = ANY(%s)",
            (self.ids,),
        )
        return {key: [records, text] for key, records, text in self.env.cr.fetchall()}

    def _prepare_invoice_lines(
        self,
        company,
        currency,
        partner,
        date_from,
        date_to,
        date=None,
        subscription=None,
        carried=(),
        held=(),
    ):
        """Values of the invoice lines for this usage, one per call type or as the
        meter says.

        Usage from before ``date_from`` has lines of its own: it came in late, or its
        invoice is gone. So has usage of calls in another currency.

        :param company: whose exchange rates count
        :param currency: the invoice's currency; a sum is converted and rounded once
        :param partner: in whose language the lines are written
        :param date_from: first day of the period
        :param date_to: first day after the period
        :param date: the invoice's date, at which sums are converted; None: date_to
        :param subscription: what is renewed; its metered lines may have a charge
            without usage
        :param carried: earlier periods that were carried forward, each with lines of
            its own: list of (first day, first day after)
        :param held: levels without a subscription, as ``_price_meters`` takes them
        :return: list of (dict for ``account.move.line``, ids of the usage)
        """
        calls = self.filtered(lambda usage: usage.meter_id.kind == "call")
        lines = calls._prepare_call_lines(
            company, currency, partner, date_from, date_to, date, carried
        ) + (self - calls)._prepare_meter_lines(
            company,
            currency,
            partner,
            date_from,
            date_to,
            date or date_to,
            subscription,
            carried,
            held,
        )
        self._check_fits_invoice(lines, currency)
        return lines

    @api.model
    def _check_fits_invoice(self, lines, currency):
        """Refuse more than an invoice holds.

        :param lines: as :meth:`_prepare_invoice_lines` returns them
        :raises UserError: a line comes to more
        """
        for values, _ids in lines:
            if abs(values["quantity"] * values["price_unit"]) >= MOST_MONEY:
                raise UserError(
                    self.env._(
                        "%(line)s comes to %(amount)s, which is too large for an "
                        "invoice. In Call Details, look for a record with an "
                        "incorrect quantity, and undo its import.",
                        line=values["name"].replace("\n", ", "),
                        amount=currency.format(
                            values["quantity"] * values["price_unit"]
                        ),
                    )
                )

    def _prepare_call_lines(
        self, company, currency, partner, date_from, date_to, date=None, carried=()
    ):
        """The lines of calls, one per call type; see :meth:`_prepare_invoice_lines`."""
        if not self:
            return []
        shared = {"quantity": 1.0}
        if not self.env["account.analytic.distribution.model"].search([], limit=1):
            # Told, the invoice need not search for a distribution line by line.
            shared["analytic_distribution"] = False
        self.env.cr.execute(
            """
            SELECT usage.meter_id, usage.currency_id, usage.day < %s AS earlier,
                   usage.day < %s AND usage.billed_in_time IS NOT TRUE
                       AND carried.first IS NULL AS late,
                   coalesce(carried.first, min(usage.day)),
                   coalesce(carried.after - 1, max(usage.day)), sum(usage.records),
                   sum(usage.billed_quantity)::text, sum(usage.amount)::text,
                   array_agg(usage.id ORDER BY usage.id)
              FROM metered_usage usage
              JOIN metered_meter meter ON meter.id = usage.meter_id
              LEFT JOIN unnest(%s::date[], %s::date[]) AS carried (first, after)
                ON usage.day >= carried.first AND usage.day < carried.after
             WHERE usage.id = ANY(%s)
             GROUP BY usage.meter_id, usage.currency_id, earlier, late, meter.sequence,
                      carried.first, carried.after
             ORDER BY earlier DESC, late, carried.first, meter.sequence,
                      usage.meter_id, usage.currency_id
            """,
            (
                date_from,
                date_from,
                [first for first, _after in carried],
                [after for _first, after in carried],
                self.ids,
            ),
        )
        lines = []
        for (
            meter_id,
            currency_id,
            earlier,
            late,
            first,
            last,
            records,
            billed,
            amount,
            ids,
        ) in self.env.cr.fetchall():
            meter = self.env["metered.meter"].browse(meter_id)
            if not meter.product_id:
                raise UserError(
                    self.env._(
                        "The call type %(meter)s has no invoice product. Set it under "
                        "Metered Billing, Configuration, Call Types.",
                        meter=meter.name,
                    )
                )
            total = self._convert_once(
                Decimal(amount),
                self.env["res.currency"].browse(currency_id),
                currency,
                company,
                date or date_to,
            )
            begin = first if earlier else date_from
            end = fields.Date.add(last, days=1) if earlier else date_to
            text = meter.with_context(lang=partner.lang)._describe_usage(
                begin, fields.Date.subtract(end, days=1), records, billed, late
            )
            values = {
                **shared,
                "metered_date_from": begin,
                "metered_date_to": end,
                "metered_late": late,
                "product_id": meter.product_id.id,
                "name": text,
                "price_unit": float(total),
            }
            lines.append((values, ids))
        return lines

    @api.model
    def _convert_once(self, amount, currency, to_currency, company, date):
        """A sum in the invoice's currency, rounded to it half up.

        :param Decimal amount: exact sum in ``currency``
        :return: Decimal
        """
        if currency != to_currency:
            rate = self.env["res.currency"]._get_conversion_rate(
                currency, to_currency, company, date
            )
            # The shortest text of the rate is the rate that a user sees and entered.
            amount *= Decimal(repr(rate))
        unit = Decimal(repr(to_currency.rounding))
        return (amount / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit
