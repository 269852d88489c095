# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import format_date

from ...ingest.usage_calls import USAGE_CDRS
from ...rating.exact import exact, exact_text

#: calls that are shown of a line, the most expensive
LARGEST = 20
#: destinations that are named; the others are one sum
DESTINATIONS = 8


class AccountMoveLine(models.Model):
    """Why an invoice line of usage has its amount."""

    _inherit = "account.move.line"

    metered_explanation = fields.Html(
        string="Explanation",
        compute="_compute_metered_explanation",
        sanitize=False,
        help="Breakdown of the calls on this line.",
    )
    metered_largest_cdr_ids = fields.Many2many(
        "metered.cdr",
        string="Most Expensive Calls",
        compute="_compute_metered_largest_cdr_ids",
        help="Open a call to see how its charge was calculated.",
    )
    metered_explained = fields.Boolean(
        string="Charges Usage",
        compute="_compute_metered_explained",
        help="Whether this line has usage to explain.",
    )

    def _compute_metered_explained(self):
        held = (
            self.env["metered.usage"]
            .sudo()
            ._read_group([("invoice_line_id", "in", self.ids)], ["invoice_line_id"])
        )
        charging = {line.id for [line] in held}
        for line in self:
            line.metered_explained = (
                line.id in charging or line.metered_corrected_line_id
            )

    @api.depends_context("uid")
    def _compute_metered_largest_cdr_ids(self):
        for line in self:
            usage = line.sudo().metered_usage_ids
            line.metered_largest_cdr_ids = self.env["metered.cdr"].search(
                [("usage_id", "in", usage.ids), ("charge", ">", 0)],
                order="charge desc, start_time, id",
                limit=LARGEST,
            )

    @api.depends_context("uid", "lang", "tz")
    def _compute_metered_explanation(self):
        for line in self:
            line.metered_explanation = line._metered_explain()

    def action_metered_explain(self):
        """Show what the amount of a line of usage is made of."""
        self.ensure_one()
        self.check_access("read")
        view = self.env.ref("metered_billing.account_move_line_view_form_explain")
        return self._get_records_action(
            name=self.env._("Why This Amount?"),
            views=[(view.id, "form")],
            target="new",
            context={"dialog_size": "extra-large"},
        )

    def action_view_metered_cdrs(self):
        """Open all calls of a line."""
        self.ensure_one()
        self.check_access("read")
        line = self.sudo().metered_corrected_line_id or self.sudo()
        return line.metered_usage_ids.with_env(self.env).action_view_cdrs()

    def _metered_explain(self):
        """The explanation as HTML."""
        self.ensure_one()
        self.check_access("read")
        words = self.env["metered.explanation"]
        if self.metered_corrected_line_id:
            return self._metered_explain_difference()
        sums = self._metered_sums()
        if not sums:
            return words._render(
                warning=self.env._(
                    "This line no longer has usage. It was released or deleted."
                )
            )
        rows = []
        for currency, records, days, billed, amount in sums:
            rows.append(
                words._row(
                    "usage",
                    self.env._("Usage"),
                    self._metered_usage_text(records, days, billed),
                    f"{words._number(amount)} {currency.name}",
                )
            )
        steps = self._metered_price_steps()
        if steps:
            # The price is the whole period's; further lines hold the rest of it.
            before = words._rows(
                steps, self.metered_price_id.currency_id, company=self.company_id
            )
            rows = self._metered_rows_of_readings() + before + rows
        else:
            rows = self._metered_rows_by_allowance() + rows
            rows += self._metered_rows_by_destination()
        rows += self._metered_rows_to_invoice(sums)
        rows += self._metered_rows_corrected()
        return words._render(
            before=[
                words._row(
                    "line", self.env._("Invoice line"), self._metered_one_line()
                ),
            ],
            rows=rows,
            warning=" ".join(
                filter(
                    None,
                    (
                        self.sudo().metered_usage_ids._details_gone_text(),
                        self._metered_edited(sums),
                    ),
                )
            ),
        )

    def _metered_rows_of_readings(self):
        """Old and new readings of the counters that the line is about."""
        line, words = self.sudo(), self.env["metered.explanation"]
        texts = line.metered_usage_ids._reading_lines(
            line.move_id.partner_id, self.env.lang
        )
        return [words._row("reading", self.env._("Readings"), text) for text in texts]

    def _metered_usage_text(self, records, days, billed):
        """What the usage on the line is, in words."""
        words = self.env["metered.explanation"]
        if self._metered_price_steps():
            return self.env._(
                "On this line: %(records)s on %(days)s",
                records=words._records(records),
                days=words._days(days),
            )
        return self.env._(
            "%(calls)s on %(days)s, %(seconds)s seconds billed: the sum of the charges",
            calls=words._calls(records),
            days=words._days(days),
            seconds=words._number(billed),
        )

    def _metered_sums(self):
        """Exact sums of the usage on the line.

        :return: list of (``res.currency``, records, days, billed text, amount text)
        """
        self.env["metered.usage"].flush_model()
        self.env.cr.execute(
            """
            SELECT currency_id, sum(records), count(DISTINCT day),
                   trim_scale(sum(billed_quantity))::text,
                   trim_scale(sum(amount))::text
              FROM metered_usage
             WHERE invoice_line_id = %s
             GROUP BY currency_id ORDER BY currency_id
            """,
            (self.id,),
        )
        return [
            (self.env["res.currency"].browse(currency_id), *rest)
            for currency_id, *rest in self.env.cr.fetchall()
        ]

    def _metered_rows_by_destination(self):
        """Where the calls went: the largest sums first."""
        self.env["metered.cdr"].flush_model()
        self.env.cr.execute(
            f"""
            SELECT cdr.destination_id, cdr.currency_id, count(*),
                   trim_scale(sum(cdr.charge))::text
              FROM {USAGE_CDRS}
             GROUP BY cdr.destination_id, cdr.currency_id
             ORDER BY sum(cdr.charge) DESC, cdr.destination_id
            """,  # noqa: S608 - ours
            {"usage": self.sudo().metered_usage_ids.ids},
        )
        found = self.env.cr.fetchall()
        if len(found) < 2:
            return []
        words = self.env["metered.explanation"]
        shown = found if len(found) <= DESTINATIONS else found[: DESTINATIONS - 1]
        Destination = self.env["metered.destination"].sudo()
        rows = []
        for destination_id, currency_id, records, amount in shown:
            name = (
                Destination.browse(destination_id).name
                if destination_id
                else self.env._("no destination")
            )
            rows.append(self._metered_row_of(name, currency_id, records, amount))
        rest = found[len(shown) :]
        for currency_id in sorted({row[1] for row in rest}):
            some = [row for row in rest if row[1] == currency_id]
            rows.append(
                self._metered_row_of(
                    self.env._("%s other destinations", words._number(len(some))),
                    currency_id,
                    sum(row[2] for row in some),
                    sum(Decimal(row[3]) for row in some),
                )
            )
        return rows

    def _metered_row_of(self, name, currency_id, records, amount):
        words = self.env["metered.explanation"]
        currency = self.env["res.currency"].browse(currency_id)
        return words._row(
            "destination",
            self.env._("of which"),
            self.env._(
                "%(name)s: %(calls)s",
                name=name,
                calls=words._calls(records),
            ),
            f"{words._number(amount)} {currency.name}",
        )

    def _metered_rows_to_invoice(self, sums):
        """From the sum of the charges to the amount of the line."""
        words, rows = self.env["metered.explanation"], []
        if {currency for currency, *_rest in sums} != {self.currency_id}:
            rows.append(
                words._row(
                    "conversion",
                    self.env._("Currency"),
                    self.env._(
                        "Converted to %(currency)s once, at the rate on %(date)s",
                        currency=self.currency_id.name,
                        date=format_date(
                            self.env, self.move_id.invoice_date or self.metered_date_to
                        )
                        or self.env._("the invoice"),
                    ),
                )
            )
        rows.append(
            words._row(
                "rounding",
                self.env._("Rounding"),
                self.env._(
                    "To %(decimals)s decimals of %(currency)s, once per line",
                    decimals=self.currency_id.decimal_places,
                    currency=self.currency_id.name,
                ),
            )
        )
        if self.discount:
            rows.append(
                words._row(
                    "discount",
                    self.env._("Discount"),
                    self.env._(
                        "%s%% off the rounded amount",
                        words._number(exact_text(exact(repr(self.discount)))),
                    ),
                )
            )
        rows.append(
            words._row(
                "charge",
                self.env._("Amount excluding taxes"),
                "",
                self.currency_id.format(self.price_subtotal),
            )
        )
        return rows

    def _metered_edited(self, sums):
        """A warning where the line was changed by hand."""
        if {currency for currency, *_rest in sums} != {self.currency_id}:
            return False
        amount = self.env["metered.usage"]._convert_once(
            sum(Decimal(amount) for *_rest, amount in sums),
            self.currency_id,
            self.currency_id,
            self.company_id,
            None,
        )
        charged = float(amount) * (1 - self.discount / 100)
        if not self.currency_id.compare_amounts(charged, self.price_subtotal):
            return False
        return self.env._(
            "The amount of the line differs from the sum of its usage (%s): it was "
            "changed manually, or taxes are included in the price.",
            self.currency_id.format(charged),
        )

    # === WHAT CALLING PLANS TOOK === #

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
                self.env._("What the rate deck would have charged without the plan"),
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
                        "An allowance that has since been deleted covered %s",
                        words._calls(calls),
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

    # === DIFFERENCES === #

    def _metered_differences_billed(self):
        """The differences that this line bills, with all rights."""
        self.ensure_one()
        lines = self.metered_corrected_line_id.sudo()._metered_charged_together()
        return self.move_id._metered_differences().filtered(
            lambda difference: difference.invoice_line_id in lines
        )

    def _metered_explain_difference(self):
        """The explanation of a line that corrects another one, as HTML."""
        words = self.env["metered.explanation"]
        differences = self._metered_differences_billed()
        run, currency = differences.rerate_id[:1], differences.currency_id[:1]
        rows = []
        texts = {
            "before": self.env._("Charged before"),
            "after": self.env._("Charged now"),
            "difference": self.env._("Difference"),
        }
        steps = self._metered_price_steps()
        days = words._days(len(set(differences.mapped("day"))))
        # A meter's price is that of the period, which the line names.
        what = "" if steps else self.env._("Change: %s", days)
        for name, title in texts.items():
            amount = exact_text(differences._sum_exactly(name))
            text = what if name == "before" else ""
            rows.append(
                words._row(
                    name, title, text, f"{words._number(amount)} {currency.name}"
                )
            )
        rows.append(
            words._row(
                "approved",
                self.env._("Approved"),
                self.env._(
                    "%(who)s, %(date)s: %(reason)s",
                    who=run.applied_uid.name,
                    date=format_date(self.env, run.applied_date),
                    reason=run.reason,
                ),
            )
        )
        rows += self._metered_rows_to_invoice([(currency,)])
        return words._render(
            before=[
                words._row(
                    "line", self.env._("Invoice line"), self._metered_one_line()
                ),
            ],
            rows=words._rows(steps, currency, company=self.company_id) + rows,
        )

    def _metered_rows_corrected(self):
        """What was billed in addition to this line, or taken back, since."""
        differences = self.env["metered.rerate.difference"].sudo()
        found = differences.search([("invoice_line_id", "=", self.id)])._counting()
        words, rows = self.env["metered.explanation"], []
        for move, billed in found.grouped("move_id").items():
            amount = words._number(exact_text(billed._sum_exactly("difference")))
            rows.append(
                words._row(
                    "corrected",
                    self.env._("Billed later"),
                    self.env._(
                        "The difference from re-rating on %s",
                        move._metered_label(),
                    ),
                    f"{amount} {billed.currency_id[:1].name}",
                )
            )
        return rows
