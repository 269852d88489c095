# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class MeteredCdr(models.Model):
    """From a record up to the journal item, and down to the line of its file."""

    _inherit = "metered.cdr"

    file_sha256 = fields.Char(
        related="batch_id.checksum",
        string="SHA-256 of the File",
        help="Fingerprint of the imported file.",
    )
    engine = fields.Char(
        related="batch_id.engine",
        string="Rated by Version",
        help="The version of Metered Billing that imported and rated the record.",
    )
    rate_version_id = fields.Many2one(
        related="rate_id.version_id",
        string="Rate File",
        help="The rate file that the rate was imported from.",
    )
    invoice_line_id = fields.Many2one(
        related="usage_id.invoice_line_id", string="Journal Item"
    )
    statement_id = fields.Many2one("metered.statement", compute="_compute_proof")
    day_seal_id = fields.Many2one(
        "metered.seal",
        string="Seal of the Day",
        compute="_compute_proof",
        help="The last seal of the day that the record belongs to.",
    )
    invoice_seal_id = fields.Many2one(
        "metered.seal",
        string="Seal of the Invoice",
        compute="_compute_proof",
        help="The last seal of the invoice.",
    )

    @api.depends("usage_id")
    @api.depends_context("uid")
    def _compute_proof(self):
        seals = self.env["metered.seal"]
        may_seals = seals.has_access("read")
        may_statements = self.env["metered.statement"].has_access("read")
        usage = self.usage_id.sudo()
        of_day, of_invoice = {}, {}
        for company, some in usage.grouped("company_id").items() if may_seals else ():
            moves = some.invoice_line_id.move_id
            for day, seal in seals._latest(company, "day", some.mapped("day")).items():
                of_day[company, day] = seal
            of_invoice.update(seals._latest(company, "invoice", moves.ids))
        for cdr in self:
            usage = cdr.usage_id.sudo()
            move = usage.invoice_line_id.move_id
            cdr.statement_id = (
                may_statements and move.metered_statement_ids.filtered("is_current")[:1]
            )
            cdr.day_seal_id = of_day.get((usage.company_id, usage.day), seals)
            cdr.invoice_seal_id = of_invoice.get(move.id, seals)

    charge_change_ids = fields.One2many(
        "metered.charge.change",
        "cdr_id",
        string="Changes of the Charge",
        readonly=True,
        help="The charge was another one before.",
    )

    def metered_lineage(self):
        """Where records come from, and where they ended up. Callable by RPC.

        :return: list of dicts in the order of the records, all of it JSON: `record`,
            `file`, `rate`, `changes`, `plan`, `usage`, `journal_item`, `invoice`,
            `statement` and `seals`; None where there is none
        :raises AccessError: for who may not see call details
        """
        self.check_access("read")
        texts = {}
        for batch, records in self.grouped("batch_id").items():
            lines = [line for line in records.mapped("line") if line]
            found = batch.sudo()._raw_texts(lines) if lines else {}
            texts.update({(batch.id, line): text for line, text in found.items()})
        exact = self._exact_values()
        usage = self.usage_id._lineage()
        return [
            cdr._lineage(
                texts.get((cdr.batch_id.id, cdr.line)),
                exact[cdr.id],
                usage.get(cdr.usage_id.id),
            )
            for cdr in self
        ]

    def _lineage(self, raw, exact, of_usage):
        """The lineage of one record.

        :param raw: what its line of the file says, as JSON; None where it is not there
        :param exact: see :meth:`_exact_values`
        :param of_usage: its usage, as JSON; None without
        """
        line = self.usage_id.sudo().invoice_line_id
        return {
            "record": {
                "id": self.id,
                "record_id": self.call_id,
                "start": self.start_time.isoformat(),
                "from": self.caller or None,
                "to": self.callee or None,
                "customer": self.partner_id.display_name or None,
                "call_type_or_meter": self.meter_id.name or None,
                **exact,
            },
            "file": {
                "import": self.batch_id.id,
                "name": self.file_name or None,
                "sha256": self.file_sha256 or None,
                "line": self.line or None,
                "raw": raw,
                "version": self.engine or None,
            },
            "rate": self._lineage_of_rate(),
            "changes": [
                {
                    "time": change.moment.isoformat(),
                    "why": change.reason,
                    "before": repr(change.charge_before),
                    "after": repr(change.charge_after),
                    "by": change.user_id.sudo().display_name or None,
                }
                for change in self.charge_change_ids.sorted("id")
            ],
            "plan": [
                {"allowance": name, "taken": self.plan_taken[str(key)]}
                for key, name in self._names_of_allowances().items()
            ],
            "usage": of_usage,
            "journal_item": line._metered_lineage_item() if line else None,
            "invoice": line.move_id._metered_lineage() if line else None,
            "statement": self._lineage_of_statement(),
            "seals": [
                {"id": seal.id, "number": seal.position, "seal": seal.seal}
                for seal in (self.day_seal_id, self.invoice_seal_id)
                if seal
            ],
        }

    def _lineage_of_rate(self):
        rate = self.rate_id.sudo().exists()
        if not rate:
            return None
        return {
            "id": rate.id,
            "deck": rate.deck_id.name,
            "name": rate.display_name,
            "time_band": self.band_id.sudo().name or None,
            "rate_file": rate.version_id.display_name or None,
        }

    def _lineage_of_statement(self):
        made = self.statement_id
        if not made:
            return None
        digests = ("pdf_sha256", "xlsx_sha256", "csv_sha256")
        return {
            "id": made.id,
            "name": made.name,
            **{name: made[name] or None for name in digests},
        }

    def _exact_values(self):
        """Exact numbers of records, as texts: dict id -> dict."""
        self.env.cr.execute(
            "SELECT cdr.id, trim_scale(quantity)::text,"
            "       trim_scale(billed_quantity)::text, trim_scale(deck_charge)::text,"
            "       trim_scale(charge)::text, currency.name"
            "  FROM metered_cdr cdr"
            "  LEFT JOIN res_currency currency ON currency.id = cdr.currency_id"
            " WHERE cdr.id = ANY(%s)",
            (self.ids,),
        )
        names = ("quantity", "billed_quantity", "charge_without_plan", "charge")
        return {
            id_: dict(zip((*names, "currency"), values, strict=True))
            for id_, *values in self.env.cr.fetchall()
        }


class MeteredUsage(models.Model):
    """Usage between its records and its invoice line."""

    _inherit = "metered.usage"

    def _lineage(self):
        """What it is, as JSON: dict id -> dict."""
        self.env.cr.execute(
            "SELECT usage.id, day::text, records, trim_scale(quantity)::text,"
            "       trim_scale(amount)::text, currency.name"
            "  FROM metered_usage usage"
            "  JOIN res_currency currency ON currency.id = usage.currency_id"
            " WHERE usage.id = ANY(%s) ORDER BY day, usage.id",
            (self.ids,),
        )
        names = ("id", "day", "records", "quantity", "amount", "currency")
        return {
            row[0]: dict(zip(names, row, strict=True)) for row in self.env.cr.fetchall()
        }
