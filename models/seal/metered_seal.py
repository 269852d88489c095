# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ...statement.chain import VERSION, broken, link
from ..guard.engine import engine_version
from ..guard.metered_append_only import said
from ..guard.unchecked_many2one import UncheckedMany2one

#: why a seal was made, beside the first one
REASONS = [
    ("closed", "Day closed"),
    ("posted", "Invoice posted"),
    ("imported", "Records imported later"),
    ("undone", "Import undone"),
    ("rerated", "Usage re-rated"),
    ("plan", "Calling plan applied"),
    ("booked", "Readings booked"),
    ("given", "Quantity set by a program"),
    ("sampled", "Levels sampled"),
    ("thinned", "Samples thinned"),
    ("merged", "Customers merged"),
    ("drafted", "Invoice no longer posted"),
    ("renumbered", "Invoice renumbered"),
    ("freed", "Usage freed by a credit note"),
    ("resumed", "Sealing was turned off"),
    ("several", "Several reasons"),
]
#: seals that are in the memory at a time
CHAIN_PORTION = 5_000
#: what the seal of a row is about; another list is another version
_HASHED = (
    "company_id",
    "position",
    "kind",
    "day",
    "invoice_id",
    "invoice_name",
    "records",
    "sums",
    "digest",
    "reason",
    "about",
    "moment",
    "engine",
)


class MeteredSeal(models.Model):
    """What the usage of a day, or of a posted invoice, was when it was sealed.

    One chain a company: each seal is the SHA-256 of what it says and of the seal before
    it. What changes usage later, and may, leaves another seal with its reason; the
    older one stays.
    """

    _name = "metered.seal"
    _description = "Usage Seal"
    _inherit = ["metered.append.only", "metered.guarded"]
    _log_access = False
    _order = "company_id, position desc"
    _rec_name = "position"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="restrict"
    )
    position = fields.Integer(
        string="No.", required=True, readonly=True, aggregator=None
    )
    kind = fields.Selection(
        [("day", "Day of usage"), ("invoice", "Invoice")], required=True, readonly=True
    )
    day = fields.Date(readonly=True, help="In the customers' time zones.")
    invoice_id = UncheckedMany2one("account.move", string="Invoice", readonly=True)
    invoice_name = fields.Char(string="Invoice Number", readonly=True)
    records = fields.Integer(readonly=True, aggregator=None)
    sums = fields.Json(
        string="Exact Sums",
        readonly=True,
        help="By meter and currency: records, quantity, billed quantity, and amount.",
    )
    sums_text = fields.Text(string="Sums", compute="_compute_sums_text")
    digest = fields.Char(
        string="SHA-256",
        readonly=True,
        help="Calculated from the usage and its records.",
    )
    reason = fields.Selection(REASONS, required=True, readonly=True)
    about = fields.Char(
        string="Details",
        readonly=True,
        help="What changed the sealed usage.",
    )
    moment = fields.Datetime(string="Sealed On", required=True, readonly=True)
    engine = fields.Char(
        string="Module Version",
        readonly=True,
        help="At the time of the seal.",
    )
    version = fields.Integer(readonly=True, aggregator=None)
    previous = fields.Char(string="Previous Seal", readonly=True)
    seal = fields.Char(readonly=True)

    _position_uniq = models.UniqueIndex(
        "(company_id, position)", "A seal with this number already exists."
    )
    _day_idx = models.Index("(company_id, day, position) WHERE kind = 'day'")
    _invoice_idx = models.Index("(invoice_id, position) WHERE kind = 'invoice'")

    @api.depends("kind", "day", "invoice_name")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for seal in self:
            seal.display_name = (
                seal.invoice_name
                if seal.kind == "invoice"
                else format_date(self.env, seal.day)
            )

    # === THE CHAIN === #

    @api.model
    def _append(self, company, many):
        """Add seals to the chain of a company.

        :param many: list of values of fields, in their order
        :return: the seals
        """
        self.env.flush_all()
        [[count, head]] = self.env.execute_query(
            SQL(
                "SELECT coalesce(metered_seal_count, 0),"
                "       coalesce(metered_seal_head, '')"
                "  FROM res_company WHERE id = %s FOR NO KEY UPDATE",
                company.id,
            )
        )
        rows = []
        for position, values in enumerate(many, count + 1):
            values = {
                "company_id": company.id,
                "position": position,
                "moment": fields.Datetime.now(),
                "engine": engine_version(self.env),
                **values,
            }
            seal = link(head, said(_HASHED, values))
            rows.append({**values, "version": VERSION, "previous": head, "seal": seal})
            head = seal
        made = self.create(rows)
        company._set_as_program(
            {"metered_seal_count": count + len(rows), "metered_seal_head": head}
        )
        return made

    @api.model
    def _broken(self, company):
        """What does not fit in a company's chain; see ``statement.chain.broken``."""
        self.env.flush_all()
        company.invalidate_recordset(["metered_seal_count", "metered_seal_head"])
        return broken(
            self._chain(company),
            company.metered_seal_count,
            company.metered_seal_head or "",
        )

    @api.model
    def _chain(self, company):
        """Yields what ``statement.chain.broken`` compares, some seals at a time."""
        columns = SQL(", ").join(
            SQL.identifier(name) for name in (*_HASHED, "previous", "seal", "version")
        )
        after = -(2**31) - 1
        while True:
            self.env.cr.execute(
                SQL(
                    "SELECT %s FROM metered_seal WHERE company_id = %s"
                    " AND position > %s ORDER BY position LIMIT %s",
                    columns,
                    company.id,
                    after,
                    CHAIN_PORTION,
                )
            )
            rows = self.env.cr.dictfetchall()
            for row in rows:
                yield (
                    row["position"],
                    row["previous"] or "",
                    row["seal"],
                    said(_HASHED, row),
                    row["version"],
                )
            if len(rows) < CHAIN_PORTION:
                return
            after = rows[-1]["position"]

    @api.model
    def _latest(self, company, kind, keys):
        """The last seals of days, or of invoices.

        :param keys: dates, or ids of invoices
        :return: dict key -> seal
        """
        key = "day" if kind == "day" else "invoice_id"
        self.flush_model()
        found = self.env.execute_query(
            SQL(
                "SELECT DISTINCT ON (%(key)s) id FROM metered_seal"
                " WHERE company_id = %(company)s AND kind = %(kind)s"
                "   AND %(key)s = ANY(%(keys)s)"
                " ORDER BY %(key)s, position DESC",
                key=SQL.identifier(key),
                company=company.id,
                kind=kind,
                keys=list(keys),
            )
        )
        seals = self.browse(row[0] for row in found)
        if kind == "day":
            return {seal.day: seal for seal in seals}
        return {seal.invoice_id.id: seal for seal in seals}

    # === FOR PEOPLE === #

    @api.model
    def _sums_text(self, sums):
        """Sums of a seal, a line a meter.

        :param sums: as of ``stored.canonical``, or nothing
        """
        meters = self.env["metered.meter"].sudo().with_context(active_test=False)
        currencies = self.env["res.currency"].sudo().with_context(active_test=False)
        return "\n".join(
            self.env._(
                "%(meter)s: %(records)s records, quantity %(quantity)s, billed "
                "%(billed)s, %(amount)s %(currency)s",
                meter=meters.browse(meter).exists().name or meter,
                records=records,
                quantity=quantity,
                billed=billed,
                amount=amount,
                currency=currencies.browse(currency).exists().name or currency,
            )
            for meter, currency, records, quantity, billed, amount in sums or ()
        )

    @api.depends("sums")
    @api.depends_context("lang")
    def _compute_sums_text(self):
        for seal in self:
            seal.sums_text = self._sums_text(seal.sums)

    @api.model
    def verify(self, date_from=None, date_to=None):
        """Compare the usage of the user's company with its seals, at once.

        :param date_from, date_to: dates as texts; None: all that are sealed
        :return: dict: `ok`, `seals`, `records`, `waiting`, and `findings`, a list of
            dicts with `what`, `seal`, `day`, `invoice`, `sealed` and `found`
        :raises AccessError: for who may not verify seals
        """
        checks = self.env["metered.seal.check"]
        checks.check_access("read")
        check = checks.sudo()._start(
            self.env.company,
            fields.Date.to_date(date_from),
            fields.Date.to_date(date_to),
        )
        check._process()
        return {
            "ok": not check.finding_count,
            "seals": check.seals,
            "records": check.usage_records,
            "waiting": check.waiting_seals,
            "findings": [
                {
                    "what": one.what,
                    "seal": one.position or None,
                    "day": one.day and one.day.isoformat(),
                    "invoice": one.invoice_name or None,
                    "sealed": one.sealed_sums or [],
                    "found": one.sums or [],
                }
                for one in check.finding_ids
            ],
        }

    def action_verify(self):
        """Have all seals of the company verified, in the background."""
        checks = self.env["metered.seal.check"]
        checks.check_access("read")
        check = checks.sudo()._start(self.env.company)
        return check.with_env(self.env)._get_records_action()

    def action_open_invoice(self):
        """Open the invoice that was sealed."""
        self.ensure_one()
        return self.invoice_id._get_records_action()
