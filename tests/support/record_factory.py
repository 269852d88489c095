# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""One record of every model, made from what the registry says of its fields.

Tests that go through all models need something to try on. What is written next gets
its record without anybody's thinking of it, and where it cannot, the test says so.
"""

import datetime
import itertools

from odoo.tools import SQL

MODULE = "metered_billing"
NUMBERS = itertools.count(1)

#: what the ORM fills in
AUTOMATIC = {"id", "create_uid", "create_date", "write_uid", "write_date"}

#: what cannot be guessed from the type of a field: model -> values
PARTICULARS = {
    "account.move": {"move_type": "out_invoice"},
    "account.move.line": {"name": "Usage", "quantity": 1, "price_unit": 1.0},
    "res.partner": {"name": "Customer {number}"},
    "metered.destination": {"prefixes": "99{number}"},
    "metered.fraud.risk": {"prefixes": "99{number}"},
    "metered.exception.job": {"operation": "retry"},
    "metered.price.tier": {"up_to": 0},
    "metered.source.payer": {"column": "column {number}"},
    "metered.source.rule.condition": {"column": "column {number}"},
    "metered.calling.plan.allowance": {"amount": 10},
    "metered.meter": {"kind": "gauge", "code": "meter_{number}"},
    "metered.golden.call": {"kind": "usage", "quantity": 1},
    "metered.rate.tier": {"from_second": 60},
    "metered.retention.rule": {"kind": "files", "days": 365},
    "metered.simulation": {"date_from": "2026-10-01", "date_to": "2026-10-31"},
    "metered.simulation.start": {"date_from": "2026-10-01", "date_to": "2026-10-31"},
    "metered.usage": {"day": "2026-10-05"},
    "metered.webhook": {"address": "https://example.com/{number}"},
}
#: what need not be set, and is
WANTED = {
    ("sale.subscription.line", "sale_subscription_id"),
    ("metered.measured.service", "partner_id"),
}


class RecordFactory:
    """Makes records of a company, each model once."""

    def __init__(self, env, company):
        """Work with all rights.

        :param company: ``res.company`` whose records they are
        """
        self.env = env(su=True)["res.company"].with_company(company).env
        self.env = self.env(
            context={**self.env.context, "allowed_company_ids": company.ids}
        )
        self.company = company.with_env(self.env)
        self.made = {"res.company": self.company, "res.users": self.env.user}

    def record(self, model_name):
        """The record of a model, with what it needs.

        :return: record of the factory's environment
        """
        if model_name not in self.made:
            model = self.env[model_name]
            found = model.browse()
            if model._original_module != MODULE and "company_id" not in model._fields:
                found = model.search([], limit=1)
            self.made[model_name] = found or model.create(self.values(model_name))
        return self.made[model_name]

    def dialog(self, model_name, user):
        """A record of a transient model as a user left it, whatever it asks for.

        :return: its id
        """
        model = self.env[model_name]
        values = {"create_uid": user.id}
        for name, field in model._fields.items():
            if not (field.store and field.required and field.column_type):
                continue
            if field.comodel_name and self.env[field.comodel_name]._transient:
                values[name] = self.dialog(field.comodel_name, user)
            else:
                values[name] = self.value(field, next(NUMBERS))
        columns = list(values)
        self.env.cr.execute(
            SQL(
                "INSERT INTO %s (%s) VALUES %s RETURNING id",
                SQL.identifier(model._table),
                SQL(", ").join(map(SQL.identifier, columns)),
                tuple(values[name] for name in columns),
            )
        )
        return self.env.cr.fetchone()[0]

    def values(self, model_name):
        """Values with which a record of a model can be made."""
        model = self.env[model_name]
        number = next(NUMBERS)
        values = {
            name: value.format(number=number) if isinstance(value, str) else value
            for name, value in PARTICULARS.get(model_name, {}).items()
        }
        defaults = {} if model._transient else model.default_get(list(model._fields))
        for name, field in model._fields.items():
            if name in values or not field.store or field.related or name in AUTOMATIC:
                continue
            if field.type == "many2one" and field.comodel_name == "res.company":
                values[name] = self.company.id
            elif field.type in ("one2many", "many2many"):
                continue
            elif (model_name, name) in WANTED or (
                field.required and not defaults.get(name) and not field.compute
            ):
                values[name] = self.value(field, number)
        return values

    def value(self, field, number):
        """A value for a required field."""
        if field.type == "many2one":
            return self.record(field.comodel_name).id
        if field.type == "selection":
            return field.get_values(self.env)[0]
        if field.type in ("char", "text", "html"):
            return f"{field.name} {number}"
        if field.type == "boolean":
            return True
        if field.type == "date":
            return datetime.date(2026, 10, 5)
        if field.type == "datetime":
            return datetime.datetime(2026, 10, 5, 10)
        if field.type == "binary":
            return b"eA=="
        if field.type == "json":
            return {"number": number}
        return 1


def models_of_module(env, transient=None):
    """Names of the module's own models that have records.

    :param transient: True: dialogs only; False: all others
    """
    return sorted(
        name
        for name, model in env.registry.items()
        if model._original_module == MODULE
        and not model._abstract
        and not model._table_query
        and transient in (None, model._transient)
    )
