# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64
import datetime
from contextlib import closing
from decimal import Decimal

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..deck_files import write_template
from ..deck_files.changes import ALWAYS, OPEN, STATUSES
from ..models.exception.metered_cure import NO_CURE
from ..models.screen.actions import notification
from ..rating.exact import exact, exact_text

#: rates of each kind that the preview shows; the file may have 200,000
SHOWN = 100
PRICE = Decimal("1e-8")
#: days on which golden calls are tried at most, where rates of a file hold from many
MOST_DAYS = 10


class MeteredDeckImport(models.TransientModel):
    """Upload a deck's file, see what it changes, apply all of it."""

    _name = "metered.deck.import"
    _description = "Import Rates"
    _inherit = ["metered.guarded"]

    deck_id = fields.Many2one(
        "metered.rate.deck", required=True, string="Rate Deck", ondelete="cascade"
    )
    currency_id = fields.Many2one(related="deck_id.currency_id")
    file = fields.Binary(
        attachment=False,
        help="CSV, TSV or XLSX file as sent by the carrier. The column names must "
        "include one for prefixes and one for prices.",
    )
    file_name = fields.Char()
    date_from = fields.Date(
        string="Prices Valid From",
        compute="_compute_date_from",
        store=True,
        readonly=False,
        help="First day of rates that have no start date of their own, or an earlier "
        "one. Calls before this day keep their prices. Leave empty for rates "
        "without a start date.",
    )
    whole = fields.Selection(
        [
            ("changes", "Update only the rates in the file"),
            ("whole", "Replace the deck: rates not in the file end"),
        ],
        string="Rates Not in the File",
        required=True,
        default="changes",
        help="Whether the file contains changes only or replaces the whole deck.",
    )
    date_order = fields.Selection(
        [("dmy", "Day first"), ("mdy", "Month first")],
        help="How to read dates such as 03/04/2026. Leave empty to detect the "
        "order from the other dates in the file.",
    )
    state = fields.Selection(
        [("upload", "Upload"), ("preview", "Preview")],
        default="upload",
        string="Status",
    )
    attachment_id = fields.Many2one("ir.attachment", readonly=True)
    choices = fields.Json(
        readonly=True,
        help="How to read the file. Leave empty to use the choices made for the last "
        "file with the same columns.",
    )
    opened_on_id = fields.Many2one(
        "metered.rate.deck",
        readonly=True,
        ondelete="cascade",
        help="The rate deck this dialog was opened from.",
    )
    unread = fields.Char(
        string="Ignored Columns",
        readonly=True,
        help="Columns the import does not recognize. You can choose their meaning "
        "below; the template lists the recognized names.",
    )
    notes = fields.Text(
        string="Skipped Lines", readonly=True, help="Text above or below the table."
    )
    count_wrong = fields.Integer(string="Wrong Rows", readonly=True)
    count_new = fields.Integer(string="New", readonly=True)
    count_dearer = fields.Integer(string="Increases", readonly=True)
    count_cheaper = fields.Integer(string="Decreases", readonly=True)
    count_terms = fields.Integer(string="Changed Terms", readonly=True)
    count_closed = fields.Integer(string="Ending", readonly=True)
    count_prolonged = fields.Integer(string="Extended", readonly=True)
    count_unchanged = fields.Integer(string="Unchanged", readonly=True)
    line_ids = fields.One2many("metered.deck.import.line", "wizard_id")

    golden = fields.Text(
        string="Affected Golden Calls",
        readonly=True,
        help="Calls with an agreed price, with their price before and after.",
    )
    golden_confirmed = fields.Boolean(
        string="Allow these price changes",
        help="Required before the rates can be applied.",
    )

    @api.depends("deck_id")
    def _compute_date_from(self):
        for wizard in self:
            known = wizard.deck_id and wizard.deck_id.rate_count
            wizard.date_from = fields.Date.context_today(self) if known else False

    # === STEPS === #

    def action_preview(self):
        """Read the file and show what it changes; nothing is written."""
        self.ensure_one()
        self.deck_id.check_access("write")
        if not self.file:
            raise UserError(self.env._("Choose a file first."))
        self.attachment_id.unlink()
        attachment = self.env["ir.attachment"].create(
            {"name": self.file_name or "rates", "datas": self.file}
        )
        self._set_as_program({"attachment_id": attachment.id})
        return self._show()

    def _show(self):
        """Show what the file changes, as it is said to be meant."""
        reading, changes, problems = self._read()
        counts = changes.counts
        notes = [f"{line}: {text}" for line, text in reading.rows.notes[:20]]
        wrong = [problem for problem in problems if not problem.question]
        self._set_as_program(
            {
                **self._prepare_choices(reading, problems),
                "state": "preview",
                "notes": "\n".join(notes),
                "unread": ", ".join(reading.rows.unread),
                "count_wrong": len({problem.line for problem in wrong}),
                **{f"count_{status}": counts[status] for status in STATUSES},
                "line_ids": [Command.clear()]
                + [
                    Command.create(values)
                    for values in self._prepare_lines(changes, wrong)
                ],
            }
        )
        self._note_shown()
        self._look_at_golden()
        return self._reopen()

    def action_download_template(self):
        """Download a workbook to fill in, which says what each column means."""
        self.ensure_one()
        return self.env["metered.deck.export"]._download(
            write_template(), self.env._("Rates to fill in.xlsx")
        )

    def action_back(self):
        """Choose another file, or say something else about it."""
        self.ensure_one()
        self._set_as_program(
            {"state": "upload", "line_ids": [Command.clear()], "choices": False}
        )
        return self._reopen()

    def action_apply(self):
        """Apply the file, all of it.

        :raises UserError: when a row is wrong, the deck has changed since the preview,
            or golden calls change that nobody has confirmed; nothing is applied then
        """
        self.ensure_one()
        self._check_shown()
        altered = self._confirmed_golden()
        deck = self.deck_id
        deck.check_access("write")
        deck.lock_for_update()
        reading, changes, problems = self._read()
        if problems:
            raise UserError(
                self.env._(
                    "Line %(line)s is wrong: %(problem)s Fix the file and upload it "
                    "again. A file is applied completely or not at all.",
                    line=problems[0].line,
                    problem=problems[0].text,
                )
            )
        counts = changes.counts
        if any(counts[status] != self[f"count_{status}"] for status in STATUSES):
            raise UserError(
                self.env._(
                    "The rate deck has changed since this preview was made. Review "
                    "the new preview."
                )
            )
        version = deck.version_ids.sudo().create(
            {
                "deck_id": deck.id,
                "date_from": self.date_from,
                "file_name": self.file_name,
                "attachment_id": self.attachment_id.id,
                "user_id": self.env.uid,
                "whole": self.whole == "whole",
                **{f"count_{status}": counts[status] for status in STATUSES},
            }
        )
        self.attachment_id._metered_hand_over(version)
        deck._apply_changes(changes, version)
        deck._remember_choices(reading.rows)
        text = self._applied_text(counts)
        deck.message_post(body=text)
        self._note_golden(altered)
        return notification(text, next=self._after_apply())

    def _after_apply(self):
        """Back to the deck, where that is what lies below the dialog."""
        deck = self.deck_id
        if deck == self.opened_on_id:
            return {"type": "ir.actions.act_window_close"}
        return deck._get_records_action(context={})

    # === PARTS === #

    def _read(self):
        """(what the file says, what it changes, what is wrong or not clear)."""
        return self.deck_id._read_file(
            self.attachment_id,
            self.file_name,
            self.date_from,
            self.date_order,
            self.whole == "whole",
            self.choices or None,
        )

    def _reopen(self):
        return self._get_records_action(
            name=self.env._("Import Rates"),
            target="new",
            context={"dialog_size": "extra-large"},
        )

    def _prepare_lines(self, changes, problems):
        """Values of the lines of the preview: what is wrong first, then the changes.

        Of each kind the largest changes, so that the preview of a large file says
        what matters.
        """
        for problem in problems[:SHOWN]:
            yield {"status": "wrong", "line": problem.line, "detail": problem.text}
        rows = changes.rows
        for status in STATUSES[:-1]:
            some = rows[rows["status"] == status]
            if status in ("dearer", "cheaper"):
                factor = (some["price_e8"] / some["per_seconds"]) / (
                    some["old_price_e8"].clip(lower=1) / some["old_per_seconds"]
                )
                order = factor.sort_values(ascending=status == "cheaper").index
                some = some.loc[order]
            for row in some.head(SHOWN).itertuples():
                yield self._prepare_line(row)

    def _prepare_line(self, row):
        old = Decimal(int(row.old_price_e8)) * PRICE
        new = Decimal(int(row.price_e8)) * PRICE
        known = row.old_price_e8 >= 0
        change = 0.0
        if known and row.old_price_e8 and row.status != "closed":
            of_old = old / int(row.old_per_seconds)
            change = float((new / int(row.per_seconds) - of_old) / of_old)
        return {
            "status": row.status,
            "line": int(row.line),
            "prefix": row.prefix or self.env._("all numbers"),
            "name": row.name,
            "old_price": _per_minute(old, row.old_per_seconds) if known else False,
            "price": False
            if row.status == "closed"
            else _per_minute(new, row.per_seconds),
            "change": change,
            "increments": f"{row.initial_increment}/{row.increment}",
            "tiers": self._describe_tiers(row),
            "date_from": _date(row.day),
            "last_day": row.status != "closed"
            and row.until != OPEN
            and _date(row.until - 1),
        }

    def _describe_tiers(self, row):
        """The tiers within the call; both where they change."""
        if row.status == "closed" or row.old_tiers == row.tiers:
            return row.tiers
        none = self.env._("none")
        if row.status == "new":
            return row.tiers
        return f"{row.old_tiers or none} → {row.tiers or none}"

    def _applied_text(self, counts):
        return self.env._(
            "%(file)s was applied. New rates: %(new)s, increases: %(dearer)s, "
            "decreases: %(cheaper)s, changed terms: %(terms)s, ended: %(closed)s.",
            file=self.file_name,
            **{name: counts[name] for name in STATUSES},
        )

    # === GOLDEN CALLS === #

    def _look_at_golden(self):
        """Try the file on the golden calls, too."""
        self._set_as_program(
            {"golden": self._try_on_golden(), "golden_confirmed": False}
        )

    def _confirmed_golden(self):
        """The golden calls that the file alters; see :meth:`_golden_alterations`.

        :raises UserError: nobody has confirmed that they may change
        """
        altered = self._golden_alterations()
        if altered and not self.golden_confirmed:
            raise UserError(
                self.env._(
                    "These rates change the price of golden calls: %s Select Allow "
                    "these price changes, or fix the file.",
                    "\n".join(altered.values()),
                )
            )
        return altered

    def _note_golden(self, altered):
        """Note on golden calls that they were altered by the file.

        :param altered: dict golden call -> line of text
        """
        reason = self.env._(
            "Rates were imported from %(file)s into %(deck)s.",
            file=self.file_name or "-",
            deck=self.deck_id.name,
        )
        for call, line in altered.items():
            call._note_confirmed(line, reason)

    def _try_on_golden(self):
        """What the file alters of the golden calls, as text; nothing stays written."""
        return "\n".join(self._golden_alterations().values()) or False

    def _golden_alterations(self):
        """What the file alters: dict golden call -> line of text."""
        calls = (
            self.env["metered.golden.call"]
            .search(
                [("company_id", "=", self.deck_id.company_id.id), ("kind", "=", "call")]
            )
            .filtered(lambda call: self.deck_id in call._decks())
        )
        if not calls:
            return {}
        _reading, changes, problems = self._read()
        if problems:
            return {}
        days = self._golden_days(changes)
        before = {day: calls._verdicts(day) for day in days}
        # What is only tried is taken back.
        with closing(self.env.cr.savepoint()), NO_CURE.said():
            deck = self.deck_id
            version = deck.version_ids.sudo().create(
                {"deck_id": deck.id, "file_name": self.file_name or "-"}
            )
            deck._apply_changes(changes, version)
            after = {day: calls._verdicts(day) for day in days}
        return calls._alterations(before, after)

    def _golden_days(self, changes):
        """Today, and the next days from which rates of the file hold.

        :param changes: ``deck_files.changes.Changes``
        """
        today = fields.Date.context_today(self)
        later = {
            *changes.added["day"].tolist(),
            *changes.ends["day"].tolist(),
        } - {ALWAYS, OPEN}
        later = sorted(day for day in later if day > today.toordinal())
        return [today, *map(datetime.date.fromordinal, later[:MOST_DAYS])]


class MeteredDeckImportLine(models.TransientModel):
    _name = "metered.deck.import.line"
    _description = "Rate File Change"
    _inherit = ["metered.guarded"]
    _order = "wizard_id, id"

    wizard_id = fields.Many2one(
        "metered.deck.import", required=True, ondelete="cascade"
    )
    status = fields.Selection(
        [
            ("wrong", "Wrong row"),
            ("new", "New"),
            ("dearer", "Increase"),
            ("cheaper", "Decrease"),
            ("terms", "Changed terms"),
            ("closed", "Ends"),
            ("prolonged", "Extended"),
        ],
        string="Type",
        readonly=True,
    )
    line = fields.Integer(readonly=True, aggregator=None)
    prefix = fields.Char(readonly=True)
    name = fields.Char(string="Description", readonly=True)
    old_price = fields.Char(string="Current Price", readonly=True)
    price = fields.Char(string="New Price", readonly=True)
    change = fields.Float(readonly=True, aggregator=None)
    increments = fields.Char(readonly=True)
    tiers = fields.Char(
        readonly=True,
        help="Prices that apply from a certain second of the call on, as written in "
        "the file: second: price/seconds step.",
    )
    date_from = fields.Date(string="From", readonly=True)
    last_day = fields.Date(
        readonly=True,
        help="Last day on which the rate is valid. Empty if it has no end date.",
    )
    detail = fields.Char(string="Problem", readonly=True)


class MeteredDeckExport(models.TransientModel):
    """A file to download."""

    _name = "metered.deck.export"
    _description = "Exported Rates"
    _inherit = ["metered.guarded"]

    file = fields.Binary(readonly=True, attachment=False)
    file_name = fields.Char(readonly=True)

    @api.model
    def _download(self, content, file_name):
        """An action that downloads a file, for who asks for it only.

        :param bytes content: the file
        """
        export = self.sudo().create(
            {"file": base64.b64encode(content), "file_name": file_name}
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{export.id}/file?download=true"
            "&filename_field=file_name",
            "target": "download",
        }


def _per_minute(price, seconds):
    """A price as text; with its unit where that is not a minute."""
    text = exact_text(exact(price))
    return text if seconds == 60 else f"{text} / {seconds} s"


def _date(ordinal):
    if ordinal in (ALWAYS, OPEN):
        return False
    return datetime.date.fromordinal(int(ordinal))
