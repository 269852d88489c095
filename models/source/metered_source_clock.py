# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from fractions import Fraction

import numpy as np
import pyarrow as pa

from odoo import models

from ...connectors.checks import Check
from ...ingest.id_clock import id_clock
from ...rating.exact import shown
from .metered_source_checks import OF_LAST_IMPORTS

#: of how many records of a source's last imports the ids are read
MOST_RECORDS = 2000
HOUR_US = 3_600_000_000
_OF_IMPORTS = f"""
    SELECT source.id, array_agg(call_id),
           array_agg((extract(epoch FROM start_time) * 1000000)::bigint)
      FROM unnest(%s) AS source (id)
     CROSS JOIN LATERAL (
           SELECT call_id, start_time
             FROM metered_cdr WHERE batch_id = ANY({OF_LAST_IMPORTS})
            LIMIT %s) cdr
     GROUP BY source.id
"""


class MeteredSource(models.Model):
    _inherit = "metered.source"

    def _check_clock(self):
        """Whether the times in the records' ids contradict the time zone.

        :return: list of at most one ``Check``: none where the ids tell no time
        """
        ids, moments = self._read_together("_read_id_clocks") or ((), ())
        apart = id_clock(
            pa.array(ids, pa.string()),
            np.array(moments, np.int64),
            np.ones(len(ids), bool),
        )
        text = self._describe_clock(apart)
        if not text:
            return []
        return [
            Check(
                self.env._("Clock"),
                False,
                self.env._(
                    "%s Correct the time zone, then undo the imports and import them "
                    "again.",
                    text,
                ),
                self.env._("Open source"),
                "source",
            )
        ]

    def _read_id_clocks(self):
        """Of the last imports of each source: ids of records, and when they began."""
        self.env.cr.execute(_OF_IMPORTS, (self.ids, MOST_RECORDS))
        return {source_id: found for source_id, *found in self.env.cr.fetchall()}

    def _describe_clock(self, apart):
        """What the ids say of the time zone.

        :param apart: microseconds, see ``ingest.id_clock``
        :return: text; empty where they say nothing
        """
        if not apart:
            return ""
        values = {
            "hours": self.env["metered.explanation"]._number(
                shown(Fraction(abs(apart), HOUR_US))
            ),
            "zone": self.timezone,
        }
        if apart < 0:
            return self.env._(
                "The record IDs indicate start times %(hours)s hours later than the "
                "times read in %(zone)s.",
                **values,
            )
        return self.env._(
            "The record IDs indicate start times %(hours)s hours earlier than the "
            "times read in %(zone)s.",
            **values,
        )
