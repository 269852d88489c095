# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import fields, models
from odoo.fields import Domain

from ...connectors.checks import Check

#: names the problem on a source, for its activity
SILENCE = "silence"
#: days that what is usual is learned from: the first of these in which enough came
USUAL_DAYS = (60, 400)
#: so much must be known: days with records, and since when
DAYS_WITH_RECORDS = 5
KNOWN_FOR = timedelta(days=14)
#: an alarm comes after the usual silence, a quarter of it, and this
PATIENCE = timedelta(hours=1)
# The longest silence may have been a failure itself: the second longest is usual.
ARRIVALS = """
    WITH arrival AS (
           SELECT create_date AS moment,
                  create_date - lag(create_date) OVER (ORDER BY create_date) AS silence
             FROM metered_batch
            WHERE source_id = %(source)s AND state = 'done'
              AND records > coalesce(duplicates, 0) AND create_date >= %(since)s
         )
    SELECT count(DISTINCT moment::date), min(moment), max(moment),
           (array_agg(silence ORDER BY silence DESC NULLS LAST))[2]
      FROM arrival
"""


class MeteredSource(models.Model):
    """Whether nothing new came in for longer than is usual, learned from before.

    It is the same for what is fetched and for what is posted to us: what counts is
    when records came that were not known.
    """

    _inherit = "metered.source"

    def _watched_domain(self):
        """Sources that records come from by themselves."""
        return Domain("is_connected", "=", True) & (
            Domain("sync_hours", ">", 0) | Domain("is_posted_to", "=", True)
        )

    def _watch_silence(self):
        """Raise an alarm where it is silent for too long, and end it afterwards."""
        now = fields.Datetime.now()
        for source in self:
            usual, quiet = source._silence(now)
            if usual is None:
                continue
            if not source._is_too_long(usual, quiet):
                source._metered_close(
                    SILENCE, self.env._("Records are arriving again.")
                )
                continue
            source._metered_raise(
                SILENCE,
                self.env._("No records for longer than usual"),
                self.env._(
                    "No new records have arrived from %(name)s for %(quiet)s. Usually "
                    "the longest gap is %(usual)s. Test the connection, and check the "
                    "switch.",
                    name=source.name,
                    quiet=self._describe_silence(quiet),
                    usual=self._describe_silence(usual),
                ),
            )

    def _silence(self, now):
        """The longest silence that is usual, and how long it is silent now.

        :param now: datetime in UTC
        :return: (timedelta or None where too little is known, timedelta)
        """
        self.ensure_one()
        self.env["metered.batch"].flush_model()
        for days in USUAL_DAYS:
            self.env.cr.execute(
                ARRIVALS, {"source": self.id, "since": now - timedelta(days=days)}
            )
            found, first, last, usual = self.env.cr.fetchone()
            if found >= DAYS_WITH_RECORDS and first <= now - KNOWN_FOR:
                # What was posted and is not rated yet has come in, too.
                quiet = timedelta() if self._has_posted() else now - last
                return usual, quiet
        return None, timedelta()

    def _is_too_long(self, usual, quiet):
        return quiet > usual * 1.25 + PATIENCE

    def _describe_silence(self, silence):
        """Such as 3 days, or 5 hours."""
        hours = round(silence.total_seconds() / 3600)
        if hours >= 48:
            return self.env._("%s days", round(hours / 24))
        if hours > 1:
            return self.env._("%s hours", hours)
        return self.env._("%s minutes", round(silence.total_seconds() / 60))

    def _check_silence(self):
        """Whether it is silent; nothing where too little is known to say."""
        if not (self.active and self.filtered_domain(self._watched_domain())):
            return []
        usual, quiet = self._silence(fields.Datetime.now())
        if usual is None:
            return []
        too_long = self._is_too_long(usual, quiet)
        return [
            Check(
                self.env._("New records"),
                not too_long,
                self.env._(
                    "The last records arrived %(quiet)s ago; usually the longest gap "
                    "is %(usual)s.",
                    quiet=self._describe_silence(quiet),
                    usual=self._describe_silence(usual),
                ),
                self.env._("Test connection") if too_long else "",
                "test" if too_long else "",
            )
        ]
