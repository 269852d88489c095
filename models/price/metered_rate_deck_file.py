# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import datetime
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ...deck_files import (
    Choices,
    DeckFileError,
    Problem,
    compare,
    parse_deck,
    read_rows,
    split_tiers,
    write_csv,
    write_xlsx,
)
from ...deck_files.changes import ALWAYS, OPEN, TERMS
from ...ingest.frames import COPY_BUFFER, copy_csv, decimals, ids_or_null
from ...rating.exact import exact_text
from ..screen.actions import notification, window_action

#: kinds of files whose meaning is kept
MOST_REMEMBERED = 20
#: the tiers of rates, as ``deck_files.tiers_text`` writes them
TIERS = """
    SELECT tier.rate_id,
           string_agg(tier.from_second || ': ' || trim_scale(tier.price) || '/'
                      || tier.per_seconds || ' ' || tier.increment,
                      '; ' ORDER BY tier.from_second) AS text
      FROM metered_rate_tier tier JOIN metered_rate rate ON rate.id = tier.rate_id
     WHERE rate.deck_id = %(deck)s
     GROUP BY tier.rate_id
"""
CURRENT = rf"""
    SELECT id, coalesce(prefix, ''), coalesce(meter_id, 0), coalesce(band_id, 0),
           coalesce(name, ''),
           (price * 100000000)::bigint, per_seconds, initial_increment, increment,
           (connection_fee * 100000000)::bigint, (min_charge * 100000000)::bigint,
           CASE WHEN has_max_charge
                THEN (max_charge * 100000000)::bigint ELSE -1 END,
           grace_seconds, coalesce(tiers.text, ''),
           coalesce(date_from - date '0001-01-01' + 1, 0),
           coalesce(date_to - date '0001-01-01' + 1, 10000000),
           coalesce(used, FALSE)
      FROM metered_rate LEFT JOIN ({TIERS}) tiers ON tiers.rate_id = metered_rate.id
     WHERE deck_id = %(deck)s AND destination_id IS NULL
"""
CURRENT_COLUMNS = [
    "rate_id",
    "prefix",
    "meter_id",
    "band_id",
    "name",
    *TERMS,
    "tiers",
    "date_from",
    "date_to",
    "used",
]


class MeteredRateDeck(models.Model):
    """A deck from a file: what the file would change, and applying it."""

    _inherit = "metered.rate.deck"

    version_ids = fields.One2many(
        "metered.rate.deck.version",
        "deck_id",
        readonly=True,
    )
    file_choices = fields.Json(
        readonly=True,
        copy=False,
        help="Choices for reading rate files, by their column names, as made for the "
        "last import.",
    )

    # === FROM A FILE === #

    def _read_file(
        self, attachment, name, date_from, date_order="", whole=False, choices=None
    ):
        """Read a file, and say what it changes in this deck; nothing is written.

        :param attachment: ``ir.attachment`` with the file
        :param name: of the file
        :param choices: how it is meant, as ``deck_files.Choices.as_json`` has it; None:
            as it was said of the last file with the same columns
        :return: (``deck_files.DeckReading``, what it changes, what is wrong or not
            clear); see :meth:`_compare_with_file`
        :raises UserError: when it is no file of rates
        """
        with self.env["metered.batch"]._attachment_path(attachment) as path:
            try:
                rows = self._read_rows(path, name or "", choices)
                reading = parse_deck(rows, date_order)
                changes, problems = self._compare_with_file(reading, date_from, whole)
            except DeckFileError as error:
                raise UserError(
                    self.env["metered.explanation"]._error(error)
                ) from error
        return reading, changes, problems

    def _read_rows(self, path, name, choices):
        """The rows of a file, as it was said or is remembered; see `_read_file`."""
        remembered = self.file_choices or {}

        def read(how):
            return read_rows(path, name, how, lenient=True, known=remembered)

        if choices is not None:
            return read(Choices.from_json(choices))
        rows = read(Choices())
        if rows.key not in remembered:
            return rows
        return read(Choices.from_json(remembered[rows.key]))

    def _remember_choices(self, rows):
        """Keep how a file is meant, for the next one with the same columns.

        :param rows: ``deck_files.DeckRows``
        """
        # The line of a header is another one in each file.
        line = rows.choices.header_line and None
        kept = replace(rows.choices, header_line=line, remarks="").as_json()
        known = {**(self.file_choices or {})}
        known.pop(rows.key, None)
        if kept:
            known[rows.key] = kept
        latest = dict(list(known.items())[-MOST_REMEMBERED:])
        if latest != (self.file_choices or {}):
            self._set_as_program({"file_choices": latest})

    def _compare_with_file(self, reading, date_from, whole=False):
        """What a file changes in this deck; nothing is written.

        :param reading: ``deck_files.DeckReading``
        :param date_from: first day of rates without a date of their own; False: they
            always held
        :param whole: whether rates that the file does not name end
        :return: (``deck_files.changes.Changes``, list of ``Problem``)
        """
        self.ensure_one()
        rates, problems = reading.rates, reading.all_problems
        problems += self._check_currency(reading)
        problems += self._resolve_names(rates)
        wrong = {problem.line for problem in problems}
        rates = rates[~rates["line"].isin(wrong)].reset_index(drop=True)
        for name, default in (("valid_from", ALWAYS), ("valid_until", OPEN)):
            rates[name] = [
                day.toordinal() if isinstance(day, datetime.date) else default
                for day in rates[name]
            ]
        day = date_from.toordinal() if date_from else ALWAYS
        changes = compare(self._current_rates(), rates, day, whole)
        say = self.env["metered.explanation"]._error
        problems = [
            Problem(problem.line, say(problem.error), problem.question)
            for problem in problems + changes.problems
        ]
        return changes, problems

    def _check_currency(self, reading):
        """A problem where the prices say that they are in another currency."""
        known = reading.currencies
        if not known or self.currency_id.name in known:
            return []
        if len(known) == 1:
            text = self.env._(
                "The prices are in %(file)s, but the deck uses %(deck)s. Choose a "
                "deck in that currency.",
                file=min(known),
                deck=self.currency_id.name,
            )
        else:
            text = self.env._(
                "The prices are in a different currency than the deck, which uses %s. "
                "Choose a deck in their currency.",
                self.currency_id.name,
            )
        return [Problem(reading.rows.line or 1, text)]

    def _resolve_names(self, rates):
        """Replace the names of call types and time bands by ids; 0 for none.

        :return: list of ``Problem``: names that there are not
        """
        company = ("company_id", "in", [False, self.company_id.id])
        meters = self.env["metered.meter"].search([("kind", "=", "call"), company])
        bands = self.env["metered.time.band"].search([company])
        known_of = {
            "call_type": {
                text.lower(): meter.id
                for meter in meters
                for text in (meter.name, meter.code)
                if text
            },
            "band": {band.name.lower(): band.id for band in bands},
        }
        problems = []
        for column, target, message in (
            (
                "call_type",
                "meter_id",
                self.env._("There is no call type %(name)s."),
            ),
            ("band", "band_id", self.env._("There is no time band %(name)s.")),
        ):
            known = known_of[column]
            rates[target] = np.array(
                [known.get(text.lower(), 0) for text in rates[column]], np.int64
            )
            unknown = (rates[target] == 0) & (rates[column] != "")
            problems += [
                Problem(int(row["line"]), message % {"name": row[column]})
                for _index, row in rates[unknown].iterrows()
            ]
        return problems

    def _current_rates(self):
        """The rates by prefix, as ``deck_files.compare`` takes them."""
        self.env["metered.rate"].flush_model()
        self.env["metered.rate.tier"].flush_model()
        self.env.cr.execute(CURRENT, {"deck": self.id})
        frame = pd.DataFrame(self.env.cr.fetchall(), columns=CURRENT_COLUMNS)
        texts = ("prefix", "name", "tiers", "used")
        numbers = [name for name in CURRENT_COLUMNS if name not in texts]
        return frame.astype({name: np.int64 for name in numbers} | {"used": bool})

    def _apply_changes(self, changes, version):
        """Write what a file changes, all of it.

        :param changes: ``deck_files.changes.Changes`` without problems, of the deck as
            it is now: it has to be locked
        :param version: the ``metered.rate.deck.version`` record that it is part of
        """
        self.ensure_one()
        self.env.flush_all()
        cr = self.env.cr
        if len(changes.gone):
            cr.execute(
                "DELETE FROM metered_rate WHERE id = ANY(%s) AND used IS NOT TRUE",
                (changes.gone.tolist(),),
            )
        cr.execute(
            """
            UPDATE metered_rate rate
               SET date_to = new.day, write_uid = %s,
                   write_date = now() AT TIME ZONE 'UTC'
              FROM unnest(%s::int[], %s::date[]) AS new (id, day)
             WHERE rate.id = new.id
            """,
            (
                self.env.uid,
                changes.ends["rate_id"].tolist(),
                [_date(day) for day in changes.ends["day"]],
            ),
        )
        if len(changes.added):
            self._copy_rates(changes.added, version)
            self._store_tiers(changes.added, version)
            self._cure_later()
        self.env.invalidate_all()

    def _copy_rates(self, rows, version):
        """Store the rows as rates, by one COPY."""
        count = len(rows)
        now = fields.Datetime.to_string(fields.Datetime.now())

        def same(value):
            return pa.array([value] * count)

        def texts(values):
            return pa.array([value or None for value in values], pa.string())

        def money(name):
            return decimals(np.maximum(rows[name].to_numpy(np.int64), 0), 8)

        numbers = {
            name: rows[name].to_numpy(np.int64)
            for name in (
                "per_seconds",
                "initial_increment",
                "increment",
                "grace_seconds",
            )
        }
        columns = {
            "deck_id": same(self.id),
            "company_id": same(self.company_id.id),
            "version_id": same(version.id),
            "prefix": texts(rows["prefix"]),
            "name": texts(rows["name"]),
            "meter_id": ids_or_null(rows["meter_id"].to_numpy(np.int64)),
            "band_id": ids_or_null(rows["band_id"].to_numpy(np.int64)),
            "price": money("price_e8"),
            "connection_fee": money("connection_fee_e8"),
            "min_charge": money("min_charge_e8"),
            "max_charge": money("max_charge_e8"),
            "has_max_charge": pa.array((rows["max_charge_e8"] >= 0).to_numpy()),
            "grace_kind": texts(
                "including" if including else "below"
                for including in rows["grace_including"]
            ),
            "date_from": texts(_date(day) for day in rows["day"]),
            "date_to": texts(_date(day) for day in rows["until"]),
            "used": same(False),
            "create_uid": same(self.env.uid),
            "write_uid": same(self.env.uid),
            "create_date": same(now),
            "write_date": same(now),
            **{name: pa.array(values) for name, values in numbers.items()},
        }
        names = SQL(", ").join(map(SQL.identifier, columns))
        self.env.cr.copy_expert(
            self.env.cr.mogrify(
                SQL("COPY metered_rate (%s) FROM STDIN (FORMAT csv)", names)
            ).decode(),
            copy_csv(pa.table(columns)),
            COPY_BUFFER,
        )

    def _store_tiers(self, rows, version):
        """Store the tiers of rates that were stored with a version."""
        values = [
            (
                version.id,
                row.prefix,
                int(row.meter_id),
                int(row.band_id),
                _date(row.day),
                start,
                exact_text(Decimal(price_e8).scaleb(-8)),
                per,
                step,
            )
            for row in rows[rows["tiers"] != ""].itertuples()
            for start, price_e8, per, step in split_tiers(row.tiers)
        ]
        if not values:
            return
        self.env.cr.execute_values(
            """
            INSERT INTO metered_rate_tier (
                rate_id, company_id, from_second, price, per_seconds, increment,
                create_uid, write_uid, create_date, write_date)
            SELECT rate.id, rate.company_id, new.start, new.price::numeric, new.per,
                   new.step, rate.create_uid, rate.write_uid, rate.create_date,
                   rate.write_date
              FROM (VALUES %s) AS new (version_id, prefix, meter_id, band_id, day,
                                       start, price, per, step)
              JOIN metered_rate rate
                ON rate.version_id = new.version_id
               AND coalesce(rate.prefix, '') = new.prefix
               AND coalesce(rate.meter_id, 0) = new.meter_id
               AND coalesce(rate.band_id, 0) = new.band_id
               AND rate.date_from IS NOT DISTINCT FROM new.day::date
            """,
            values,
            page_size=1000,
        )

    def action_import(self):
        """Open the import of a deck's file."""
        self.ensure_one()
        return window_action(
            self.env,
            "action_metered_deck_import",
            context={
                "default_deck_id": self.id,
                "default_opened_on_id": self.id,
            },
        )

    # === EXPORT === #

    def _export_rows(self):
        """The rates by prefix that hold now or later, as ``deck_files.write`` wants.

        :return: list of tuples of texts
        """
        self.ensure_one()
        self.env["metered.rate"].flush_model()
        self.env["metered.rate.tier"].flush_model()
        self.env.cr.execute(
            f"""
            SELECT coalesce(rate.prefix, '*'), coalesce(rate.name, ''),
                   coalesce(meter.code, ''), coalesce(rate.band_id, 0),
                   trim_scale(rate.price)::text, rate.per_seconds::text,
                   rate.initial_increment::text, rate.increment::text,
                   trim_scale(rate.connection_fee)::text,
                   trim_scale(rate.min_charge)::text,
                   CASE WHEN rate.has_max_charge
                        THEN trim_scale(rate.max_charge)::text ELSE '' END,
                   CASE WHEN rate.grace_kind = 'including' THEN ''
                        ELSE rate.grace_seconds::text END,
                   CASE WHEN rate.grace_kind = 'including'
                        THEN greatest(rate.grace_seconds - 1, 0)::text ELSE '' END,
                   coalesce(tiers.text, ''),
                   coalesce(rate.date_from::text, ''), coalesce(rate.date_to::text, '')
              FROM metered_rate rate
              LEFT JOIN metered_meter meter ON meter.id = rate.meter_id
              LEFT JOIN ({TIERS}) tiers ON tiers.rate_id = rate.id
             WHERE rate.deck_id = %(deck)s AND rate.destination_id IS NULL
               AND (rate.date_to IS NULL OR rate.date_to > %(today)s)
             ORDER BY rate.prefix NULLS FIRST, meter.code, rate.band_id,
                      rate.date_from
            """,  # noqa: S608 - ours
            {"deck": self.id, "today": fields.Date.context_today(self)},
        )
        rows = self.env.cr.fetchall()
        bands = self.env["metered.time.band"].browse({row[3] for row in rows} - {0})
        names = {0: "", **{band.id: band.name for band in bands}}
        return [(*row[:3], names[row[3]], *row[4:]) for row in rows]

    def action_export_csv(self):
        """Download the rates as CSV."""
        return self._export("csv", write_csv)

    def action_export_xlsx(self):
        """Download the rates as a workbook."""
        return self._export("xlsx", lambda rows: write_xlsx(rows, self.name))

    def _export(self, kind, write):
        rows = self._export_rows()
        if not rows and self.rate_count:
            raise UserError(
                self.env._(
                    "The rates of %(deck)s are by destination, but only rates by "
                    "prefix can be exported.",
                    deck=self.name,
                )
            )
        download = self.env["metered.deck.export"]._download(
            write(rows), f"{self.name} {fields.Date.context_today(self)}.{kind}"
        )
        left_out = self.env["metered.rate"].search_count(
            [("deck_id", "=", self.id), ("destination_id", "!=", False)]
        )
        if not left_out:
            return download
        return notification(
            self.env._(
                "Rates by destination were not exported: %(count)s of %(deck)s. Only "
                "rates by prefix can be exported.",
                count=left_out,
                deck=self.name,
            ),
            "warning",
            sticky=True,
            next=download,
        )


class MeteredRate(models.Model):
    _inherit = "metered.rate"

    version_id = fields.Many2one(
        "metered.rate.deck.version",
        string="Imported From",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        help="The file this rate was imported from.",
    )


class MeteredRateDeckVersion(models.Model):
    """One file that was applied to a deck, and what it changed."""

    _name = "metered.rate.deck.version"
    _description = "Rate Deck Version"
    _inherit = ["metered.guarded"]
    _order = "id desc"

    deck_id = fields.Many2one(
        "metered.rate.deck",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
        string="Rate Deck",
    )
    company_id = fields.Many2one(related="deck_id.company_id", store=True)
    date_from = fields.Date(
        string="Applied From",
        readonly=True,
        help="First day of rates without a start date of their own. Empty if "
        "those rates have no start date.",
    )
    file_name = fields.Char(string="File", readonly=True)
    attachment_id = fields.Many2one("ir.attachment", readonly=True, ondelete="restrict")
    user_id = fields.Many2one("res.users", string="Applied By", readonly=True)
    whole = fields.Boolean(
        string="Whole Deck",
        readonly=True,
        help="Rates not in the file were ended.",
    )
    count_new = fields.Integer(string="New", readonly=True)
    count_dearer = fields.Integer(string="Increases", readonly=True)
    count_cheaper = fields.Integer(string="Decreases", readonly=True)
    count_terms = fields.Integer(string="Changed Terms", readonly=True)
    count_closed = fields.Integer(string="Ended", readonly=True)
    count_prolonged = fields.Integer(string="Extended", readonly=True)
    count_unchanged = fields.Integer(string="Unchanged", readonly=True)

    @api.depends("file_name", "create_date")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for version in self:
            day = format_date(self.env, version.create_date)
            version.display_name = f"{version.file_name} ({day})"

    def action_download(self):
        """Download the file as it was applied."""
        self.ensure_one()
        self.check_access("read")
        self.attachment_id.sudo()._metered_check()
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self.attachment_id.id}?download=true",
            "target": "download",
        }

    def action_view_rates(self):
        """Open the rates that came with this file."""
        self.ensure_one()
        return window_action(
            self.env, "action_metered_rate", [("version_id", "=", self.id)], context={}
        )


def _date(ordinal):
    """A day as text for the database; None for always and until further notice."""
    if ordinal in (ALWAYS, OPEN):
        return None
    return datetime.date.fromordinal(int(ordinal)).isoformat()
