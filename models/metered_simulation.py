# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64
import io
import time
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import xlsxwriter

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..ingest.load import deck_chain, load_engine
from ..ingest.simulate import Simulation, add_up, read_calls
from .metered_job import UNFINISHED

#: first key of the advisory locks that simulations hold while they work ("mbsi")
JOB_LOCK_CLASS = 0x6D627369
#: calls that are rated while somebody waits for the answer
AT_ONCE = 100_000
MICRO = Decimal("0.000001")


class MeteredSimulation(models.Model):
    """Stored calls rated with other decks, in memory; only its result is stored.

    *What if* asks what a period would have brought with a deck, also one that is
    archived or never was in use. *Margins* asks what it cost: with the cost deck of
    each source, or the company's.

    It works day by day; the sums so far and the day are committed together.
    """

    _name = "metered.simulation"
    _description = "What If"
    _inherit = ["metered.job"]
    _order = "id desc"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    kind = fields.Selection(
        [("what_if", "What if"), ("margin", "Margins")],
        required=True,
        readonly=True,
        default="what_if",
    )
    deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Try This Deck",
        readonly=True,
        ondelete="cascade",
        context={"active_test": False},
    )
    replaces_id = fields.Many2one(
        "metered.rate.deck",
        string="In Place Of",
        readonly=True,
        ondelete="cascade",
        context={"active_test": False},
        help="Only customers who have this deck are rated. Empty: the deck is asked "
        "first for every customer.",
    )
    partner_ids = fields.Many2many("res.partner", string="Customers", readonly=True)
    date_from = fields.Date(string="From", required=True, readonly=True)
    date_to = fields.Date(string="To", required=True, readonly=True, help="Last day.")
    position = fields.Date(readonly=True, help="Next day to rate.")
    left_out = fields.Integer(
        readonly=True, help="Calls of customers or sources that it is not about."
    )
    line_ids = fields.One2many("metered.simulation.line", "simulation_id")
    result = fields.Char(compute="_compute_result")
    unrated = fields.Integer(compute="_compute_result", string="Without Rate")
    below = fields.Integer(compute="_compute_result", string="Calls Below Cost")

    @api.depends("date_from", "date_to", "deck_id", "kind")
    def _compute_display_name(self):
        for run in self:
            what = run.deck_id.name if run.kind == "what_if" else self.env._("Margins")
            run.display_name = self.env._(
                "%(what)s, %(first)s – %(last)s",
                what=what,
                first=format_date(self.env, run.date_from),
                last=format_date(self.env, run.date_to),
            )

    @api.depends("state")
    def _compute_result(self):
        words = self.env["metered.explanation"]
        for run in self:
            sums = self.env["metered.simulation.line"]._read_group(
                [("simulation_id", "=", run.id)],
                ["currency_id"],
                ["before:sum", "after:sum", "unrated:sum", "below:sum"],
            )
            run.unrated = sum(row[3] for row in sums)
            run.below = sum(row[4] for row in sums)
            run.result = "; ".join(
                self.env._(
                    "%(before)s → %(after)s %(currency)s",
                    before=words._number(formatted(before)),
                    after=words._number(formatted(after)),
                    currency=currency.name,
                )
                for currency, before, after, *_rest in sums
            )

    # === START === #

    @api.model
    def _start(self, values):
        """Begin; at once where it is little.

        :param values: of the record; the user may look at all of it
        :return: action that shows it
        """
        run = self.sudo().create({**values, "position": values["date_from"]})
        run.expected = run._count_calls()
        if not run.expected:
            raise UserError(
                self.env._("There are no rated calls on these days: choose others.")
            )
        run._load()  # what is missing is said at once
        if run.expected <= AT_ONCE:
            run._process()
        else:
            self.env.ref("metered_billing.ir_cron_simulation").sudo()._trigger()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": run.id,
            "views": [(run._form_view().id, "form")],
            "target": "current",
        }

    def _form_view(self):
        return self.env.ref(f"metered_billing.metered_simulation_view_form_{self.kind}")

    def _count_calls(self):
        """About how many calls it is about: rated ones of these days."""
        domain = [
            ("company_id", "=", self.company_id.id),
            ("day", ">=", self.date_from),
            ("day", "<=", self.date_to),
            ("meter_id.kind", "=", "call"),
        ]
        if self.partner_ids:
            domain.append(("partner_id", "child_of", self.partner_ids.ids))
        [[calls]] = self.env["metered.usage"]._read_group(domain, [], ["records:sum"])
        return calls or 0

    # === WHAT IS TRIED === #

    def _load(self):
        """The `Simulation` with the decks that are tried."""
        company = self.company_id.with_company(self.company_id)
        env = company.env(
            context={**self.env.context, "allowed_company_ids": company.ids}
        )
        if self.kind == "margin":
            return self._load_costs(company.with_env(env))
        partners = env["res.partner"].browse(self._partner_ids(company))
        chain_of, chains = {}, {}
        for partner in partners.with_company(company):
            chain = self._chain_to_try(deck_chain(partner, company.with_env(env)))
            if chain is not None:
                chain_of[partner.id] = chains.setdefault(chain, len(chains))
        engine, currency_of_deck = load_engine(env, list(chains))
        return Simulation(engine, currency_of_deck, chain_of)

    def _chain_to_try(self, chain):
        """A customer's decks with the one that is tried; None: it is not about them."""
        new = self.deck_id.id
        if not self.replaces_id:
            return (new, *(deck for deck in chain if deck != new))
        if self.replaces_id.id not in chain:
            return None
        return tuple(
            dict.fromkeys(new if d == self.replaces_id.id else d for d in chain)
        )

    def _load_costs(self, company):
        """The cost deck of each source, or the company's."""
        chain_of, chains = {}, {}
        sources = company.env["metered.source"].with_context(active_test=False)
        for source in sources.search([("company_id", "=", company.id)]):
            deck = source.cost_deck_id or company.metered_cost_deck_id
            if deck:
                chain_of[source.id] = chains.setdefault((deck.id,), len(chains))
        if not chains:
            raise UserError(
                self.env._(
                    "No cost deck is set: import your supplier's rates as a deck, and "
                    "choose it as cost deck of the company in the settings, or on the "
                    "source."
                )
            )
        engine, currency_of_deck = load_engine(company.env, list(chains))
        return Simulation(engine, currency_of_deck, chain_of, "source_id")

    def _partner_ids(self, company):
        """Customers with calls on these days."""
        domain = [
            ("company_id", "=", company.id),
            ("day", ">=", self.date_from),
            ("day", "<=", self.date_to),
        ]
        if self.partner_ids:
            domain.append(("partner_id", "child_of", self.partner_ids.ids))
        found = self.env["metered.usage"]._read_group(domain, ["partner_id"])
        return [partner.id for [partner] in found]

    # === RUN === #

    @api.model
    def _cron_process_jobs(self):
        """Run what waits, the oldest first, for a slice of time."""
        self._work_off(UNFINISHED, "_process")

    def _run(self, commit, seconds):
        begun = time.monotonic()
        simulation = self._load()
        worth = self._worth()
        meters = self.env["metered.meter"].with_context(active_test=False)
        meter_ids = meters.search([("kind", "=", "call")]).ids
        partner_ids = self._partner_ids(self.company_id) if self.partner_ids else None
        zone = ZoneInfo(self.company_id._metered_timezone())
        parts, calls, kept, day = [], 0, 0, self.position
        while day <= self.date_to:
            found = read_calls(
                self.env.cr,
                self.company_id.id,
                _midnight(day, zone),
                _midnight(day + timedelta(days=1), zone),
                meter_ids,
                partner_ids,
            )
            part = simulation.rate(found, worth)
            calls, kept = calls + len(found), kept + int(part["calls"].sum())
            parts.append(part)
            day += timedelta(days=1)
            if seconds is not None and time.monotonic() - begun > seconds:
                break
        self.position = day
        if parts and kept:
            self._add_lines(add_up([part for part in parts if len(part)]))
        self._add_to_counters(
            records=calls, left_out=calls - kept, run_seconds=time.monotonic() - begun
        )
        if commit:
            commit()
        return day > self.date_to

    def _worth(self):
        """What one unit of a currency is in another, on the last day; remembered."""
        known = {}

        def worth(currency_id, to_currency_id):
            pair = currency_id, to_currency_id
            if pair not in known:
                currency, to_currency = self.env["res.currency"].browse(pair)
                known[pair] = self.env["res.currency"]._get_conversion_rate(
                    currency, to_currency, self.company_id, self.date_to
                )
            return known[pair]

        return worth

    def _add_lines(self, sums):
        """Add sums to the lines; charges in another currency are converted.

        :param sums: DataFrame of ``ingest.simulate``
        """
        worth = self._worth()
        rows = {}
        for row in sums.to_dict("records"):
            key = tuple(
                int(row[name])
                for name in ("partner_id", "meter_id", "destination_id", "currency_id")
            )
            factor = Decimal(repr(worth(row["to_currency_id"], row["currency_id"])))
            before = int(row["before_micro"]) * MICRO
            after = (int(row["after_micro"]) * MICRO * factor).quantize(MICRO)
            change = before - after if self.kind == "margin" else after - before
            new = (
                *(int(row[name]) for name in ("calls", "seconds", "unrated", "below")),
                before,
                after,
                change,
                int(row["lost"]) * MICRO,
            )
            old = rows.get(key)
            rows[key] = (
                tuple(a + b for a, b in zip(old, new, strict=True)) if old else new
            )
        self.flush_recordset()
        self.env.cr.execute_values(
            """
            INSERT INTO metered_simulation_line AS line (
                simulation_id, company_id, partner_id, meter_id, destination_id,
                currency_id, calls, seconds, unrated, below, before, after, difference,
                lost)
            VALUES %s
            ON CONFLICT (simulation_id, partner_id, meter_id,
                         coalesce(destination_id, 0), currency_id)
            DO UPDATE SET calls = line.calls + excluded.calls,
                seconds = line.seconds + excluded.seconds,
                unrated = line.unrated + excluded.unrated,
                below = line.below + excluded.below,
                before = line.before + excluded.before,
                after = line.after + excluded.after,
                difference = line.difference + excluded.difference,
                lost = line.lost + excluded.lost
            """,
            [
                (self.id, self.company_id.id, p, m, d or None, c, *values)
                for (p, m, d, c), values in rows.items()
            ],
            page_size=1000,
        )
        self.env["metered.simulation.line"].invalidate_model(flush=False)
        self.invalidate_recordset(["line_ids", "result", "unrated", "below"])

    @api.model
    def _job_lock_class(self):
        return JOB_LOCK_CLASS

    # === RESULT === #

    def action_view_lines(self):
        """Open the result as a pivot, list and graph."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            f"metered_billing.action_metered_simulation_line_{self.kind}"
        )
        action["domain"] = [("simulation_id", "=", self.id)]
        action["display_name"] = self.display_name
        return action

    def action_download(self):
        """Download the result as a workbook."""
        self.ensure_one()
        self.check_access("read")
        content = io.BytesIO()
        with xlsxwriter.Workbook(content) as book:
            sheet = book.add_worksheet()
            titles, rows = self._sheet()
            sheet.write_row(0, 0, titles, book.add_format({"bold": True}))
            for place, row in enumerate(rows, start=1):
                sheet.write_row(place, 0, row)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, max(len(rows), 1), len(titles) - 1)
            sheet.set_column(0, 2, 28)
        export = self.env["metered.deck.export"].create(
            {
                "file": base64.b64encode(content.getvalue()),
                "file_name": f"{self.display_name.replace('/', '-')}.xlsx",
            }
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{export._name}/{export.id}/file?download=true"
            "&filename_field=file_name",
            "target": "download",
        }

    def _sheet(self):
        """The result as (titles in the user's language, rows)."""
        lines = self.env["metered.simulation.line"].search(
            [("simulation_id", "=", self.id)]
        )
        after = self.env._("Cost") if self.kind == "margin" else self.env._("Then")
        change = (
            self.env._("Margin") if self.kind == "margin" else self.env._("Difference")
        )
        titles = [
            self.env._("Customer"),
            self.env._("Call type"),
            self.env._("Destination"),
            self.env._("Currency"),
            self.env._("Calls"),
            self.env._("Minutes"),
            self.env._("Now"),
            after,
            change,
            self.env._("Without rate"),
            self.env._("Calls dearer than now")
            if self.kind == "what_if"
            else self.env._("Calls below cost"),
        ]
        return (
            titles,
            [
                (
                    line.partner_id.display_name,
                    line.meter_id.name,
                    line.destination_id.name or "",
                    line.currency_id.name,
                    line.calls,
                    line.seconds / 60,
                    line.before,
                    line.after,
                    line.difference,
                    line.unrated,
                    line.below,
                )
                for line in lines
            ],
        )


def formatted(amount):
    """A sum as decimal text, two decimals."""
    return f"{Decimal(repr(amount or 0.0)).quantize(Decimal('0.01')):f}"


def _midnight(day, zone):
    """When a day begins in a time zone, naive UTC."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return local.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
