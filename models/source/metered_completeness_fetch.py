# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, time, timedelta
from math import ceil, inf

from odoo import models
from odoo.exceptions import UserError

from .metered_completeness import MOST_DAYS
from .metered_source_schedule import UNDER_WAY

ONE_DAY = timedelta(days=1)
#: what a switch is asked by each sync beside its records: whether it knows the account,
#: its extensions, its phone numbers, how many records there are, and the first page
REQUESTS_OF_A_SYNC = 5
RECORDS_OF_A_PAGE = 100


class MeteredCompleteness(models.Model):
    """Days that are fetched once more, with as little to ask the switch as possible."""

    _inherit = "metered.completeness"

    def action_fetch_again(self):
        """Fetch these days once more; what is known is not stored again."""
        self.check_access("read")
        if not self:
            raise UserError(self.env._("Choose the days to fetch again."))
        under_way = self._under_way()
        found, wanted = self.env["metered.sync"].sudo(), {}
        for (source, account), rows in self.grouped(_whose).items():
            for begin, end in rows._stretches():
                same = [
                    sync
                    for sync in under_way.get((source, account), ())
                    if sync.date_from <= begin and end <= sync.date_to
                ]
                if same:
                    found |= same[0]
                else:
                    accounts = wanted.get((source, begin, end), account)
                    wanted[source, begin, end] = accounts | account
        # A person does not wait for the next attempt.
        found.not_before = False
        found._enqueue()
        started = found.browse()
        for (source, begin, end), accounts in wanted.items():
            started |= source._start_syncs("gap", accounts, begin, end)
        return self._notify_started(started, found)

    def _under_way(self):
        """Syncs of gaps of these accounts that are not over, by source and account."""
        syncs = self.env["metered.sync"].sudo()
        return syncs.search(
            [
                ("source_id", "in", self.source_id.ids),
                ("account_id", "in", [*self.account_id.ids, False]),
                ("kind", "=", "gap"),
                ("state", "in", UNDER_WAY),
            ]
        ).grouped(_whose)

    def _stretches(self):
        """These days of one account as few stretches of time.

        Days in a row are one of them. Days between are fetched along where that is less
        to ask the switch than a further sync would.

        :return: list of (begin, end), datetimes in UTC
        """
        days = sorted(set(self.mapped("day")))
        costs = self._requests_of_days(days[0], days[-1])
        stretches = []
        for day in days:
            if stretches:
                first, last = stretches[-1]
                between = [last + ONE_DAY * at for at in range(1, (day - last).days)]
                asked = sum(costs.get(missed, inf) for missed in between)
                # One sync compares no more days than these.
                if asked <= REQUESTS_OF_A_SYNC and (day - first).days < MOST_DAYS:
                    stretches[-1] = (first, day)
                    continue
            stretches.append((day, day))
        return [
            (datetime.combine(first, time()), datetime.combine(last + ONE_DAY, time()))
            for first, last in stretches
        ]

    def _requests_of_days(self, first, last):
        """What fetching a day asks the switch: its pages, and how much it counts.

        :return: dict day -> requests, of the days whose records it has counted
        """
        rows = self.search(
            [
                ("source_id", "=", self.source_id.id),
                ("account_id", "=", self.account_id.id),
                ("is_counted", "=", True),
                ("day", ">=", first),
                ("day", "<=", last),
            ]
        )
        return {row.day: 1 + ceil(row.switch_count / RECORDS_OF_A_PAGE) for row in rows}

    def _notify_started(self, started, found):
        """Say what was started, and open it.

        :param found: ``metered.sync`` that fetch some of these days already
        """
        words = self.env["metered.explanation"]
        accounts, days = len(self.account_id), len(set(self.mapped("day")))
        said = [words._accounts(accounts)] if accounts else []
        said = ", ".join([*said, words._days(days)])
        if len(started) == 1:
            said = self.env._("%s: 1 sync started.", said)
        elif started:
            said = self.env._(
                "%(what)s: %(count)s syncs started.", what=said, count=len(started)
            )
        if found and started:
            said = self.env._("%(started)s Others are under way already.", started=said)
        elif found:
            said = self.env._("%s: a sync is under way already.", said)
        action = (started | found).sudo(False)._action_open()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if started else "info",
                "message": said,
                # An action that follows another would show its text as HTML source.
                "next": {**action, "help": False},
            },
        }


def _whose(record):
    """Source and account of a day or a sync."""
    return record.source_id, record.account_id
