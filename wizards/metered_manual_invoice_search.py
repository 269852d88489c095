# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from odoo import Command, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import formatLang

from ..rating.exact import MICRO, rounded


@dataclass
class Found:
    """What there is to invoice.

    :ivar sums: dict (meter id, currency id) -> [calls, billed quantity, amount], the
        last two Decimal and exact
    :ivar billed: calls that are on an invoice already
    :ivar invoices: names of these invoices
    :ivar lost: calls that were on an invoice before and that no rate fits any more
    :ivar rerated_records: calls that were on an invoice before
    :ivar rerated_before, rerated_after: dict currency id -> their amount
    :ivar priced: list of ``PricedMeter``: what is no call
    :ivar problem: why usage that is no call cannot be priced
    """

    sums: dict = field(default_factory=dict)
    billed: int = 0
    invoices: str = ""
    lost: int = 0
    rerated_records: int = 0
    rerated_before: dict = field(default_factory=dict)
    rerated_after: dict = field(default_factory=dict)
    priced: list = field(default_factory=list)
    problem: str = ""

    def add(self, meter_id, currency_id, records, billed, amount):
        """Add usage to the sums."""
        sums = self.sums.setdefault((meter_id, currency_id), [0, Decimal(), Decimal()])
        sums[0] += records
        sums[1] += billed
        sums[2] += amount

    def as_json(self):
        """The sums as the wizard remembers them."""
        return {
            f"{meter_id} {currency_id}": [records, str(amount.normalize())]
            for (meter_id, currency_id), (records, _billed, amount) in self.sums.items()
        }


class MeteredManualInvoice(models.TransientModel):
    """Searching: what there is, whether it can be invoiced, and why not."""

    _inherit = "metered.manual.invoice"

    def _find(self):
        """Look at the usage of the question as it would be billed now.

        What is free again after it was on an invoice is rated with the rates of
        today, in memory: looking changes nothing.

        :return: :class:`Found`
        """
        found = Found()
        usage = self.env["metered.usage"].search_fetch(
            [*self._domain(), ("waived_period_id", "=", False)],
            ["invoice_line_id", "collecting", "meter_id", "records"],
        )
        billed = usage.filtered("invoice_line_id")
        found.billed = sum(billed.mapped("records"))
        found.invoices = billed.sudo().invoice_id._metered_label()
        calls = usage.filtered(lambda u: u.meter_id.kind == "call")
        open_usage = calls - billed
        freed = open_usage.filtered(lambda u: not u.collecting)
        self.env.cr.execute(
            """
            SELECT meter_id, currency_id, sum(records), sum(billed_quantity)::text,
                   sum(amount)::text
              FROM metered_usage WHERE id = ANY(%s) GROUP BY meter_id, currency_id
            """,
            ((open_usage - freed).ids,),
        )
        for meter_id, currency_id, records, quantity, amount in self.env.cr.fetchall():
            found.add(
                meter_id, currency_id, records, Decimal(quantity), Decimal(amount)
            )
        if freed:
            self._find_freed(freed, found)
        self._find_priced(usage - calls - billed, found)
        return found

    def _find_priced(self, usage, found):
        """Look at usage that is priced by billing periods; nothing is written."""
        currency = self._invoice_currency()
        try:
            found.priced = usage.sudo()._price_meters(
                self.company_id.sudo(),
                self.date_from,
                fields.Date.add(self.date_to, days=1),
                held=self._held(),
            )
        except UserError as error:
            found.problem = str(error)
        for priced in found.priced:
            found.add(
                priced.meter.id,
                priced.currency.id,
                sum(priced.usage.mapped("records")),
                Decimal(0),
                rounded(priced.due(currency), 12).normalize(),
            )

    def _find_freed(self, freed, found):
        rerated = freed._rerate(write=False)
        found.lost = len(rerated.unrated)
        for row in rerated.after.itertuples():
            found.add(
                row.meter_id,
                row.currency_id,
                row.records,
                Decimal(row.billed_quantity),
                row.charge_micro * MICRO,
            )
        if rerated.changed or rerated.unrated:
            found.rerated_records = int(rerated.before["records"].sum())
        for sums, rows in (
            (found.rerated_before, rerated.before),
            (found.rerated_after, rerated.after),
        ):
            for currency_id, of_currency in rows.groupby("currency_id"):
                sums[currency_id] = int(of_currency["charge_micro"].sum()) * MICRO

    def _show(self, found, changes):
        """Write what was found on the wizard.

        :param changes: text on what is not what the user looked at; False: nothing
        """
        company = self.company_id.sudo()
        currency = self._invoice_currency()
        today = fields.Date.context_today(self)
        Usage = self.env["metered.usage"].sudo()
        meters = self.env["metered.meter"].browse({key[0] for key in found.sums})
        lines = []
        for meter in meters.sorted(lambda m: (m.sequence, m.id)):
            for (meter_id, currency_id), sums in sorted(found.sums.items()):
                if meter_id != meter.id:
                    continue
                records, billed, amount = sums
                rated_in = self.env["res.currency"].browse(currency_id)
                total = Usage._convert_once(amount, rated_in, currency, company, today)
                lines.append(
                    {
                        "meter_id": meter.id,
                        "records": records,
                        "minutes": float(billed / 60) if meter.kind == "call" else 0.0,
                        "rated": self._format_sums({currency_id: amount}),
                        "amount": float(total),
                    }
                )
        amount = sum(line["amount"] for line in lines)
        checks = [*self._checks(found), *self._check_floor(amount)]
        unrated = self.env["metered.exception"].search_count(self._exception_domain())
        self._set_as_program(
            {
                "state": "found",
                "changes": changes,
                "seen": found.as_json(),
                "found": sum(sums[0] for sums in found.sums.values()) + found.billed,
                "billed": found.billed,
                "unrated": unrated,
                "unbilled": self.env["metered.period"].search_count(
                    self._unbilled_domain()
                ),
                "currency_id": currency.id,
                "amount": amount,
                "line_ids": [
                    Command.clear(),
                    *(Command.create(values) for values in lines),
                ],
                "checks": self._render_checks(checks),
                "problem": self._find_problem(found, meters, unrated),
            }
        )

    def _exception_domain(self):
        """Open exceptions of the customer and the days in question."""
        zone = ZoneInfo(
            self.partner_id.metered_tz
            or self.partner_id.commercial_partner_id.metered_tz
            or self.company_id.sudo()._metered_timezone()
        )

        def moment(day):
            local = datetime.combine(day, time.min, tzinfo=zone)
            return local.astimezone(UTC).replace(tzinfo=None)

        company, partner, *_days = self._domain()
        return [
            company,
            partner,
            ("state", "=", "open"),
            ("start_time", ">=", moment(self.date_from)),
            ("start_time", "<", moment(fields.Date.add(self.date_to, days=1))),
        ]

    # === WHETHER IT CAN BE INVOICED === #

    def _find_problem(self, found, meters, unrated):
        """Why no invoice can be made of it.

        :return: a sentence with what to do; False where an invoice can be made
        """
        if found.problem:
            return found.problem
        if not found.sums:
            return self._nothing_to_bill(found, unrated)
        sold = self.env["metered.meter"].browse(
            priced.meter.id for priced in found.priced if priced.product
        )
        without = meters.filtered(lambda meter: not meter.product_id) - sold
        if without:
            return self.env._(
                "No invoice product for %s. Set it under Metered Billing, "
                "Configuration, Call Types or Meters.",
                ", ".join(without.mapped("name")),
            )
        journal = (
            self.env["account.journal"]
            .sudo()
            .search(
                [
                    *self.env["account.journal"]._check_company_domain(self.company_id),
                    ("type", "=", "sale"),
                ],
                limit=1,
            )
        )
        if not journal:
            return self.env._(
                "%s has no sales journal. Set up its accounting first.",
                self.company_id.sudo().name,
            )
        return False

    def _nothing_to_bill(self, found, unrated):
        if found.lost:
            return self.env._(
                "No rate matches the calls of these days anymore. Check the "
                "customer's rate deck."
            )
        if found.billed or found.invoices:
            return self.env._(
                "All usage of these days is already invoiced: %s.", found.invoices
            )
        if unrated:
            return self.env._(
                "No records could be rated. Check the open exceptions of these days."
            )
        return self.env._(
            "%(customer)s has no usage on these days.",
            customer=self.partner_id.display_name,
        )

    def _describe_changes(self, seen, found):
        """What is not as the user saw it, a line for each call type.

        :param seen: as :meth:`Found.as_json` gave it then
        """
        words = self.env["metered.explanation"]
        now, texts = found.as_json(), []
        for key in dict.fromkeys([*seen, *now]):
            if seen.get(key) == now.get(key):
                continue
            meter_id, currency_id = map(int, key.split())
            (old_calls, old), (new_calls, new) = (
                sums.get(key, (0, "0")) for sums in (seen, now)
            )
            texts.append(
                self.env._(
                    "%(meter)s: %(old_calls)s, %(old)s before; %(new_calls)s, %(new)s "
                    "now",
                    meter=self.env["metered.meter"].browse(meter_id).name,
                    old_calls=words._records(old_calls),
                    old=self._format_sums({currency_id: Decimal(old)}),
                    new_calls=words._records(new_calls),
                    new=self._format_sums({currency_id: Decimal(new)}),
                )
            )
        return "\n".join(texts)

    def _format_sums(self, sums):
        """Exact amounts with their currencies.

        :param sums: dict currency id -> Decimal
        """
        texts = []
        for currency_id, amount in sums.items():
            currency = self.env["res.currency"].browse(currency_id)
            exact = -amount.normalize().as_tuple().exponent
            texts.append(
                formatLang(self.env, float(amount), max(exact, currency.decimal_places))
                + f" {currency.name}"
            )
        return " + ".join(texts) or "0"
