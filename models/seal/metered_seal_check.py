# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ...stored import canonical
from .metered_seal_making import NOTHING

#: days, and invoices, that are looked at together; doubled while that is quick
FIRST_PORTION, MOST_PORTION = 7, 200


class MeteredSealCheck(models.Model):
    """Is all usage what its seals say? Somebody asked, and this is the answer."""

    _name = "metered.seal.check"
    _description = "Verification of Seals"
    _inherit = ["metered.guarded", "metered.job"]
    _order = "id desc"
    _job_lock_class = 0x6D627363  # "mbsc"
    _job_cron = "metered_billing.ir_cron_seal_checks"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    date_from = fields.Date(string="From", readonly=True)
    date_to = fields.Date(string="Until", readonly=True, help="Included.")
    place = fields.Json(readonly=True, help="Progress of the verification.")
    seals = fields.Integer(string="Seals Verified", readonly=True, aggregator=None)
    usage_records = fields.Integer(
        string="Records Verified", readonly=True, aggregator=None
    )
    waiting_seals = fields.Integer(
        string="Waiting for a Seal",
        readonly=True,
        aggregator=None,
        help="Days and invoices that changed for a known reason. Their next seal says "
        "why.",
    )
    finding_ids = fields.One2many("metered.seal.finding", "check_id", readonly=True)
    finding_count = fields.Integer(
        string="Findings", readonly=True, aggregator=None, default=0
    )

    @api.depends("company_id", "create_date")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for check in self:
            check.display_name = self.env._(
                "Verification of %(company)s, %(day)s",
                company=check.company_id.name,
                day=format_date(self.env, check.create_date),
            )

    @api.model
    def _start(self, company, date_from=None, date_to=None):
        """Have the seals of a company verified, in the background.

        :param date_from, date_to: days whose usage is looked at; None: all that are
            sealed
        :return: the verification
        """
        check = self.create(
            {
                "company_id": company.id,
                "date_from": date_from,
                "date_to": date_to,
                "place": {"stage": "chain"},
            }
        )
        check.expected = len(check._keys("day")) + len(check._keys("invoice"))
        check._enqueue()
        return check

    def _run(self, commit, seconds):
        return self._run_portions(commit, seconds, FIRST_PORTION, MOST_PORTION)

    def _run_portion(self, size):
        place = dict(self.place or {"stage": "chain"})
        stage, after = place["stage"], place.get("after")
        if stage == "chain":
            self._look_at_chain()
            self.place = {"stage": "day"}
            return True
        keys = self._keys(stage, after, size)
        if not keys:
            if stage == "invoice":
                return False
            self.place = {"stage": "invoice"}
            return True
        self._look_at(stage, keys)
        last = max(keys)
        self.place = {
            "stage": stage,
            "after": last.isoformat() if stage == "day" else last,
        }
        self.records += len(keys)
        return True

    def _look_at_chain(self):
        """Note which seals are not what they were."""
        seals = self.env["metered.seal"]
        for position, what in seals._broken(self.company_id):
            self._find(what, position=position)

    def _keys(self, kind, after=None, size=None):
        """Days, or ids of invoices, with a seal or in a sealed time, in their order."""
        begin, end = self.date_from, self.date_to
        values = {
            "company": self.company_id.id,
            "sealed": self.company_id.metered_sealed_until or None,
            "begin": begin or fields.Date.to_date("1900-01-01"),
            "end": end or fields.Date.to_date("9999-12-31"),
            "after": after,
            "size": size,
        }
        if kind == "day":
            query = """
                SELECT DISTINCT day FROM (
                    SELECT day FROM metered_seal
                     WHERE company_id = %(company)s AND kind = 'day'
                    UNION ALL
                    SELECT day FROM metered_usage
                     WHERE company_id = %(company)s AND day <= %(sealed)s) known
                 WHERE day BETWEEN %(begin)s AND %(end)s
                   AND (%(after)s::date IS NULL OR day > %(after)s::date)
                 ORDER BY day LIMIT %(size)s
            """
        else:
            query = """
                SELECT DISTINCT invoice_id FROM metered_seal
                 WHERE company_id = %(company)s AND kind = 'invoice'
                   AND moment >= %(begin)s
                   AND (%(after)s::int IS NULL OR invoice_id > %(after)s::int)
                 ORDER BY invoice_id LIMIT %(size)s
            """
        self.env.flush_all()
        self.env.cr.execute(query, values)
        return [key for (key,) in self.env.cr.fetchall()]

    def _look_at(self, kind, keys):
        """Compare days, or invoices, with their last seals."""
        cr, company = self.env.cr, self.company_id
        latest = self.env["metered.seal"]._latest(company, kind, keys)
        if kind == "day":
            now = canonical.days(cr, company.id, keys)
        else:
            now = canonical.invoices(cr, keys)
        differing = [
            key
            for key in keys
            if now.get(key, NOTHING)[0] != (latest[key].digest if key in latest else "")
        ]
        self.seals += len(keys)
        self.usage_records += sum(records for _digest, records in now.values())
        if not differing:
            return
        column = "day" if kind == "day" else "invoice_id"
        cr.execute(
            SQL(
                "SELECT DISTINCT %(column)s FROM metered_seal_note"
                " WHERE company_id = %(company)s AND %(column)s = ANY(%(keys)s)",
                column=SQL.identifier(column),
                company=company.id,
                keys=differing,
            )
        )
        noted = {key for (key,) in cr.fetchall()}
        self.waiting_seals += len(noted)
        of_kind = canonical.day_sums if kind == "day" else _sums_of_invoices
        sums = of_kind(cr, company.id, differing)
        # Who deletes an invoice is found, too: its seal still knows its number.
        kept = set()
        if kind == "invoice":
            kept.update(self.env["account.move"].browse(differing).exists().ids)
        for key in differing:
            if key in noted:
                continue
            seal = latest.get(key)
            self._find(
                "differs" if seal else "unsealed",
                position=seal.position if seal else 0,
                day=key if kind == "day" else False,
                invoice_id=key if key in kept else False,
                invoice_name=seal.invoice_name if kind == "invoice" else False,
                sealed_sums=seal.sums if seal else False,
                sums=sums.get(key),
            )

    def _find(self, what, **values):
        self.env["metered.seal.finding"].create(
            {"check_id": self.id, "what": what, **values}
        )
        self.finding_count += 1

    def action_resume(self):
        """Go on with a verification that stopped."""
        return self._resume_failed()


def _sums_of_invoices(cr, _company_id, move_ids):
    return canonical.invoice_sums(cr, move_ids)


class MeteredSealFinding(models.Model):
    """A day, an invoice, or a seal that is not what it was."""

    _name = "metered.seal.finding"
    _description = "Verification Finding"
    _inherit = ["metered.guarded"]
    _log_access = False
    _order = "id"

    check_id = fields.Many2one(
        "metered.seal.check",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="check_id.company_id", store=True, index=True)
    what = fields.Selection(
        [
            ("differs", "Usage is not what was sealed"),
            ("unsealed", "Usage was added to a sealed period"),
            ("changed", "The seal was changed"),
            ("detached", "The seal does not follow the one before it"),
            ("missing", "The seal is missing"),
            ("added", "The seal was added"),
            ("head", "The last seal is not the one on record"),
        ],
        string="Finding",
        required=True,
        readonly=True,
    )
    position = fields.Integer(string="Seal No.", readonly=True, aggregator=None)
    day = fields.Date(readonly=True)
    invoice_id = fields.Many2one("account.move", readonly=True, ondelete="set null")
    invoice_name = fields.Char(string="Invoice Number", readonly=True)
    sealed_sums = fields.Json(readonly=True)
    sums = fields.Json(readonly=True)
    before = fields.Text(string="Sealed", compute="_compute_texts")
    now = fields.Text(string="Found", compute="_compute_texts")

    @api.depends("sealed_sums", "sums")
    @api.depends_context("lang")
    def _compute_texts(self):
        seals = self.env["metered.seal"]
        for finding in self:
            finding.before = seals._sums_text(finding.sealed_sums)
            finding.now = seals._sums_text(finding.sums)
