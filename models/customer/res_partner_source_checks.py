# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import fields, models
from odoo.tools import format_date

from ...connectors.checks import Check
from ...ingest.usage_calls import NEWEST_OF_CONTACT
from ..source.metered_source_checks import GAPS, SILENT_DAYS

#: how many of a contact's latest calls are looked through for each source's last one
LATEST_CALLS = 500
# Each contact's newest calls are found at once; no index knows the source, and a search
# for it would read all calls.
LAST_RECORDS = f"""
    SELECT cdr.source_id, max(cdr.start_time)
      FROM unnest(%(contacts)s) AS contact (id) CROSS JOIN {NEWEST_OF_CONTACT}
     WHERE cdr.company_id = %(company)s
     GROUP BY cdr.source_id
"""


class ResPartner(models.Model):
    """Whether a customer's usage comes in from each of its sources.

    Nothing here reads more of the calls than the newest :data:`LATEST_CALLS` of each
    contact, so that a million of them cost nothing.
    """

    _inherit = "res.partner"

    def _metered_sources(self, identifiers):
        """The sources that this customer's usage can come from.

        :param identifiers: as :meth:`_metered_valid_identifiers` returned them
        """
        accounts = self.env["metered.source.account"].search(
            self._metered_domain("metered.source.account")
        )
        sources = accounts.source_id
        everywhere = False
        for source, _kind, _count in identifiers:
            sources |= source
            everywhere = everywhere or not source
        if everywhere or not sources:
            sources |= sources.search([("company_id", "=", self.env.company.id)])
        return sources.sorted(lambda s: (not s.active, s.sequence, s.name))

    def _metered_last_records(self):
        """When the newest record of each source came in, of the latest calls.

        :return: dict source id -> datetime in UTC
        """
        self.env.cr.execute(
            LAST_RECORDS,
            {
                "contacts": self._metered_family().ids,
                "most": LATEST_CALLS,
                "company": self.env.company.id,
            },
        )
        return dict(self.env.cr.fetchall())

    def _metered_source_checks(self, source, identifiers, last_record):
        """Look at what this customer's usage needs of one source.

        :param source: ``metered.source``
        :param identifiers: as :meth:`_metered_valid_identifiers` returned them
        :param last_record: start of its newest record in UTC, or None
        :return: list of :class:`~..connectors.checks.Check`
        """
        checks = [
            self._metered_check_source(source),
            self._metered_check_account(source),
            *self._metered_check_syncs(source),
            self._metered_check_source_identifiers(source, identifiers),
            self._metered_check_last_record(source, last_record),
            self.env["metered.number.check"]._of_customer(self, source)[0],
            *self._metered_check_complete(source),
        ]
        return [check for check in checks if check]

    def _metered_check_source(self, source):
        name = self.env._("Source")
        # Gaps of other customers are none of this one's.
        checks = [check for check in source._checks() if check.place != GAPS]
        wrong = [check for check in checks if not check.ok]
        if not wrong:
            return Check(
                name, True, self.env._("Working: %s checks passed.", len(checks))
            )
        detail = wrong[0].detail
        if len(wrong) > 1:
            detail = self.env._(
                "%(first)s %(count)s more problems to fix.",
                first=detail,
                count=len(wrong) - 1,
            )
        return Check(
            name,
            False,
            detail,
            self.env._("Open source"),
            "source",
        )

    def _metered_check_account(self, source):
        """The customer's account; nothing where it has none and needs none."""
        name = self.env._("Account")
        accounts = (
            self.env["metered.source.account"]
            .with_context(active_test=False)
            .search(
                [
                    *self._metered_domain("metered.source.account"),
                    ("source_id", "=", source.id),
                ]
            )
        )
        active = accounts.filtered("active")
        if active:
            return Check(name, True, ", ".join(active.mapped("name")))
        if accounts:
            return Check(
                name,
                False,
                self.env._("%s is archived.", ", ".join(accounts.mapped("name"))),
                self.env._("Open account"),
                "account",
            )
        if source._needs_account():
            return Check(
                name,
                False,
                self.env._("This customer has no account on it."),
                self.env._("Add account"),
                "account",
            )
        return None

    def _metered_accounts(self, source):
        """This customer's active accounts on a source."""
        return self.env["metered.source.account"].search(
            [
                *self._metered_domain("metered.source.account"),
                ("source_id", "=", source.id),
            ]
        )

    def _metered_check_syncs(self, source):
        """Whether the switch knows the account, and its numbers were synced."""
        accounts = self._metered_accounts(source)
        if not accounts or not source._needs_account():
            return []
        found, synced = self.env._("Found on the switch"), self.env._("Numbers synced")
        checks = []
        failed = accounts.filtered("sync_error")[:1]
        sync = (source._fetch_label(), "fetch")
        if failed:
            checks.append(
                Check(
                    found,
                    False,
                    failed.sync_error,
                    self.env._("Open sync"),
                    "last_sync",
                )
            )
        elif not all(accounts.mapped("identifiers_synced")):
            checks.append(Check(found, False, self.env._("Not checked yet."), *sync))
        else:
            checks.append(Check(found, True, ", ".join(accounts.mapped("name"))))
        if not all(accounts.mapped("identifiers_synced")):
            checks.append(Check(synced, False, self.env._("Never synced."), *sync))
        else:
            numbers = accounts.identifier_ids.filtered(
                lambda i: i.is_synced and i.kind == "number" and not i.date_to
            )
            checks.append(
                Check(
                    synced,
                    True,
                    self.env._(
                        "%(count)s numbers, %(day)s",
                        count=len(numbers),
                        day=format_date(
                            self.env,
                            source._local_day(
                                min(accounts.mapped("identifiers_synced"))
                            ),
                        ),
                    ),
                )
            )
        return checks

    def _metered_check_source_identifiers(self, source, identifiers):
        name = self.env._("Identified by")
        kinds = self._metered_identifier_kinds()
        counts = {}
        for where, kind, count in identifiers:
            if not where or where == source:
                counts[kind] = counts.get(kind, 0) + count
        wanted = list(dict.fromkeys(source.payer_ids.mapped("kind")))
        found = [kind for kind in wanted if counts.get(kind)]
        if found:
            return Check(
                name,
                True,
                ", ".join(f"{kinds[kind]}: {counts[kind]}" for kind in found),
            )
        if not wanted:
            return None
        return Check(
            name,
            False,
            self.env._(
                "The source looks for %s, but the customer has no valid one today.",
                self.env._(" or ").join(kinds[kind].lower() for kind in wanted),
            ),
            self.env._("Add one"),
            "identifier",
        )

    def _metered_check_last_record(self, source, last):
        name = self.env._("Last record")
        fetch = (source._fetch_label(), "fetch")
        if not last:
            return Check(name, False, self.env._("No records yet."), *fetch)
        text = format_date(self.env, source._local_day(last))
        if last < fields.Datetime.now() - timedelta(days=SILENT_DAYS):
            return Check(name, False, self.env._("None since %s.", text), *fetch)
        return Check(name, True, text)
