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
           SELECT source_id, create_date AS moment,
                  create_date - lag(create_date) OVER (
                      PARTITION BY source_id ORDER BY create_date) AS silence
             FROM metered_batch
            WHERE source_id = ANY(%(sources)s) AND state = 'done'
              AND records > coalesce(duplicates, 0) AND create_date >= %(since)s
         )
    SELECT source_id, count(DISTINCT moment::date), min(moment), max(moment),
           (array_agg(silence ORDER BY silence DESC NULLS LAST))[2]
      FROM arrival GROUP BY source_id
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
        silences = self._silences(now)
        for source in self:
            usual, quiet = silences[source.id]
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

    def _silences(self, now):
        """The longest silence that is usual, and how long it is silent now.

        :param now: datetime in UTC
        :return: dict source id -> (timedelta or None where too little is known,
            timedelta)
        """
        self.env["metered.batch"].flush_model()
        silences = {}
        for days in USUAL_DAYS:
            left = self.filtered(lambda source: source.id not in silences)
            if not left:
                break
            self.env.cr.execute(
                ARRIVALS, {"sources": left.ids, "since": now - timedelta(days=days)}
            )
            for source_id, found, first, last, usual in self.env.cr.fetchall():
                if found >= DAYS_WITH_RECORDS and first <= now - KNOWN_FOR:
                    # What was posted and is not rated yet has come in, too.
                    posted = self.browse(source_id)._has_posted()
                    silences[source_id] = usual, timedelta() if posted else now - last
        return dict.fromkeys(self.ids, (None, timedelta())) | silences

    def _read_silences(self):
        watched = self.filtered("active").filtered_domain(self._watched_domain())
        return watched._silences(fields.Datetime.now()) if watched else {}

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
        usual, quiet = self._read_together("_read_silences") or (None, None)
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
