# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

from ..models.guard.untrusted import own_context
from ..models.screen.actions import window_action


class MeteredManualInvoice(models.TransientModel):
    """Invoice a customer's usage of some days by hand: search, look, create.

    What is searched and what is created may lie minutes apart. The usage is looked at
    once more when it is locked, and nothing is made of what the user did not see.
    """

    _name = "metered.manual.invoice"
    _description = "Manual Usage Invoicing"
    _inherit = ["metered.guarded"]

    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        domain="['|', ('parent_id', '=', False), ('is_company', '=', True),"
        " ('company_id', 'in', [False, company_id])]",
        help="Customer to invoice, including the usage of all its contacts.",
        check_company=True,
    )
    meter_ids = fields.Many2many(
        "metered.meter",
        string="Call Types",
        domain="[('company_id', 'in', [False, company_id])]",
        help="Leave empty for all call types.",
        check_company=True,
    )
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: self._default_date_from(),
        help="First day, in the customer's time zone.",
    )
    date_to = fields.Date(
        string="Until",
        required=True,
        default=lambda self: self._default_date_to(),
        help="Last day of usage to invoice.",
    )
    state = fields.Selection(
        [("ask", "Search"), ("found", "Found")], default="ask", string="Status"
    )
    # --- what was found
    checks = fields.Html(readonly=True)
    found = fields.Integer(string="Calls Found", readonly=True)
    billed = fields.Integer(
        string="Already Invoiced",
        readonly=True,
        help="Calls in this period that are already invoiced.",
    )
    unrated = fields.Integer(
        string="Open Exceptions",
        readonly=True,
        help="Records of this customer in this period that could not be rated.",
    )
    unbilled = fields.Integer(
        string="Periods Without Invoice",
        readonly=True,
        help="Billing periods of the customer whose fees are not on any invoice.",
    )
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount = fields.Monetary(
        string="To Invoice", readonly=True, help="Excluding taxes, as on the invoice."
    )
    line_ids = fields.One2many("metered.manual.invoice.line", "wizard_id")
    seen = fields.Json(help="The totals shown, by call type.")
    problem = fields.Char(readonly=True, help="Why an invoice cannot be created.")
    changes = fields.Text(readonly=True, help="What changed since the last search.")
    # It is followed with all rights: nobody but the program says which one it is.
    invoice_id = fields.Many2one("account.move", groups=fields.NO_ACCESS)

    sync_note = fields.Char(readonly=True)

    @api.model
    def _default_date_from(self):
        return fields.Date.start_of(
            fields.Date.subtract(fields.Date.context_today(self), months=1), "month"
        )

    @api.model
    def _default_date_to(self):
        return fields.Date.end_of(self._default_date_from(), "month")

    @api.onchange("partner_id", "meter_ids", "date_from", "date_to")
    def _onchange_question(self):
        """What is shown answers another question then."""
        self.state = "ask"

    # === STEPS === #

    def action_search(self):
        """Show what there is to invoice."""
        self = own_context(self)  # noqa: PLW0642
        self.ensure_one()
        self._check_question()
        self._read_counters()
        self.env["metered.usage"].sudo()._apply_plans(self._domain())
        self._show(self._find(), changes=False)
        self._fetch_missing()
        return self._reopen()

    def action_create_invoice(self):
        """Make the draft invoice of what was found, and open it.

        Nothing is made when it is not the same any more: that is told, and what there
        is now is shown.

        :raises UserError: where there is nothing to invoice
        """
        self = own_context(self)  # noqa: PLW0642
        self.ensure_one()
        if self.sudo().invoice_id:
            return self._open_invoice()
        self._check_question()
        self._read_counters()
        self.env["metered.usage"].sudo()._apply_plans(self._domain())
        self.env["metered.usage"]._lock(self._domain())
        self._lock_levels()
        seen = self.seen or {}
        found = self._find()
        self._show(found, changes=self._describe_changes(seen, found))
        if self.changes:
            return self._reopen()
        if self.problem:
            raise UserError(self.problem)
        self._create_invoice(found)
        return self._open_invoice()

    # === PARTS === #

    def _read_counters(self):
        """Find what counters counted, to the end of the days, as their meters say."""
        registers = self.env["metered.register"]
        registers._go_on_for(
            self.partner_id._metered_family(),
            self.company_id,
            fields.Date.add(self.date_to, days=1),
            self.meter_ids,
        )
        registers._book()

    def _check_question(self):
        """Refuse what cannot be asked, or not by this user.

        :raises AccessError: another company, or a customer that the user may not see
        :raises UserError: dates in the wrong order
        """
        self.partner_id.check_access("read")
        if self.company_id not in self.env.companies:
            raise AccessError(
                self.env._(
                    "You do not have access to that company. Choose one of your own."
                )
            )
        if self.date_from > self.date_to:
            raise UserError(self.env._("The last day is before the first day."))

    def _domain(self):
        """Usage of the question, on an invoice or not."""
        family = self.partner_id._metered_family()
        domain = [
            ("company_id", "=", self.company_id.id),
            ("partner_id", "in", family.ids),
            ("day", ">=", self.date_from),
            ("day", "<=", self.date_to),
        ]
        if self.meter_ids:
            domain.append(("meter_id", "in", self.meter_ids.ids))
        return domain

    def _held(self):
        """Levels that only this invoice bills, whether there are samples or not.

        :return: as ``_price_meters`` of ``metered.usage`` takes them
        """
        partner = self.partner_id.sudo().with_company(self.company_id)
        after = fields.Date.add(self.date_to, days=1)
        meters = partner._metered_levels_alone(self.date_from, after)
        if self.meter_ids:
            meters &= self.meter_ids.sudo()
        return partner.commercial_partner_id, meters

    def _lock_levels(self):
        """Have another invoice of the same levels wait, and then find them billed.

        There may be no usage that could be locked.
        """
        customer, meters = self._held()
        if meters:
            self.env.cr.execute(
                "UPDATE res_partner SET id = id WHERE id = %s", (customer.id,)
            )

    def _invoice_partner(self):
        """The contact that the invoice is addressed to."""
        partner = self.partner_id.sudo().with_company(self.company_id)
        return partner.browse(partner.address_get(["invoice"])["invoice"])

    def _invoice_currency(self):
        """The currency of the customer's pricelist, or else the company's."""
        partner = self.partner_id.sudo().with_company(self.company_id)
        currency = partner.property_product_pricelist.currency_id
        return currency if currency.active else self.company_id.sudo().currency_id

    def _create_invoice(self, found):
        """Make the draft. The user was checked; making it needs no accounting rights.

        :param found: see :meth:`_find`
        """
        today = fields.Date.context_today(self)
        usage = self.env["metered.usage"]._lock_open(self._domain()).sudo()
        partner, currency = self._invoice_partner(), self._invoice_currency()
        lines = usage._prepare_invoice_lines(
            company=self.company_id.sudo(),
            currency=currency,
            partner=partner,
            date_from=self.date_from,
            date_to=fields.Date.add(self.date_to, days=1),
            date=today,
            held=self._held(),
        )
        invoice = (
            self.env["account.move"]
            .sudo()
            .with_company(self.company_id)
            .with_context(default_move_type="out_invoice")
            .create(
                {
                    "partner_id": partner.id,
                    "partner_shipping_id": self.partner_id.id,
                    "currency_id": currency.id,
                    "invoice_date": today,
                    "invoice_user_id": self.env.uid,
                    "invoice_line_ids": [
                        Command.create(values) for values, _usage_ids in lines
                    ],
                }
            )
        )
        usage._link_to_invoice(invoice, lines)
        invoice._metered_log(
            self.env._(
                "Created by Manual Invoicing for usage from %(first)s to %(last)s.",
                first=format_date(self.env, self.date_from),
                last=format_date(self.env, self.date_to),
            )
        )
        if found.rerated_records:
            invoice._metered_log(
                self.env._(
                    "Previously invoiced and re-rated: %(calls)s. Before: %(before)s, "
                    "now: %(after)s.",
                    calls=self.env["metered.explanation"]._calls(found.rerated_records),
                    before=self._format_sums(found.rerated_before),
                    after=self._format_sums(found.rerated_after),
                )
            )
        self._set_as_program({"invoice_id": invoice.id})

    # === WHAT COMES NEXT === #

    def _reopen(self):
        return self._get_records_action(
            name=self.env._("Manual Invoicing"),
            target="new",
            context={"dialog_size": "large"},
        )

    def _open_invoice(self):
        return self.sudo().invoice_id.sudo(False)._metered_open_made()

    def action_view_exceptions(self):
        """Open the records of the question that could not be rated."""
        self.ensure_one()
        return window_action(
            self.env, "action_metered_exception", self._exception_domain()
        )

    def action_view_unbilled(self):
        """Open the customer's periods that are on no invoice, to bill them again."""
        self.ensure_one()
        return window_action(
            self.env, "action_metered_period", self._unbilled_domain(), context={}
        )

    def action_view_invoices(self):
        """Open the invoices that hold usage of the question already."""
        self.ensure_one()
        return self.env["account.move"]._metered_invoices_action(
            [("id", "in", self._billed_invoices().ids)]
        )

    def action_view_usage(self):
        """Open the usage of the question, on an invoice or not."""
        self.ensure_one()
        return window_action(
            self.env, "action_metered_usage", self._domain(), context={}
        )

    # === SYNC === #

    def _fetch_missing(self):
        """Have records fetched that may still be on the switch, and say so."""
        self._set_as_program({"sync_note": self._start_missing_syncs()})

    def _start_missing_syncs(self):
        """Fetch what was not fetched of the days asked for, in the background.

        :return: what to tell about it; False where nothing is missing
        """
        sources = self.env["metered.source"].with_company(self.company_id)
        whole, accounts = sources._metered_not_fetched(
            self.partner_id, self.date_to + timedelta(days=1)
        )
        if not whole and not accounts:
            return False
        whole._start_syncs("invoice")
        for source in accounts.source_id:
            source._start_syncs(
                "invoice", accounts.filtered(lambda a, s=source: a.source_id == s)
            )
        failed = [target for target in (*whole, *accounts) if target.sync_error]
        names = ", ".join((whole | accounts.source_id).mapped("name"))
        if not failed:
            return self.env._(
                "The latest records for these days are being fetched from %s. Search "
                "again in a minute to include them.",
                names,
            )
        return self.env._(
            "The latest records for these days may be missing because %(names)s could "
            "not be reached. Another attempt is running. Search again in a minute; "
            "records that arrive later go on the next invoice. %(error)s",
            names=names,
            error=failed[0].sync_error,
        )


class MeteredManualInvoiceLine(models.TransientModel):
    """A line of the invoice to be, as it was found."""

    _name = "metered.manual.invoice.line"
    _description = "Usage to Invoice"
    _inherit = ["metered.guarded"]
    _order = "id"

    wizard_id = fields.Many2one(
        "metered.manual.invoice", required=True, ondelete="cascade"
    )
    meter_id = fields.Many2one("metered.meter", string="Call Type", readonly=True)
    records = fields.Integer(string="Calls", readonly=True)
    minutes = fields.Float(
        digits=(16, 1), readonly=True, help="Billed duration in minutes."
    )
    rated = fields.Char(
        string="As Rated",
        readonly=True,
        help="For calls, the exact sum in the currency of the rates. For other "
        "meters, the price of the period so far.",
    )
    currency_id = fields.Many2one(related="wizard_id.currency_id")
    amount = fields.Monetary(
        readonly=True,
        help="Rounded once, and converted once if the rates are in another currency.",
    )
