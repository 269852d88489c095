# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import SQL

#: kind of job -> (number in ids, model, condition on its table)
JOBS = {
    "import": (0, "metered.batch", "sync_id IS NULL"),
    "sync": (1, "metered.sync", "TRUE"),
    "renewal": (2, "metered.renewal", "TRUE"),
    "rerate": (3, "metered.rerate", "TRUE"),
    "what_if": (4, "metered.simulation", "kind = 'what_if'"),
    "margin": (5, "metered.simulation", "kind = 'margin'"),
    "exception": (6, "metered.exception.job", "TRUE"),
    "approval": (7, "metered.approval", "TRUE"),
    "statement": (8, "metered.statement", "TRUE"),
    "statement_zip": (11, "metered.statement.zip", "TRUE"),
    "retention": (9, "metered.retention.run", "TRUE"),
    "seal": (10, "metered.seal.check", "TRUE"),
    "evidence": (12, "metered.evidence", "TRUE"),
}
#: more than there are kinds
KINDS = 16
COLUMNS = (
    *("company_id", "expected", "records", "started", "finished", "error", "waiting"),
    *("not_before", "create_date", "create_uid"),
)
RUNNING = ("running", "undoing")


class MeteredJobEntry(models.Model):
    """All long jobs in one list, those that run first.

    Nothing is stored: it is what the jobs are at the moment. The import of a sync is
    part of the sync.
    """

    _name = "metered.job.entry"
    _description = "Job of Any Kind"
    _inherit = ["metered.guarded"]
    _auto = False
    _order = "sequence, create_date desc, id desc"
    _depends = {
        "metered.batch": ["sync_id", "state", *COLUMNS],
        "metered.sync": ["state", *COLUMNS],
        "metered.renewal": ["state", *COLUMNS],
        "metered.rerate": ["state", *COLUMNS],
        "metered.simulation": ["kind", "state", *COLUMNS],
        "metered.exception.job": ["state", *COLUMNS],
        "metered.approval": ["state", *COLUMNS],
        "metered.statement": ["state", *COLUMNS],
        "metered.statement.zip": ["state", *COLUMNS],
        "metered.retention.run": ["state", *COLUMNS],
        "metered.seal.check": ["state", *COLUMNS],
        "metered.evidence": ["state", *COLUMNS],
    }

    kind = fields.Selection(
        [
            ("import", "Import"),
            ("sync", "Sync"),
            ("renewal", "Renewal"),
            ("rerate", "Re-rating"),
            ("what_if", "What If"),
            ("margin", "Margins"),
            ("exception", "Exceptions"),
            ("approval", "Approval"),
            ("statement", "Statement"),
            ("statement_zip", "Statement ZIP"),
            ("retention", "Retention"),
            ("seal", "Seal Verification"),
            ("evidence", "Evidence Pack"),
        ],
        readonly=True,
    )
    res_model = fields.Char(string="Model", readonly=True)
    res_id = fields.Integer(string="Record", readonly=True, aggregator=None)
    company_id = fields.Many2one("res.company", readonly=True)
    state = fields.Selection(
        [
            ("queued", "Waiting"),
            ("running", "Running"),
            ("undoing", "Being Undone"),
            ("done", "Done"),
            ("undone", "Undone"),
            ("failed", "Failed"),
        ],
        string="Status",
        readonly=True,
    )
    sequence = fields.Integer(
        readonly=True, aggregator=None, help="Running jobs first, then waiting jobs."
    )
    expected = fields.Integer(readonly=True, aggregator=None)
    records = fields.Integer(string="Processed", readonly=True, aggregator=None)
    progress = fields.Float(compute="_compute_progress")
    started = fields.Datetime(readonly=True)
    finished = fields.Datetime(readonly=True)
    error = fields.Text(readonly=True, help="Why the job stopped, and how to fix it.")
    waiting = fields.Char(string="Wait Reason", readonly=True)
    not_before = fields.Datetime(string="Next Attempt", readonly=True)
    create_date = fields.Datetime(string="Requested", readonly=True)
    create_uid = fields.Many2one("res.users", string="Requested By", readonly=True)

    @property
    def _table_query(self):
        parts = [
            SQL(
                """
                SELECT id::bigint * %(kinds)s + %(number)s AS id, %(kind)s AS kind,
                       %(model)s AS res_model, id AS res_id, state,
                       CASE WHEN state IN %(running)s THEN 0
                            WHEN state = 'queued' THEN 1 ELSE 2 END AS sequence,
                       %(columns)s
                  FROM %(table)s WHERE %(condition)s
                """,
                kinds=KINDS,
                number=number,
                kind=kind,
                model=model,
                running=RUNNING,
                columns=SQL(", ").join(SQL.identifier(name) for name in COLUMNS),
                table=SQL.identifier(self.env[model]._table),
                condition=SQL(condition),
            )
            for kind, (number, model, condition) in JOBS.items()
        ]
        return SQL(" UNION ALL ").join(parts)

    @api.depends("res_model", "res_id")
    def _compute_display_name(self):
        for model, jobs in self.grouped("res_model").items():
            records = self.env[model].browse(jobs.mapped("res_id")).exists()
            names = {record.id: record.display_name for record in records}
            for job in jobs:
                job.display_name = names.get(job.res_id) or self.env._("Deleted")

    @api.depends("records", "expected", "state")
    def _compute_progress(self):
        for job in self:
            share = job.records / job.expected if job.expected else 0
            over = job.state in ("done", "undone")
            job.progress = 100.0 if over else min(100.0 * share, 100.0)

    @api.model
    def count_unfinished(self):
        """How many jobs run or wait, in the companies that are switched on."""
        return self.search_count(
            [
                ("state", "in", (*RUNNING, "queued")),
                ("company_id", "in", self.env.companies.ids),
            ]
        )

    def action_open(self):
        """Open the job itself."""
        self.ensure_one()
        record = self.env[self.res_model].browse(self.res_id)
        return record._get_records_action(context={})
