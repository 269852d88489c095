# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...ingest.facts import FACTS
from ...ingest.rules import OPERATORS, condition_problem

#: what the generic preset's rules compared a column called direction with
FORMER = {
    "inbound": [r"(?i)^\s*(?:inbound|in|incoming|term|terminating)\s*$"],
    "internal": [r"(?i)^\s*(?:internal|local|on-net|onnet)\s*$"],
}


class MeteredSourceRule(models.Model):
    _name = "metered.source.rule"
    _description = "Charging Rule"
    _inherit = ["metered.guarded", "metered.audit"]
    _order = "source_id, sequence, id"

    source_id = fields.Many2one(
        "metered.source", required=True, ondelete="cascade", index=True
    )
    sequence = fields.Integer(default=10)
    name = fields.Char(
        required=True,
        help="Shown on every record this rule applies to, so use the reason as the "
        "name: Unanswered, Internal call.",
    )
    outcome = fields.Selection(
        [
            ("billable", "Charge it"),
            ("not_billable", "Do not charge it"),
            ("declared", "Make it an exception"),
        ],
        required=True,
        default="not_billable",
        help="Records that are not charged are kept and counted under the name "
        "of this rule.",
    )
    direction = fields.Selection(
        [
            ("outbound", "Outbound"),
            ("inbound", "Inbound"),
            ("internal", "Internal"),
        ],
        help="Direction of these records. Leave empty to use the direction column or "
        "the source's default.",
    )
    condition_ids = fields.One2many(
        "metered.source.rule.condition",
        "rule_id",
        string="Conditions",
        copy=True,
        help="The rule applies if all conditions match. Without conditions, it "
        "applies to every record that matched no earlier rule.",
    )
    condition_summary = fields.Char(string="When", compute="_compute_condition_summary")

    @api.depends(
        "condition_ids.fact",
        "condition_ids.column",
        "condition_ids.operator",
        "condition_ids.value",
    )
    def _compute_condition_summary(self):
        for rule in self:
            rule.condition_summary = self.env._(" and ").join(
                rule.condition_ids.mapped("display_name")
            ) or self.env._("everything else")


class MeteredSourceRuleCondition(models.Model):
    _name = "metered.source.rule.condition"
    _description = "Charging Rule Condition"
    _inherit = ["metered.guarded", "metered.audit"]
    _order = "rule_id, id"

    rule_id = fields.Many2one(
        "metered.source.rule", required=True, ondelete="cascade", index=True
    )
    fact = fields.Selection(
        selection="_selection_fact",
        string="Mapped Fact",
        help="The meaning of the column, so that the condition works regardless of "
        "the column name in the file. The direction is outbound, inbound or "
        "internal, after interpretation.",
    )
    column = fields.Char(
        help="Name of the column in the file, if the condition does not use a "
        "mapped fact."
    )
    operator = fields.Selection(
        selection="_selection_operator", required=True, default="is"
    )
    value = fields.Char(
        help="Columns are compared as text, exactly as in the file. For mapped facts, "
        "durations are in seconds, and surrounding spaces are ignored."
    )

    def init(self):
        """The generic preset's rules as they were before facts could be named.

        On a column called direction, they charged what another column said was
        inbound, and know no words that the source remembers.
        """
        for direction in ("inbound", "internal"):
            self.env.cr.execute(
                """
                UPDATE metered_source_rule_condition
                   SET fact = 'direction', "column" = NULL, operator = 'is',
                       value = %s
                 WHERE "column" = 'direction' AND operator = 'matches' AND fact IS NULL
                   AND value = ANY(%s)
                """,
                (direction, FORMER[direction]),
            )

    @api.model
    def _selection_operator(self):
        return list(OPERATORS.items())

    @api.model
    def _selection_fact(self):
        return list(FACTS.items())

    @api.depends("fact", "column", "operator", "value")
    def _compute_display_name(self):
        labels = dict(self._fields["fact"]._description_selection(self.env))
        for condition in self:
            name = labels.get(condition.fact) or condition.column
            words = OPERATORS.get(condition.operator, "").partition(" (")[0]
            condition.display_name = f"{name} {words} {condition.value or ''}".strip()

    @api.constrains("fact", "column")
    def _check_named(self):
        if not all(condition.fact or condition.column for condition in self):
            raise ValidationError(
                self.env._("A condition needs a mapped fact or a column.")
            )

    @api.constrains("operator", "value")
    def _check_value(self):
        for condition in self:
            problem = condition_problem(condition.operator, condition.value)
            if problem:
                raise ValidationError(
                    self.env._(
                        "Rule %(rule)s, condition on %(column)s: %(problem)s",
                        rule=condition.rule_id.name,
                        column=condition.display_name,
                        problem=problem,
                    )
                )
