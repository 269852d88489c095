# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64
from hashlib import sha256

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...ingest.dial_plans import dial_plan
from ...statement.hidden_list import ListError, lines_of_file, patterns

#: lines that are named when they are wrong
_MOST_NAMED = 5
_KEY = "hidden_list"


class MeteredHiddenList(models.Model):
    """Numbers of which no statement shows a call, such as counseling lines.

    Their calls are counted in the summary. Authorities publish such lists anew: one
    that was not imported for long is told to a person.
    """

    _name = "metered.hidden.list"
    _description = "Numbers Never Shown"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "mail.thread",
        "mail.activity.mixin",
    ]
    _order = "name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    country_id = fields.Many2one(
        "res.country",
        required=True,
        default=lambda self: self.env.company.country_id,
        help="Numbers without a country code belong to this country.",
    )
    numbers = fields.Text(
        help="One number per line. A * at the end stands for all numbers that start "
        "this way. Text after # is a comment."
    )
    file = fields.Binary(
        string="Import File",
        store=False,
        help="CSV or text file. Its numbers replace those in the list.",
    )
    file_name = fields.Char(store=False)
    fetched_on = fields.Date(
        string="Last Imported", help="When the list was last compared with its source."
    )
    renew_days = fields.Integer(
        string="Renew After (days)",
        default=90,
        help="Days after which an activity is created. 0 means never.",
    )
    patterns = fields.Json(compute="_compute_patterns", store=True)
    count = fields.Integer(compute="_compute_count")
    is_old = fields.Boolean(string="Out of Date", compute="_compute_is_old")

    @api.depends("numbers", "country_id")
    def _compute_patterns(self):
        for each in self:
            each.patterns = each._read()[0]

    @api.depends("patterns")
    def _compute_count(self):
        for each in self:
            each.count = len(each.patterns or ())

    @api.depends("fetched_on", "renew_days", "active")
    @api.depends_context("uid")
    def _compute_is_old(self):
        for each in self:
            today = fields.Date.context_today(each)
            oldest = fields.Date.subtract(today, days=each.renew_days)
            each.is_old = bool(
                each.active
                and each.renew_days
                and (not each.fetched_on or each.fetched_on < oldest)
            )

    def _read(self):
        """What the list hides, and its lines that are no number."""
        try:
            dialling = dial_plan(self.country_id.code)
        except ValueError:
            # Nobody knows how its people dial.
            return [], (self.numbers or "").splitlines()
        return patterns(self.numbers or "", dialling)

    @api.constrains("numbers", "country_id")
    def _check_numbers(self):
        for each in self:
            wrong = each._read()[1]
            if wrong:
                raise ValidationError(
                    self.env._(
                        "%(lines)s: not a phone number in %(country)s, and no + and "
                        "country code. Correct or remove these lines (%(count)s in "
                        "total).",
                        count=len(wrong),
                        country=each.country_id.name,
                        lines=", ".join(wrong[:_MOST_NAMED]),
                    )
                )

    @api.constrains("renew_days")
    def _check_renew_days(self):
        if any(each.renew_days < 0 for each in self):
            raise ValidationError(
                self.env._("The days after which a list is renewed must be 0 or more.")
            )

    @api.onchange("file")
    def _onchange_file(self):
        if not self.file:
            return
        try:
            self.numbers = lines_of_file(base64.b64decode(self.file))
        except ListError as error:
            if error.places:
                raise UserError(
                    self.env._(
                        "Columns %s of the file all contain numbers. Keep only the "
                        "one with the phone numbers, then import the file again.",
                        ", ".join(map(str, error.places)),
                    )
                ) from error
            raise UserError(
                self.env._(
                    "No column of the file contains phone numbers only. Choose a CSV "
                    "file with one number per line."
                )
            ) from error
        self.fetched_on = fields.Date.context_today(self)
        self.file = False

    @api.model
    def _cron_remind(self):
        """Tell a person about lists that are out of date; once each."""
        every = self.search([("country_id", "!=", False)])
        for each in every.filtered("is_old"):
            each._metered_raise(
                _KEY,
                self.env._("Numbers never shown: list out of date"),
                self.env._(
                    "%(name)s was last imported on %(day)s. Get the current list from "
                    "its source, and import it.",
                    name=each.name,
                    day=each.fetched_on or self.env._("no day"),
                ),
                counted=False,
            )
        every.filtered(lambda each: not each.is_old)._metered_close(
            _KEY, self.env._("The list was imported.")
        )

    def _audit_text(self, name):
        """Of the numbers how many there are: a list may have thousands."""
        if name != "numbers":
            return super()._audit_text(name)
        digest = sha256((self.numbers or "").encode()).hexdigest()[:8]
        return self.env._(
            "%(count)s numbers (%(digest)s)", count=self.count, digest=digest
        )
