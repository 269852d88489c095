# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import Counter
from datetime import timedelta
from itertools import chain

from odoo import fields, models
from odoo.tools import format_date

from ...connectors.checks import Check
from ...ingest.aside import Aside
from ...ingest.load import column_specs
from ...ingest.load_lines import line_steps
from ...ingest.mapping import missing_targets

#: nothing for longer than a month and some days: something is wrong
SILENT_DAYS = 35
#: the sources that are looked at together, and what was read of all of them
TOGETHER = Aside("metered_sources_together")
#: a sync may bring in a call or none
LAST_IMPORTS = 20
#: SQL: ids of the last imports of "source", an array
OF_LAST_IMPORTS = f"""
    ARRAY(SELECT id FROM metered_batch
           WHERE source_id = source.id AND state IS DISTINCT FROM 'undone'
           ORDER BY id DESC LIMIT {LAST_IMPORTS})
"""
#: places of checks that are pages of the source's form
PAGES = ("connection", "partitions", "columns", "rules", "payers", "accounts", "limits")
#: place of a check: days on which records are missing
GAPS = "gaps"


class MeteredSource(models.Model):
    """Whether a source works, and what to do where it does not.

    A connector adds checks of its own: it extends :meth:`_checks`, and
    :meth:`_remedy_action` for the places that its checks name. What a check reads is
    read by :meth:`_read_together`, so that a list of sources needs no more queries
    than one source.
    """

    _inherit = "metered.source"

    check_info = fields.Json(
        string="Checks",
        compute="_compute_check_info",
        help="The checks, and what to do about problems.",
    )
    check_state = fields.Selection(
        [("ok", "Works"), ("wrong", "Needs attention")],
        string="Status",
        compute="_compute_check_info",
    )

    def _compute_check_info(self):
        with TOGETHER.said((self.filtered("id"), {})):
            found = [source._checks() if source.id else [] for source in self]
        for source, checks in zip(self, found, strict=True):
            wrong = sum(not check.ok for check in checks)
            source.check_state = "wrong" if wrong else "ok"
            source.check_info = {
                "groups": [
                    {
                        "title": self.env._("%s problems to fix", wrong)
                        if wrong
                        else self.env._("All checks passed"),
                        "ok": not wrong,
                        "checks": [source._show_check(check) for check in checks],
                    }
                ]
                if checks
                else []
            }

    # === CHECKS === #

    def _read_together(self, reader):
        """What this source's checks need, read once for all that are looked at.

        :param str reader: method of sources that returns a dict source id -> value
        :return: the value of this source; None where the dict has none
        """
        self.ensure_one()
        sources, known = TOGETHER.heard() or (self, {})
        if self not in sources:
            sources, known = self, {}
        if reader not in known:
            known[reader] = getattr(sources, reader)()
        return known[reader].get(self.id)

    def _checks(self):
        """Look at this source.

        :return: list of :class:`~..connectors.checks.Check`
        """
        self.ensure_one()
        numbers, _suspect = self.env["metered.number.check"]._of_source(self)
        return [
            self._check_active(),
            *self._check_connection(),
            *([] if self.is_connected else [self._check_mapping()]),
            self._check_payers(),
            self._check_identifiers(),
            self._check_last_sync() if self.is_connected else self._check_last_batch(),
            *([numbers] if numbers else []),
            *self._check_samples(),
            *self._check_clock(),
            *self._check_charged_twice(),
            *self._check_silence(),
            *self._check_complete(),
            *self._check_partitions(),
        ]

    def _check_active(self):
        name = self.env._("Active")
        if self.active:
            return Check(name, True)
        return Check(
            name,
            False,
            self.env._("The source is archived, so nothing is imported from it."),
            self.env._("Restore"),
            "restore",
        )

    def _check_charged_twice(self):
        """Whether another source has the same calls."""
        batch = self._read_together("_read_charged_twice")
        if batch:
            yield Check(
                self.env._("Charged Once"),
                False,
                self.env._(
                    "%(count)s calls of the import %(batch)s are charged twice: the "
                    "source %(other)s has them, too. Undo one of the two imports.",
                    count=batch.elsewhere,
                    batch=batch.display_name,
                    other=batch.elsewhere_batch_id.source_id.name,
                ),
            )

    def _read_charged_twice(self):
        """Of each source the last import with calls that another source has."""
        batches = self.env["metered.batch"]
        found = batches._read_group(
            [
                ("source_id", "in", self.ids),
                ("elsewhere", ">", 0),
                ("state", "!=", "undone"),
                ("elsewhere_batch_id.state", "!=", "undone"),
            ],
            ["source_id"],
            ["id:max"],
        )
        return {source.id: batches.browse(last) for source, last in found}

    def _check_mapping(self):
        """Whether the columns of a file are known: an import asks for them."""
        name = self.env._("Columns")
        specs = column_specs(self.column_ids)
        named = {
            part.strip()
            for spec in specs
            for part in spec.columns.replace(",", "+").split("+")
        }
        missing = missing_targets(specs, named, self._needed_columns())
        if not missing:
            return Check(
                name,
                True,
                self.env._("%s record facts have a column.", len(specs)),
            )
        labels = dict(
            self.column_ids._fields["target"]._description_selection(self.env)
        )
        return Check(
            name,
            False,
            self.env._(
                "No column for %s.",
                ", ".join(labels[target].lower() for target in missing),
            ),
            self.env._("Choose a preset, or assign the columns"),
            "columns",
        )

    def _check_payers(self):
        name = self.env._("Customer lookup")
        if self.payer_ids:
            kinds = dict(
                self.payer_ids._fields["kind"]._description_selection(self.env)
            )
            known = dict.fromkeys(kinds[step.kind] for step in self.payer_ids)
            return Check(
                name, True, self.env._("Looks for: %s.", ", ".join(known).lower())
            )
        if self._names_lines():
            return Check(name, True, self.env._("Records specify a subscription line."))
        return Check(
            name,
            False,
            self.env._("No lookup step determines the customer."),
            self.env._("Add a lookup step"),
            "payers",
        )

    def _names_lines(self):
        """Whether its records name lines of subscriptions."""
        return bool(line_steps(self.column_ids.mapped("target")))

    def _check_identifiers(self):
        name = self.env._("Customers")
        if self._names_lines() and not self.payer_ids:
            count = self._read_together("_read_metered_lines")
            return Check(
                name,
                bool(count),
                self.env._("Metered subscription lines: %s.", count),
                "" if count else self.env._("Add a metered product to a subscription"),
            )
        count = self._read_together("_read_identifiers")
        if count:
            return Check(
                name,
                True,
                self.env._("%s service identifiers match customers today.", count),
            )
        return Check(
            name,
            False,
            self.env._("No customer has a matching identifier."),
            self.env._("Add an identifier"),
            "identifier",
        )

    def _read_metered_lines(self):
        """How many metered subscription lines the company of each source has."""
        lines = self.env["sale.subscription.line"].sudo()
        counts = {
            company: len(lines._metered_lines_of(company))
            for company in self.company_id
        }
        return {source.id: counts[source.company_id] for source in self}

    def _read_identifiers(self):
        """How many identifiers each source finds customers by today."""
        identifiers = self.env["metered.identifier"]
        domain = [
            *identifiers._domain_valid(fields.Datetime.now()),
            ("company_id", "in", self.company_id.ids),
            ("source_id", "in", [False, *self.ids]),
            ("kind", "in", self.payer_ids.mapped("kind")),
        ]
        counts = Counter()
        for company, source, kind, count in identifiers._read_group(
            domain, ["company_id", "source_id", "kind"], ["__count"]
        ):
            counts[company, source.id, kind] = count
        return {
            source.id: sum(
                counts[source.company_id, of, kind]
                for of in (False, source.id)
                for kind in {*source.payer_ids.mapped("kind")}
            )
            for source in self
        }

    def _last_imports(self):
        """The last ones that were not undone, the newest first."""
        ids = self._read_together("_read_last_imports") or ()
        return self.env["metered.batch"].browse(ids)

    def _read_last_imports(self):
        self.env["metered.batch"].flush_model(["source_id", "state"])
        self.env.cr.execute(
            f"SELECT id, {OF_LAST_IMPORTS} FROM unnest(%s) AS source (id)", (self.ids,)
        )
        return dict(self.env.cr.fetchall())

    def _read_last_import(self):
        """Of each source the last one, without reading those before it."""
        ids = [source._last_imports().ids[:1] for source in self]
        batches = self.env["metered.batch"].browse(chain.from_iterable(ids))
        return {batch.source_id.id: batch for batch in batches}

    def _check_last_batch(self):
        name = self.env._("Last import")
        batch = self._read_together("_read_last_import")
        if not batch:
            return Check(
                name,
                False,
                self.env._("Nothing imported yet."),
                self._fetch_label(),
                "fetch",
            )
        when = batch.finished or batch.create_date
        values = {
            "file": batch.display_name,
            "day": format_date(self.env, self._local_day(when)),
        }
        if batch.state == "failed" or batch.balance == "wrong":
            detail = (
                self.env._("%(file)s failed on %(day)s.", **values)
                if batch.state == "failed"
                else self.env._("%(file)s of %(day)s does not add up.", **values)
            )
            return Check(name, False, detail, self.env._("Open import"), "batch")
        if when < fields.Datetime.now() - timedelta(days=SILENT_DAYS):
            return Check(
                name,
                False,
                self.env._("Nothing since %(day)s.", **values),
                self._fetch_label(),
                "fetch",
            )
        return Check(name, True, self.env._("%(file)s, %(day)s", **values))

    def _local_day(self, moment):
        return fields.Datetime.context_timestamp(self, moment).date()

    # === REMEDIES === #

    def _show_check(self, check):
        """A check as the screen shows it, with what its button calls."""
        shown = {
            "name": check.name,
            "ok": check.ok,
            "detail": check.detail,
            "remedy": check.remedy,
        }
        if check.place in PAGES:
            shown["page"] = check.place
        elif check.place and self._may_remedy(check.place):
            shown["call"] = [self._name, self.id, "action_remedy", [check.place]]
        return shown

    def _may_remedy(self, place):
        """Whether the user may do what is done there."""
        if place in ("restore", "test"):
            return self.has_access("write")
        return True

    def action_remedy(self, place):
        """Open the place where a check is cured.

        :param str place: as a check names it
        """
        self.ensure_one()
        self.check_access("read")
        return self._remedy_action(place)

    def _remedy_action(self, place):
        """The action that opens where a check is cured, else the source itself."""
        if place == "restore":
            self.action_unarchive()
            return {"type": "ir.actions.client", "tag": "soft_reload"}
        if place == "test":
            return self.action_test_connection()
        if place == "fetch":
            return self.action_fetch()
        if place == "last_sync":
            return self._open_failed_sync()
        if place == GAPS:
            return self._action_gaps()
        if place == "batch":
            return self._last_imports()[:1]._get_records_action()
        if place == "numbers":
            checks = self.env["metered.number.check"]
            _check, numbers = checks._of_source(self)
            batches = self._last_imports()
            return checks._open(
                [("batch_id", "in", batches.ids), ("callee", "in", numbers)]
            )
        if place == "identifier":
            kinds = self.payer_ids.mapped("kind")
            return self.env["metered.identifier"]._action_new(
                default_kind=kinds[0] if kinds else "number",
                default_company_id=self.company_id.id,
            )
        return self._get_records_action()

    # === BRINGING USAGE IN === #

    def action_fetch(self):
        """Bring usage in now: for files, open the upload."""
        self.ensure_one()
        if self.is_connected:
            partner = self.env.context.get("metered_partner_id")
            return self.env["metered.sync.start"]._action_open(self, partner)
        return self.action_import()

    def _fetch_label(self):
        """What the button of :meth:`action_fetch` says."""
        if self.is_connected:
            return self.env._("Sync Phone Numbers & Call Records")
        return self.env._("Import usage")
