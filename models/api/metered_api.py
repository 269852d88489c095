# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...connectors.events.body import RequestFault
from ...rating.exact import exact, exact_text, number

#: rows of usage in one answer
MOST_ROWS = 10_000
#: what is told of an event to a key that may push, and not read: what the event said
#: itself, and whether it was taken
OF_SENDER = frozenset(
    (
        *("event", "status", "reason", "message", "detail"),
        *("meter", "unit", "quantity", "time", "properties"),
    )
)


class MeteredApi(models.AbstractModel):
    """What programs are told that come with a key: plain values, and no record.

    Each method is given the key, and looks at nothing but what is of its company.
    """

    _name = "metered.api"
    _description = "API Data"

    # === EVENTS === #

    @api.model
    def _event(self, key, event, named=""):
        """What became of an event.

        :param key: ``metered.api.key``
        :param str event: what tells it from others, as the answer to a push says it
        :param str named: id of its source, where several have such an event
        :return: dict; None: nothing is known of it
        :raise RequestFault: 422, several sources have one
        """
        sources = key._readable_sources()
        if named:
            sources = sources.filtered(lambda source: str(source.id) == named)
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT source_id FROM metered_inbox
             WHERE source_id = ANY(%(sources)s) AND event_key = %(event)s
             UNION
            SELECT source_id FROM metered_cdr
             WHERE source_id = ANY(%(sources)s) AND call_id = %(event)s
             UNION
            SELECT source_id FROM metered_exception
             WHERE source_id = ANY(%(sources)s) AND call_id = %(event)s
            """,
            {"sources": sources.ids, "event": event},
        )
        ids = [source_id for (source_id,) in self.env.cr.fetchall()]
        if len(ids) > 1:
            raise RequestFault(
                422,
                "Several sources have an event with this id. Specify the source: add "
                "&source= with its number.",
            )
        return self._events(sources.browse(ids), [event], key.may_read).get(event)

    @api.model
    def _events(self, sources, events, may_read=True):
        """What became of some events.

        :param sources: ``metered.source``, with all rights
        :param events: list of texts
        :param bool may_read: whether it is told to somebody who may read usage: whose
            they are, and what their period comes to
        :return: dict event -> dict
        """
        domain = [("source_id", "in", sources.ids)]
        known = [*domain, ("call_id", "in", events)]
        found = {
            one.event_key: {"event": one.event_key, "status": "waiting"}
            for one in self.env["metered.inbox"]
            .sudo()
            .search([*domain, ("event_key", "in", events)])
        }
        for one in self.env["metered.exception"].sudo().search(known):
            if one.state != "resolved":
                found[one.call_id] = self._of_exception(one)
        cdrs = self.env["metered.cdr"].sudo().search(known)
        quantities = self._texts(cdrs, "quantity")
        for one in cdrs:
            found[one.call_id] = self._of_cdr(one, quantities[one.id])
        if not may_read:
            return {event: self._for_sender(told) for event, told in found.items()}
        cdrs = cdrs.filtered("usage_id")
        usage = cdrs.usage_id.filtered(lambda row: not row.invoice_line_id)
        so_far = usage.filtered(lambda row: row.meter_id.kind != "call")._price_so_far()
        of_days = self._exactly(cdrs.usage_id, "quantity", "amount")
        charges = self._charges(cdrs, so_far)
        for one in cdrs:
            told = found[one.call_id]
            told["charge"] = charges.get(one.id)
            told["day"] = self._of_usage(one.usage_id, so_far, of_days)
            told |= self._explained_call(one) or self._explained(one.usage_id, so_far)
        return found

    @api.model
    def _for_sender(self, told):
        """What is told to a key that may push, and not read.

        :param dict told: of an event
        """
        return {name: value for name, value in told.items() if name in OF_SENDER}

    @api.model
    def _of_exception(self, one):
        reasons = dict(one._fields["reason"]._description_selection(self.env))
        status, detail = "exception", one.detail
        if one.state == "dismissed":
            status = "canceled" if one.reason == "canceled" else "dismissed"
            detail = one.dismiss_reason
        return {
            "event": one.call_id,
            "status": status,
            "reason": one.reason,
            "message": reasons.get(one.reason, one.reason),
            "detail": detail or "",
        }

    @api.model
    def _of_cdr(self, one, quantity):
        """A record that is stored.

        :param str quantity: with all its digits
        """
        invoice = one.usage_id.invoice_id
        return {
            "event": one.call_id,
            "status": one.state,
            "customer": one.partner_id.display_name or None,
            "meter": one.meter_id.code or None,
            "unit": one.meter_id.unit or None,
            "quantity": quantity,
            "time": f"{one.start_time.isoformat()}Z",
            "properties": one.properties or {},
            "charge": None,
            "invoice": self._of_invoice(invoice) if invoice else None,
        }

    # === WHY IT COSTS WHAT IT COSTS === #

    @api.model
    def _explained(self, usage, so_far):
        """What the billing period of a row of usage comes to, and how.

        :param so_far: ``SoFar`` of the row, while it is not invoiced
        :return: dict, empty where there is no price yet: ``explanation``, and
            ``period`` while it is open
        """
        words, line = self.env["metered.explanation"], usage.invoice_line_id
        if line:
            steps = line._metered_price_steps()
            currency = line.metered_price_id.currency_id
            rows = words._rows(steps, currency, company=line.company_id)
            return {"explanation": self._of_rows(rows)} if rows else {}
        meter = so_far.priced.get(usage.id)
        if not meter:
            return {}
        rows = words._rows(meter.priced.steps, meter.currency)
        amount, quantity = usage._due_so_far(meter)
        return {
            "period": {
                "from": meter.date_from.isoformat(),
                "to": meter.date_to.isoformat(),
                "quantity": exact_text(quantity),
                "amount": exact_text(exact(amount)),
                "currency": meter.currency.name,
                "included": self._of_included(meter),
            },
            "explanation": self._of_rows(rows),
        }

    @api.model
    def _of_included(self, meter):
        """The free units of a price: all of the period, taken and left; or None.

        :param meter: ``PricedMeter``
        """
        granted = self._granted(meter)
        if not granted:
            return None
        taken = meter.priced.free
        return {
            "granted": exact_text(granted),
            "taken": exact_text(taken),
            "left": exact_text(granted - taken),
        }

    @api.model
    def _of_rows(self, rows):
        """Steps in words."""
        return [
            {
                "title": row["title"],
                "text": row["text"] or "",
                "amount": row["amount"] or None,
            }
            for row in rows
        ]

    # === USAGE === #

    @api.model
    def _usage(self, key, subject, date_from, date_to):
        """Usage of a customer by day and meter.

        :param str subject: a service identifier of the customer
        :param date_from, date_to: dates, the last one not included
        :return: list of dicts; None: nobody has this identifier
        """
        partner = self._customer(key, subject)
        if not partner:
            return None
        rows = self._rows(
            "metered.usage",
            key,
            partner,
            [("day", ">=", date_from), ("day", "<", date_to), ("records", ">", 0)],
            order="day, meter_id, id",
        )
        open_rows = rows.filtered(
            lambda row: not row.invoice_line_id and row.meter_id.kind != "call"
        )
        so_far = open_rows._price_so_far()
        exactly = self._exactly(rows, "quantity", "amount")
        return [self._of_usage(row, so_far, exactly) for row in rows]

    @api.model
    def _rows(self, model, key, partner, domain, order=None):
        """Rows of a customer, all of them or none: a part would look like the whole.

        :param list domain: beside company and customer
        :raise RequestFault: 422, there are more than one answer holds
        """
        rows = (
            self.env[model]
            .sudo()
            .search(
                [
                    ("company_id", "=", key.company_id.id),
                    ("partner_id", "=", partner.id),
                    *domain,
                ],
                order=order,
                limit=MOST_ROWS + 1,
            )
        )
        _check_all(rows)
        return rows

    @api.model
    def _customer(self, key, subject):
        """The customer that an identifier is of now; empty where nobody has it.

        An extension may be somebody else's on each source: it is then that of the
        sources of the key.

        :raise RequestFault: 422, it is of several customers
        """
        identifiers = self.env["metered.identifier"].sudo()
        found = identifiers.search(
            [
                ("company_id", "=", key.company_id.id),
                "|",
                ("value", "=", subject),
                ("normalised", "=", subject),
                *identifiers._domain_valid(self.env.cr.now()),
            ],
            limit=MOST_ROWS,
        )
        if len(found.partner_id) > 1:
            found = found.filtered(lambda one: one.source_id in key.source_ids) or found
        if len(found.partner_id) > 1:
            raise RequestFault(
                422,
                "Several customers have this identifier. Use one that only this "
                "customer has.",
            )
        return found.partner_id

    @api.model
    def _of_usage(self, row, so_far, exactly):
        """A customer's day of a meter, and what it comes to.

        :param exactly: see :meth:`_exactly`, of ``quantity`` and ``amount``
        """
        told = {
            "day": row.day.isoformat(),
            "meter": row.meter_id.code or row.meter_id.name,
            "unit": row.meter_id.unit or None,
            "records": row.records,
            "quantity": exactly["quantity"][row.id],
            "amount": None,
            "currency": None,
            "is_final": bool(row.invoice_line_id),
            "invoice": self._of_invoice(row.invoice_id) if row.invoice_id else None,
        }
        if row.id in so_far.amounts:
            amount, currency = so_far.amounts[row.id]
            told |= {"amount": exact_text(exact(amount)), "currency": currency.name}
        elif row.invoice_line_id or row.meter_id.kind == "call":
            told |= {
                "amount": exactly["amount"][row.id],
                "currency": row.currency_id.name,
            }
        if row.id in so_far.problems:
            told["problem"] = so_far.problems[row.id]
        return told

    @api.model
    def _exactly(self, records, *names):
        """Numbers of records with all their digits: a query for each field.

        :return: dict name -> dict id -> text
        """
        return {name: self._texts(records, name) for name in names}

    @api.model
    def _texts(self, records, name):
        """A number of records with all its digits, which a float would not have.

        :param str name: of a stored field
        :return: dict id -> text
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT id, trim_scale(coalesce(%s, 0))::text FROM %s"
                " WHERE id = ANY(%s)",
                SQL.identifier(name),
                SQL.identifier(records._table),
                list(records.ids),
                to_flush=records._fields[name],
            )
        )
        return dict(rows)

    # === ENTITLEMENTS === #

    @api.model
    def _entitlements(self, key, subject="", customer="", subscription=""):
        """Whether a customer's usage is allowed, and what is left of its allowances.

        :param str subject: a service identifier of the customer
        :param str customer, subscription: their numbers; one of the three is given
        :return: dict; None: there is no such customer
        """
        if subscription:
            subscriptions = self._numbered("sale.subscription", key, subscription)
            partner = subscriptions.partner_id
        else:
            partner = (
                self._numbered("res.partner", key, customer)
                if customer
                else self._customer(key, subject)
            )
            payer = partner and partner.with_company(key.company_id)._metered_payer()
            subscriptions = payer and self.env["sale.subscription"].sudo().search(
                [
                    ("company_id", "=", key.company_id.id),
                    ("partner_id.commercial_partner_id", "=", payer.id),
                    ("in_progress", "=", True),
                ],
                order="id",
            )
        if not partner:
            return None
        entitled = [
            one.with_company(one.company_id)._metered_entitlement()
            for one in subscriptions
        ]
        domain = [("subscription_id", "in", subscriptions.ids)] if subscription else []
        return {
            **({"subject": subject} if subject else {}),
            "allowed": all(one["allowed"] for one in entitled),
            "subscriptions": entitled,
            "entitlements": self._balances_left(key, partner, domain),
        }

    @api.model
    def _numbered(self, model, key, number):
        """A record of the key's company by its number; empty where there is none."""
        records = self.env[model].sudo()
        if not number.isascii() or not number.isdecimal() or len(number) > 9:
            return records
        companies = [key.company_id.id]
        if model == "res.partner":
            companies.append(False)
        return records.search(
            [("id", "=", int(number)), ("company_id", "in", companies)]
        )

    @api.model
    def _balances_left(self, key, partner, domain):
        """What is left of a customer's allowances today.

        :param list domain: which balances
        :return: list of dicts
        """
        today = fields.Date.context_today(partner)
        balances = self._rows(
            "metered.allowance.balance",
            key,
            partner,
            [*domain, ("date_from", "<=", today), ("date_to", ">", today)],
        )
        exactly = self._exactly(balances, "granted", "rolled_in", "used", "left")
        return [
            {
                "plan": one.plan_id.name,
                "allowance": one.allowance_id.name,
                "unit": one.unit or None,
                "from": one.date_from.isoformat(),
                "to": one.date_to.isoformat(),
                "is_unlimited": one.unlimited,
                "granted": exactly["granted"][one.id],
                "rolled_in": exactly["rolled_in"][one.id],
                "used": exactly["used"][one.id],
                "left": exactly["left"][one.id],
                "is_allowed": one.unlimited or one.left > 0,
            }
            for one in balances
        ]

    # === QUOTES === #

    @api.model
    def _quotes(self, key, subject, quantities=None, named="", forecast=False):
        """What a customer's next invoices would be now.

        :param dict quantities: code of a meter -> Decimal, what the running period is
            to have of it instead of what was used
        :param forecast: whether each tells what is expected at the period's end, too
        :param str named: id of the one subscription that is asked for; empty: all
        :return: list of dicts; None: nobody has this identifier
        :raise RequestFault: 422, it could not be invoiced, or a quantity not be given
        """
        partner = self._customer(key, subject)
        if not partner:
            return None
        subscriptions = partner._metered_quoted_subscriptions()
        if named:
            subscriptions = subscriptions.filtered(lambda one: str(one.id) == named)
            if not subscriptions:
                raise RequestFault(422, "The customer has no such subscription.")
        try:
            quotes = subscriptions._metered_quotes(self._given(key, quantities or {}))
            forecasts = forecast and subscriptions._metered_quotes(forecast=True)
        except UserError as error:
            raise RequestFault(422, str(error)) from error
        told = [self._of_quote(quote) for quote in quotes]
        for quote, expected in zip(told, forecasts or (), strict=False):
            quote["forecast"] = {
                **self._amounts_of_quote(expected),
                "notes": expected["forecast"],
            }
        return told

    @api.model
    def _given(self, key, quantities):
        """Quantities by their meters.

        :raise RequestFault: 422, a meter is not known
        """
        given = {}
        for code, quantity in quantities.items():
            meter = self._meter_of(key, code)
            if not meter:
                raise RequestFault(422, f"No meter has the code {code}.")
            given[meter] = quantity
        return given

    @api.model
    def _meter_of(self, key, code):
        """The meter that a company calls so: its own before one of all companies."""
        return self.env["metered.meter"].search(
            [("code", "=", code), ("company_id", "in", [False, key.company_id.id])],
            order="company_id nulls last",
            limit=1,
        )

    @api.model
    def _of_quote(self, quote):
        return {
            "subscription": quote["subscription"].id,
            "name": quote["subscription"].name,
            "from": quote["date_from"].isoformat(),
            "to": quote["date_to"].isoformat(),
            "date": quote["invoice_date"].isoformat(),
            "currency": quote["currency"].name,
            **self._amounts_of_quote(quote),
            "allowances": quote["allowances"],
            "billed": quote["billed"] or None,
            "forecast": None,
        }

    @api.model
    def _amounts_of_quote(self, quote):
        def money(amount):
            return exact_text(number(amount))

        return {
            "lines": [
                {
                    "name": line["name"],
                    "is_usage": line["is_usage"],
                    **{
                        name: exact_text(number(line[name]))
                        for name in ("quantity", "unit_price", "discount", "amount")
                    },
                }
                for line in quote["lines"]
            ],
            "taxes": [
                {"name": tax["name"], "amount": money(tax["amount"])}
                for tax in quote["taxes"]
            ],
            "untaxed": money(quote["untaxed"]),
            "tax": money(quote["tax"]),
            "total": money(quote["total"]),
        }

    # === MESSAGES OF WEBHOOKS === #

    @api.model
    def _deliveries(self, key, date_from, date_to):
        """Messages of webhooks, so that who missed one can read it.

        :param date_from, date_to: days in UTC, the last one not included
        :return: list of dicts, the oldest first
        :raise RequestFault: 422, there are more than one answer holds
        """
        domain = [
            ("company_id", "=", key.company_id.id),
            ("create_date", ">=", date_from),
            ("create_date", "<", date_to),
        ]
        if not key.may_invoice:
            domain.append(("kind", "not like", "invoice."))
        elif not key.may_read:
            domain.append(("kind", "like", "invoice."))
        found = self.env["metered.webhook.delivery"].search(
            domain, order="create_date, id", limit=MOST_ROWS + 1
        )
        _check_all(found)
        return [
            {
                "message": one.message,
                "webhook": one.webhook_id.id,
                "type": one.kind,
                "status": one.state,
                "time": f"{one.create_date.isoformat()}Z",
                "attempts": one.attempts,
                "body": json.loads(one.body),
            }
            for one in found
        ]

    # === INVOICES === #

    @api.model
    def _invoices(self, key, subject, date_from, date_to):
        """Posted invoices with a customer's usage, and its lines on them.

        :param date_from, date_to: dates of invoices, the last one not included
        :return: list of dicts; None: nobody has this identifier
        """
        partner = self._customer(key, subject)
        if not partner:
            return None
        rows = self._rows(
            "metered.usage",
            key,
            partner,
            [
                ("invoice_line_id.parent_state", "=", "posted"),
                ("invoice_line_id.date", ">=", date_from),
                ("invoice_line_id.date", "<", date_to),
            ],
        )
        lines = rows.invoice_line_id
        return [
            {
                **self._of_invoice(invoice),
                "currency": invoice.currency_id.name,
                "total": exact_text(number(invoice.amount_total)),
                "lines": [
                    {
                        "name": line.name or "",
                        "from": _day(line.metered_date_from),
                        "to": _day(line.metered_date_to),
                        "quantity": exact_text(number(line.quantity)),
                        "unit_price": exact_text(number(line.price_unit)),
                        "amount": exact_text(number(line.price_subtotal)),
                    }
                    for line in lines.filtered(lambda one, i=invoice: one.move_id == i)
                ],
            }
            for invoice in lines.move_id.sorted("id")
        ]

    @api.model
    def _of_invoice(self, invoice):
        return {
            "id": invoice.id,
            "number": invoice.name if invoice.state == "posted" else None,
            "state": invoice.state,
            "date": _day(invoice.invoice_date),
        }


def _check_all(rows):
    """Refuse to tell a part: it would look like the whole."""
    if len(rows) > MOST_ROWS:
        raise RequestFault(
            422, f"There are more than {MOST_ROWS:,} rows. Ask for fewer days at once."
        )


def _day(date):
    return date.isoformat() if date else None
