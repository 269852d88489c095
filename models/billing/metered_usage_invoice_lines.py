# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...rating.exact import exact_text, places_of, rounded, to_decimal
from ...rating.shares import ENDLESS_DECIMALS, finite, finite_amount, running, shares

#: what has a quantity in the priced unit
COUNTED = ("usage", "tier", "volume", "free")


@dataclass(slots=True)
class ShownLine:
    """One line of an invoice for the usage of a meter.

    - `line`: ``ChargeLine``, None for the sum of all
    - `amount`: Fraction in the currency of the price; the usage rows come to it
    - `price_unit`, `quantity`: Decimals as the invoice has them
    - `counted`: Fraction, how much of the priced quantity it is
    """

    line: object
    amount: Fraction
    price_unit: Decimal
    quantity: Decimal = Decimal(1)
    counted: Fraction = Fraction(0)


class MeteredUsage(models.Model):
    """Invoice lines for the usage of meters, and the usage rows that they hold.

    Each line is the sum of its usage rows, exactly. The rows with records are on the
    first line of their meter, each with its share; what has no records of its own
    (the other tiers, a minimum charge) is held by rows without records.
    """

    _inherit = "metered.usage"

    def _prepare_meter_lines(
        self,
        company,
        currency,
        partner,
        date_from,
        date_to,
        date,
        subscription=None,
        carried=(),
        held=(),
    ):
        """Price open usage of meters; values of its invoice lines.

        Charge, currency and billed quantity are written on the usage.

        :param partner: in whose language the lines are written
        :param date: at which sums are converted into ``currency``
        :param carried: periods that were carried forward, as of
            :meth:`_prepare_invoice_lines`
        :param held: as of :meth:`_prepare_invoice_lines`
        :return: list of (dict for ``account.move.line``, ids of the usage), as
            :meth:`_prepare_invoice_lines`
        """
        lines = []
        for found in self._price_meters(
            company, date_from, date_to, subscription, carried=carried, held=held
        ):
            lines += self._lines_of_meter(found, company, currency, partner, date)
        made_before = self.filtered(lambda usage: not usage.records)
        # A tier or a minimum of an invoice that is no more: made anew where needed.
        made_before.unlink()
        return lines

    def _lines_of_meter(self, found, company, currency, partner, date):
        if not found.product:
            raise UserError(
                self.env._(
                    "The meter %(meter)s has no invoice product. Set it under Metered "
                    "Billing, Configuration, Meters.",
                    meter=found.meter.name,
                )
            )
        if found.billed_usage:
            # A difference to it may be billed at the same time: not both.
            found.billed_usage._claim()
        shown = self._shown_lines(found, company, currency, date)
        rows = found.records
        lines = []
        for place, line in enumerate(shown):
            if place == 0 and rows:
                self._share_out(found, line)
                ids = rows.ids
            else:
                ids = [self._make_row(found, line, company, partner)]
            values = self._line_values(found, line, len(shown) > 1, partner)
            if place == 0 and found.meter.kind == "counter":
                told = [values["name"], *rows._reading_lines(partner)]
                values["name"] = "\n".join(told)
            lines.append((values, ids))
        return lines

    # === LINES === #

    def _shown_lines(self, found, company, currency, date):
        """The lines that a meter has on an invoice.

        :return: list of :class:`ShownLine`, at least one
        """
        due = finite_amount(found.due(currency))
        quantity = found.due_quantity
        parts = [(None, due)]
        lines = ()
        if found.service:
            # One line for each: items times their price, where there is one price.
            lines = found.priced.lines if len(found.priced.lines) == 1 else ()
        elif found.meter.presentation == "detail":
            lines = found.price._with_free_lines(found.priced)
        if not found.billed_usage:
            parts = self._parts(lines, due, found, currency) or parts
        converted = [
            self._converted(total, found.currency, currency, company, date)
            for total in running(amount for _line, amount in parts)
        ]
        shown = []
        for (line, amount), before, after in zip(
            parts, [Decimal(0), *converted], converted, strict=False
        ):
            shown.append(ShownLine(line, amount, after - before))
            exact = self._as_quantity_and_price(line, amount, found, currency)
            if exact:
                shown[-1].quantity, shown[-1].price_unit = exact
            if line is not None and line.code in COUNTED:
                shown[-1].counted = line.quantity
        if sum(line.counted for line in shown) != quantity:
            for place, line in enumerate(shown):
                line.counted = Fraction(0) if place else quantity
        return shown

    @api.model
    def _parts(self, lines, due, found, currency):
        """Amounts of the lines of a price that come to what is due, exactly.

        In the currency of the invoice each is rounded so that the sums up to it are
        rounded sums: none is more than a cent off, and nothing is left over.

        :return: list of (``ChargeLine``, Fraction)
        """
        if not lines:
            return []
        decimals = (
            currency.decimal_places if currency == found.currency else ENDLESS_DECIMALS
        )
        reached, parts = Fraction(0), []
        for total, line in zip(
            running(line.amount for line in lines), lines, strict=True
        ):
            upto = due if line is lines[-1] else Fraction(rounded(total, decimals))
            parts.append((line, upto - reached))
            reached = upto
        return parts

    def _converted(self, amount, from_currency, currency, company, date):
        # A finite decimal: the rows that hold it are.
        return self._convert_once(
            to_decimal(amount), from_currency, currency, company, date
        )

    @api.model
    def _as_quantity_and_price(self, line, amount, found, currency):
        """(quantity, price) of a line in which they are exact; None where not."""
        if line is None or line.code in ("minimum", "maximum", "event_limits"):
            return None
        pair = line.decimals()
        if pair is None or currency != found.currency or line.amount != amount:
            return None
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        quantity, price = pair
        if (places_of(line.quantity) or 0) > digits or len(price.as_tuple()[1]) > 15:
            return None
        return quantity, price

    def _line_values(self, found, shown, detailed, partner):
        """The dict for ``account.move.line``."""
        values = {
            "metered_date_from": found.date_from,
            "metered_date_to": found.date_to,
            "metered_late": found.late,
            "metered_price_id": found.price.id,
            "metered_subscription_id": found.subscription.id,
            "metered_pricing": self._pricing(found),
            "product_id": found.product.id,
            "name": self._line_name(found, shown, detailed, partner),
            "quantity": float(shown.quantity),
            "price_unit": float(shown.price_unit),
        }
        line = found.subscription_line
        if line:
            values["tax_ids"] = [Command.set(line.tax_ids.ids)]
            values["discount"] = line.discount
            values["analytic_distribution"] = line.analytic_distribution
        elif found.service and found.service.analytic_distribution:
            values["analytic_distribution"] = found.service.analytic_distribution
        return values

    @api.model
    def _line_name(self, found, shown, detailed, partner):
        env = self.with_context(lang=partner.lang).env
        price = found.price.with_env(env)
        line = found.subscription_line.with_env(env)
        values = {
            "meter": line.name or found.meter.with_env(env).name,
            "first": format_date(env, found.date_from),
            "last": format_date(env, fields.Date.subtract(found.date_to, days=1)),
        }
        if found.service:
            text = self._describe_measured(found, shown, price, env)
            if found.service.rate_code:
                values["meter"] = f"[{found.service.rate_code}] {values['meter']}"
        elif detailed and shown.line is not None:
            text = price._describe_line(shown.line, found.versions.with_env(env))
            if shown.line.quantity != 1 and shown.quantity == 1:
                text += (
                    f": {price._format_exact(shown.line.quantity)} × "
                    f"{price._format_money(shown.line.unit_price)}"
                )
        else:
            text = f"{price._format_exact(shown.counted)} {price._priced_unit()}"
        values["text"] = text
        if found.late:
            return env._(
                "%(meter)s\n%(first)s – %(last)s (recorded late): %(text)s", **values
            )
        return env._("%(meter)s\n%(first)s – %(last)s: %(text)s", **values)

    @api.model
    def _pricing(self, found):
        """What explains the price of a line, as JSON."""
        return {
            "meter_id": found.meter.id,
            "price_id": found.price.id,
            "version_ids": found.versions.ids,
            "steps": [[step.code, step.values] for step in found.priced.steps],
            "billed_before": exact_text(found.billed),
        }

    # === ROWS === #

    def _share_out(self, found, shown):
        """Write on the usage rows their shares of a line; together they are the line.

        A row's share is that of its quantity, or of its records where quantities
        cannot be added up.
        """
        rows, weights = found.records._weights(found.meter)
        amounts = shares(shown.amount, weights)
        quantities = shares(finite(shown.counted), weights)
        self.env.cr.execute(
            """
            UPDATE metered_usage usage
               SET amount = new.amount, billed_quantity = new.quantity,
                   currency_id = %s
              FROM unnest(%s::int[], %s::numeric[], %s::numeric[])
                   AS new (id, amount, quantity)
             WHERE usage.id = new.id
            """,
            (
                found.currency.id,
                rows.ids,
                list(map(exact_text, amounts)),
                list(map(exact_text, quantities)),
            ),
        )
        rows.invalidate_recordset(
            ["amount", "billed_quantity", "currency_id", "minutes"], flush=False
        )

    def _weights(self, meter):
        """What the price of a meter is shared out by.

        :return: (these rows by day, list of Fractions: none below 0, not all 0)
        """
        rows = self.sorted(lambda usage: (usage.day, usage.id))
        column = "quantity" if meter.aggregation == "sum" else "records"
        self.env.cr.execute(
            f"SELECT id, {column}::text FROM metered_usage"  # noqa: S608 - ours
            " WHERE id = ANY(%s)",
            (rows.ids,),
        )
        weights = {key: Fraction(Decimal(text)) for key, text in self.env.cr.fetchall()}
        weights = [weights[key] for key in rows.ids]
        if min(weights) < 0 or not sum(weights):
            weights = [Fraction(1)] * len(rows)
        return rows, weights

    def _make_row(self, found, shown, company, partner):
        """A row without records, that holds a line's amount; its id."""
        owner = found.subscription.partner_id or found.usage.partner_id[:1] or partner
        self.env.cr.execute(
            """
            INSERT INTO metered_usage (company_id, partner_id, subscription_id,
                                       meter_id, day, currency_id, records, quantity,
                                       billed_quantity, amount, collecting)
                 VALUES (%s, %s, %s, %s, %s, %s, 0, 0, %s::numeric, %s::numeric, FALSE)
              RETURNING id
            """,
            (
                company.id,
                owner.id,
                found.subscription.id or None,
                found.meter.id,
                fields.Date.subtract(found.date_to, days=1),
                found.currency.id,
                exact_text(finite(shown.counted)),
                exact_text(shown.amount),
            ),
        )
        return self.env.cr.fetchone()[0]
