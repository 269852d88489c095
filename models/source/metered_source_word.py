# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...ingest.directions import word_key


class MeteredSourceWord(models.Model):
    """What a word of the source's direction column means.

    Usual words are known without it (see ``ingest/directions.py``); what is remembered
    here counts first.
    """

    _name = "metered.source.word"
    _description = "Source Direction Word"
    _inherit = ["metered.guarded", "metered.audit", "metered.cure"]
    _order = "source_id, key, id"
    _rec_name = "word"

    _curing = frozenset({"word", "direction"})

    source_id = fields.Many2one(
        "metered.source", required=True, ondelete="cascade", index=True
    )
    word = fields.Char(
        required=True,
        help="The word as it appears in the records. Capitalization and spaces "
        "are ignored.",
    )
    key = fields.Char(compute="_compute_key", store=True)
    direction = fields.Selection(
        [
            ("outbound", "Outbound"),
            ("inbound", "Inbound"),
            ("internal", "Internal"),
        ],
        string="Meaning",
        required=True,
    )

    _word_uniq = models.Constraint(
        "UNIQUE (source_id, key)",
        "The source already has this direction word.",
    )

    @api.depends("word")
    def _compute_key(self):
        for word in self:
            word.key = word_key(word.word or "")

    @api.constrains("word")
    def _check_word(self):
        if not all(word_key(word.word) for word in self):
            raise ValidationError(
                self.env._(
                    "Enter the direction word as it appears in the records, or "
                    "(empty) for records whose direction is empty although others of "
                    "the file have one."
                )
            )

    def _cure_targets(self):
        """Records whose direction was not known."""
        return [
            (
                source.company_id,
                {"source_id": source.id, "reasons": ["unknown_direction"]},
            )
            for source in self.source_id
        ]


class MeteredSource(models.Model):
    _inherit = "metered.source"

    word_ids = fields.One2many(
        "metered.source.word",
        "source_id",
        string="Direction Words",
        copy=True,
        help="Meaning of the words in the direction column, if they are not "
        "recognized automatically.",
    )

    def _remembered_words(self):
        """What the source's own direction words mean.

        :return: dict ``ingest.directions.word_key`` -> direction
        """
        return {word.key: word.direction for word in self.word_ids}

    def _remember_words(self, meanings):
        """Note what direction words mean.

        :param meanings: dict word, as the records say it -> direction
        """
        self.ensure_one()
        known = {word.key: word for word in self.word_ids}
        for text, direction in meanings.items():
            word = known.get(word_key(text))
            if not word:
                known[word_key(text)] = self.env["metered.source.word"].create(
                    {"source_id": self.id, "word": text, "direction": direction}
                )
            elif word.direction != direction:
                word.direction = direction
