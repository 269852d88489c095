# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import formatLang

from ...rating.exact import exact, number
from ..guard.unchecked_many2one import UncheckedMany2one
from .big_integer import BigInteger
from .metered_sums import Money
from .owner_many2one import OwnerMany2one

#: records of a number that are looked for by their ids
MOST_OF_NUMBER = 10_000
#: records that are grouped at once: it takes about a second
MOST_GROUPED = 1_100_000


class MeteredCdr(models.Model):
    """One record of usage, written once: rated in memory, stored by a COPY.

    One table, not monthly partitions. A record that was seen before is found by a
    unique index on (source, call id), and a partitioned table can only have one that
    contains the month: the same call under another time would be charged twice. A
    month leaves by deleting a range of the index on the start time, slice by slice;
    nothing is rewritten, and the space is used again by what comes in next.
    """

    _name = "metered.cdr"
    _description = "Call Detail"
    _inherit = ["metered.guarded", "metered.sums", "metered.number.search"]
    _log_access = False
    _order = "start_time desc, id desc"
    _rec_name = "call_id"
    _number_fields = {"callee": ("",), "caller": ("",)}

    company_id = UncheckedMany2one("res.company", readonly=True)
    source_id = UncheckedMany2one("metered.source", readonly=True)
    batch_id = UncheckedMany2one("metered.batch", string="Import", readonly=True)
    line = fields.Integer(
        readonly=True, aggregator=None, help="Line number in the imported file."
    )
    call_id = fields.Char(string="Record ID", readonly=True)
    start_time = fields.Datetime(string="Start", readonly=True)
    time_zone = fields.Char(
        compute="_compute_time_zone", help="The time zone in which times are shown."
    )
    duration = fields.Integer(
        readonly=True,
        aggregator="sum",
        help="Total duration in seconds, including ringing.",
    )
    quantity = fields.Float(
        digits=0,
        readonly=True,
        help="For calls, connected seconds. For other meters, the quantity in "
        "the meter's unit.",
    )
    billed_quantity = fields.Float(
        digits=0,
        readonly=True,
        help="Seconds of a call after applying billing increments.",
    )
    direction = fields.Selection(
        [
            ("outbound", "Outbound"),
            ("inbound", "Inbound"),
            ("internal", "Internal"),
        ],
        readonly=True,
    )
    caller = fields.Char(string="From", readonly=True)
    callee = fields.Char(string="To", readonly=True)
    state = fields.Selection(
        [
            ("rated", "Rated"),
            ("not_billable", "Not billable"),
            ("reading", "Reading"),
        ],
        string="Status",
        readonly=True,
        help="A counter reading is not usage. The usage between two readings is "
        "stored as separate records.",
    )
    rule_id = UncheckedMany2one(
        "metered.source.rule",
        string="Charging Rule",
        readonly=True,
        help="The charging rule that determined whether to charge the record.",
    )
    meter_id = UncheckedMany2one(
        "metered.meter", string="Call Type or Meter", readonly=True
    )
    meter_kind = fields.Selection(related="meter_id.kind", string="Kind")
    unit = fields.Char(related="meter_id.unit")
    destination_id = UncheckedMany2one("metered.destination", readonly=True)
    partner_id = OwnerMany2one("res.partner", string="Customer", readonly=True)
    identifier_id = UncheckedMany2one(
        "metered.identifier",
        string="Identified By",
        readonly=True,
        help="The service identifier that determined the customer.",
    )
    usage_id = UncheckedMany2one("metered.usage", readonly=True)
    register_id = UncheckedMany2one(
        "metered.register",
        readonly=True,
        help="The counter this increase belongs to.",
    )
    rate_id = UncheckedMany2one("metered.rate", readonly=True)
    band_id = UncheckedMany2one("metered.time.band", string="Time Band", readonly=True)
    charge = Money(
        min_display_digits=4,
        readonly=True,
        help="In the currency of the rate deck. Empty for records that are priced "
        "with their whole billing period.",
    )
    currency_id = UncheckedMany2one("res.currency", readonly=True)
    # Of calls that a calling plan took; empty for all others.
    deck_charge = Money(
        string="Charge Without Plan",
        min_display_digits=4,
        readonly=True,
        help="Charge according to the rate deck alone. Empty if no calling plan "
        "was applied.",
    )
    plan_quantity = fields.Float(
        string="Seconds Covered",
        digits=0,
        readonly=True,
        help="Billed seconds covered by allowances of the calling plan.",
    )
    plan_taken = fields.Json(
        readonly=True,
        help="For each allowance: the amount used in its smallest unit, and the "
        "billed seconds covered. A negative number: charged at the allowance's own "
        "price after it was used up.",
    )
    properties = fields.Json(readonly=True)
    invoice_id = fields.Many2one(
        "account.move",
        compute="_compute_invoice_id",
        compute_sudo=True,
        search="_search_invoice_id",
    )
    linked_call = BigInteger(
        readonly=True,
        groups=fields.NO_ACCESS,
        aggregator=None,
        help="A digest of the call ID that the legs of a call share. Empty if the "
        "source does not tell it.",
    )
    fingerprint = fields.Char(
        readonly=True,
        help="A fingerprint used to recognize records without an ID.",
    )
    content = fields.Char(
        readonly=True,
        help="For events: a digest of everything that was sent, used to "
        "recognize duplicates.",
    )
    file_name = fields.Char(related="batch_id.file_name", string="File")
    raw_record = fields.Text(
        compute="_compute_raw_record",
        help="The record as it appears in the imported file.",
    )

    # What makes a record unique, among those that are stored.
    _call_uniq = models.UniqueIndex(
        "(source_id, call_id)", "This record is already imported."
    )
    _fingerprint_uniq = models.UniqueIndex(
        "(source_id, fingerprint) WHERE fingerprint IS NOT NULL",
        "This record is already imported.",
    )
    # A customer's records are those of its usage, see ingest/usage_calls.py.
    _usage_idx = models.Index("(usage_id)")
    _unused_idx = models.Index("(partner_id, start_time) WHERE usage_id IS NULL")
    _start_idx = models.Index("(start_time)")
    _register_idx = models.Index("(register_id) WHERE register_id IS NOT NULL")
    # No tree of numbers: random values in two large ones cost a third of the whole
    # import. A filter per 32 pages, made when the table is vacuumed, costs it nothing,
    # and leaves a hundredth of the table to be read for a whole number.
    _numbers_bloom = models.Index(
        "USING brin (callee text_bloom_ops, caller text_bloom_ops)"
        " WITH (pages_per_range = 32)"
    )
    # A batch's records lie side by side: a few kilobytes find them.
    _batch_brin = models.Index("USING brin (batch_id) WITH (pages_per_range = 32)")

    def init(self):
        """Ids of 64 bits: more than two billion calls come together in some years.

        A transaction takes a thousand of them at a time: one by one each takes a lock.
        """
        self.env.cr.execute("ALTER SEQUENCE metered_cdr_id_seq CACHE 1000")
        self.env.cr.execute(
            SQL(
                """
                SELECT atttypid = 'int4'::regtype FROM pg_attribute
                 WHERE attrelid = 'metered_cdr'::regclass AND attname = 'id'
                """
            )
        )
        if self.env.cr.fetchone()[0]:
            self.env.cr.execute("ALTER SEQUENCE metered_cdr_id_seq AS bigint")
            self.env.cr.execute("ALTER TABLE metered_cdr ALTER COLUMN id TYPE bigint")

    @api.depends_context("tz")
    def _compute_time_zone(self):
        self.time_zone = self.env.context.get("tz") or self.env.user.tz

    @api.depends("usage_id.invoice_id")
    def _compute_invoice_id(self):
        for cdr in self:
            cdr.invoice_id = cdr.usage_id.invoice_id

    @api.model
    def _search_invoice_id(self, operator, value):
        """By the usage that is on the invoices: it has an index."""
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        if operator == "in" and not all(value):
            return [("usage_id.invoice_id", operator, value)]
        usage = self.env["metered.usage"].search([("invoice_id", operator, value)])
        return [("usage_id", "in", usage.ids)]

    @api.model
    def _domain_numbers(self, starts):
        """Records with these very numbers, found by the filters on them.

        Where there are none, a number was typed in part, and where there are many, the
        newest are found soon: both by their beginning.
        """
        self.flush_model(["callee", "caller"])
        # The planner takes a filter of random values for no use at all.
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute(
            SQL(
                "SELECT id FROM metered_cdr WHERE %s LIMIT %s",
                SQL(" OR ").join(
                    SQL("%s = %s", SQL.identifier(name), start)
                    for name in self._number_fields
                    for start in starts
                ),
                MOST_OF_NUMBER + 1,
            )
        )
        ids = [row[0] for row in self.env.cr.fetchall()]
        self.env.cr.execute("SET LOCAL enable_seqscan TO DEFAULT")
        if 0 < len(ids) <= MOST_OF_NUMBER:
            return Domain("id", "in", ids)
        return super()._domain_numbers(starts)

    @api.model
    def _check_size(self, domain):
        """Refuse to read so many records for a sum that a user waits for minutes."""
        query = self._search(domain)
        [[[plan]]] = self.env.execute_query(
            SQL("EXPLAIN (FORMAT JSON) %s", query.select())
        )
        count = plan["Plan"]["Plan Rows"]
        if count > MOST_GROUPED:
            raise UserError(
                self.env._(
                    "The list has about %(count)s records, which is too many to "
                    "group. Filter the list first, for example by a period such as "
                    "This Month, a customer or an import.",
                    count=formatLang(self.env, count, digits=0),
                )
            )

    @api.depends("batch_id", "line")
    def _compute_raw_record(self):
        for cdr in self:
            cdr.raw_record = cdr.batch_id.sudo()._raw_record(cdr.line)

    @api.depends("start_time", "caller", "callee", "meter_id", "quantity")
    def _compute_display_name(self):
        words = self.env["metered.explanation"]
        for cdr in self:
            if cdr._is_call():
                cdr.display_name = f"{cdr.caller or '?'} → {cdr.callee or '?'}"
            else:
                meter = cdr.meter_id
                quantity = words._number(exact(number(cdr.quantity)))
                cdr.display_name = f"{meter.name}: {quantity} {meter.unit}"

    def _is_call(self):
        """Whether it is a telephone call: not every record without meter is known."""
        self.ensure_one()
        return not self.meter_id or self.sudo().meter_id.kind == "call"

    def action_keep_golden(self):
        """Keep the call with its charge: a change of prices that alters it is told.

        Of a call that took from a calling plan it is the rate deck's charge: what is
        left of an allowance is another thing every day.
        """
        self.ensure_one()
        return self.env["metered.golden.call"]._get_records_action(
            name=self.env._("Golden Call"),
            context={
                "default_company_id": self.company_id.id,
                "default_partner_id": self.partner_id.id,
                "default_number": self.callee,
                "default_meter_id": self.meter_id.id,
                "default_moment": fields.Datetime.to_string(self.start_time),
                "default_seconds": int(self.quantity),
                "default_expected": self.deck_charge
                if self.plan_taken
                else self.charge,
                "default_currency_id": self.currency_id.id,
            },
        )
