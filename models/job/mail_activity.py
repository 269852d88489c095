# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup
from psycopg2.errors import UniqueViolation

from odoo import fields, models
from odoo.tools import format_date, mute_logger

ACTIVITY_TYPE = "metered_billing.mail_activity_type_problem"


class MailActivity(models.Model):
    _name = "mail.activity"
    _inherit = ["metered.guarded", "mail.activity"]

    metered_key = fields.Char(
        string="Problem",
        readonly=True,
        copy=False,
        help="The problem of the record this activity is about. While the activity is "
        "open, the same problem is counted here instead of creating another "
        "activity.",
    )
    metered_count = fields.Integer(
        string="Occurrences",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Number of times the problem occurred since the activity was created.",
    )

    _metered_key_uniq = models.UniqueIndex(
        "(res_model_id, res_id, metered_key) WHERE active AND metered_key IS NOT NULL",
        "There is already an open activity for this problem.",
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
                    "This happened %(count)s times since %(day)s.",
                    count=activity.metered_count,
                    day=format_date(env, activity.create_date.date()),
                ),
            )


class MailActivityMixin(models.AbstractModel):
    """One activity for one problem, however often it occurs.

    What runs every night must not fill a person's list with one line a night: a
    problem raises one activity, later occurrences count in it, and the end of the
    problem closes it.
    """

    _inherit = "mail.activity.mixin"

    def _metered_raise(self, key, summary, note, user=None, counted=True):
        """Tell a person about a problem of these records, once.

        While the activity is open, its text is replaced by the newest and its count
        rises. One that a person marked as done is closed: the problem's next
        occurrence raises a new one.

        :param str key: names the problem: one open activity per record and key
        :param str summary: what is wrong, in some words
        :param note: what happened and what to do, text or ``Markup``
        :param user: ``res.users`` to tell; empty: see :meth:`_metered_responsible`
        :param bool counted: the text tells how often it occurred; False for one that
            tells how it stands altogether
        :return: the open ``mail.activity`` of these records and this problem
        """
        opened = self._metered_open_activities(key).grouped("res_id")
        activities = self.env["mail.activity"].sudo()
        for record in self.sudo():
            activity = opened.get(record.id)
            if activity and counted:
                activity._metered_recur(summary, note)
            elif activity:
                activity.write({"summary": summary, "note": Markup("<p>%s</p>") % note})
            else:
                activity = record._metered_schedule(key, summary, note, user)
            activities |= activity
        return activities

    def _metered_close(self, key, note):
        """Close the activities about a problem that is cured.

        :param str key: as given to :meth:`_metered_raise`
        :param str note: how it was cured; it is posted on the record
        :return: whether there was any
        """
        activities = self._metered_open_activities(key)
        if activities:
            activities.action_feedback(feedback=note)
        return bool(activities)

    def _metered_open_activities(self, key):
        """The open activities of these records about a problem, with all rights."""
        return (
            self.env["mail.activity"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", self.ids),
                    ("metered_key", "=", key),
                ]
            )
        )

    def _metered_schedule(self, key, summary, note, user):
        """Create the activity of one record.

        :return: ``mail.activity``; empty when another transaction has just raised it
        """
        try:
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                return self.activity_schedule(
                    ACTIVITY_TYPE,
                    summary=summary,
                    note=note,
                    user_id=self._metered_responsible(user).id,
                    metered_key=key,
                    metered_count=1,
                )
        except UniqueViolation:
            return self.env["mail.activity"]

    def _metered_responsible(self, user=None):
        """Who is told about problems of this record.

        The first of these who is active and may see it: the user asked for, the
        record's own user, the company's responsible of metered billing, an
        administrator of metered billing.

        :return: ``res.users``, empty where nobody may see it
        """
        self.ensure_one()
        record = self.sudo()
        company = record.company_id if "company_id" in record else self.env.company
        company = company or self.env.company
        candidates = (user or self.env["res.users"]).sudo()
        if "user_id" in record:
            candidates += record.user_id
        candidates += company.metered_responsible_id
        administrators = self.env.ref("metered_billing.group_metered_administrator")
        root = self.env.ref("base.user_root")
        candidates += administrators.sudo().all_user_ids
        for candidate in candidates - root:
            if record._metered_is_seen_by(candidate, company):
                return candidate
        return self.env["res.users"]

    def _metered_is_seen_by(self, user, company):
        """Whether a user can open this record, in the record's company."""
        if not user.active or company not in user.company_ids:
            return False
        record = self.with_user(user).with_context(
            allowed_company_ids=user.company_ids.ids
        )
        return record.has_access("read")
