# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import fields, models
from odoo.tools import format_date


class MailActivity(models.Model):
    _name = "mail.activity"
    _inherit = ["metered.guarded", "mail.activity"]

    metered_key = fields.Char(
        string="Problem",
        readonly=True,
        copy=False,
        help="Which problem of the record it is about: while it is open, the same "
        "problem is counted here and raises no other activity.",
    )
    metered_count = fields.Integer(
        string="Occurrences",
        readonly=True,
        copy=False,
        aggregator=None,
        help="How often the problem occurred since the activity was raised.",
    )

    _metered_key_uniq = models.UniqueIndex(
        "(res_model_id, res_id, metered_key) WHERE active AND metered_key IS NOT NULL",
        "There is an open activity about this problem already.",
    )

    def _metered_recur(self, summary, note):
        """Count one more occurrence of the problem, and tell the newest of it.

        :param str summary: what is wrong, in some words
        :param note: what happened and what to do, text or ``Markup``
        """
        for activity in self:
            activity.metered_count += 1
            lang = activity.user_id.lang or self.env.lang
            env = activity.with_context(lang=lang).env
            activity.summary = summary
            activity.note = Markup("<p>%s</p><p>%s</p>") % (
                note,
                env._(
                    "It happened %(count)s times since %(day)s.",
                    count=activity.metered_count,
                    day=format_date(env, activity.create_date.date()),
                ),
            )
