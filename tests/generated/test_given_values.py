# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Values for create and write mean the same in every form that the ORM takes.

What this module does with values before or after they are written is found in the
registry, so that a method that is written next month is tried, too.
"""

import ast
import inspect
from pathlib import Path

from psycopg2 import IntegrityError

from odoo import Command, fields
from odoo.exceptions import RedirectWarning, UserError
from odoo.models import MAGIC_COLUMNS, BaseModel
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..support.populated_case import PopulatedCase

OURS = "odoo.addons.metered_billing."
#: what methods of other modules take in one form only: subscription_oca compares dates
#: as it is given them, account browses the parent
OF_OTHERS = {
    "res.partner": {"parent_id"},
    "sale.subscription": {"date_start", "recurring_next_date"},
}


class WrittenError(Exception):
    """Takes back what was written."""


def own_classes(model, *methods):
    """The classes of this module that extend one of these methods of a model.

    Not the guard, which looks at the forms of all values alike.
    """
    return [
        base
        for base in type(model).mro()
        if base.__module__.startswith(OURS)
        and not base.__module__.endswith((".metered_guarded", ".metered_audit"))
        and set(methods) & vars(base).keys()
    ]


def named(classes):
    """All texts in the source of classes, and in the sets that they go by."""
    found = set()
    for base in classes:
        tree = ast.parse(Path(inspect.getsourcefile(base)).read_text(encoding="utf-8"))
        found |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    return found


def forms(value, field):
    """The forms in which a value can be given, the plain one first."""
    if field.type == "many2one":
        empty = [False, None, value]
        return [value.id, value, (value.id, "Name")] if value else empty
    if field.relational:
        return [[Command.set(value.ids)], value, value.ids]
    if field.type in ("date", "datetime") and value:
        kind = fields.Date if field.type == "date" else fields.Datetime
        return [value, kind.to_string(value)]
    if field.type in ("float", "integer", "monetary"):
        return [value, str(value), value or False]
    if field.type == "boolean":
        return [value, int(value)]
    return [value or False, value or None]


@tagged("post_install", "-at_install")
class TestGivenValues(PopulatedCase):
    def outcome(self, act, *args):
        """What comes of it, as values that can be compared."""
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                record = act(*args)
                self.env.flush_all()
                raise WrittenError(self.seen(record))
        except WrittenError as done:
            return done.args[0]
        except (UserError, RedirectWarning, IntegrityError) as error:
            return type(error), str(error.args[0]).partition("DETAIL")[0]
        except ValueError as error:
            # Of Odoo's own lines: it reckons with a currency that was taken away.
            if "Expected singleton" not in str(error):
                raise
            return type(error), str(error)

    def seen(self, record):
        names = [
            name
            for name, field in record._fields.items()
            if self.is_written(field)
            and name in self.names
            and field.type != "one2many"
        ]
        return {
            name: value.ids if isinstance(value := record[name], BaseModel) else value
            for name in names
        }

    def is_written(self, field):
        return (
            field.store
            and field.name not in MAGIC_COLUMNS
            and field.type != "binary"
            and not (field.compute and field.readonly)
        )

    def models(self, *methods):
        """(model, the names of fields that its methods are about)."""
        for name in sorted(self.registry.models):
            model = self.env[name]
            classes = own_classes(model, *methods)
            made = not (model._abstract or model._transient or model._table_query)
            if not classes or not made:
                continue
            names = named(own_classes(model, "write", "create", "copy_data"))
            for attribute in ("_pricing", "_curing"):
                names |= set(getattr(model, attribute, ()))
            # The models whose lines say which rate or price they are of.
            names -= OF_OTHERS.get(model._name, set())
            self.names = names & model._fields.keys()
            yield model

    def examples(self, model):
        found = {
            "res.partner": self.customer,
            "res.company": self.company,
            "sale.subscription": self.subscription,
            "account.move": self.invoice,
            "account.move.line": self.invoice.invoice_line_ids,
            "product.template": self.plan_product.product_tmpl_id,
        }
        return found.get(model._name, model.search([], limit=3))

    def same(self, what, act, values):
        """Each form of a value does the same."""
        plain, *others = values
        expected = self.outcome(act, plain)
        for other in others:
            with self.subTest(f"{what} = {other!r}"):
                self.assertEqual(self.outcome(act, other), expected)
        return len(others)

    def test_write(self):
        tried = 0
        for model in self.models("write"):
            for record in self.examples(model)[:1]:
                for name in sorted(self.names):
                    field = model._fields[name]
                    if (
                        not field.store
                        or name in MAGIC_COLUMNS
                        or (field.readonly and field._module != "metered_billing")
                        or field.type == "binary"
                    ):
                        continue

                    def act(value, record=record, name=name):
                        record.write({name: value})
                        return record

                    for value in self.values(record, field):
                        what = f"{model._name}.{name}"
                        tried += self.same(what, act, forms(value, field))
        self.assertGreater(tried, 200)

    def values(self, record, field):
        """What is there, another value, and nothing."""
        now = record[field.name]
        if field.type != "many2one":
            return [now]
        other = self.env[field.comodel_name].search([("id", "!=", now.id)], limit=1)
        return [value for value in (now, other, now.browse())]

    def test_create(self):
        tried = 0
        for model in self.models("create", "write"):
            for record in self.examples(model)[:1]:
                with self.subTest(model._name):
                    [plain] = record.copy_data()
                    for name in {"name", "code", "value"} & plain.keys():
                        plain[name] = "Another one"

                    def act(vals, model=model):
                        return model.create(dict(vals))

                    names = self.names & plain.keys() - OF_OTHERS.get(
                        model._name, set()
                    )
                    for name in sorted(names):
                        value = plain[name]
                        field = model._fields[name]
                        if field.relational:
                            # As an id or commands only, or nothing.
                            given = [value] if value else [False, None]
                        else:
                            given = forms(value, field)
                        values = [{**plain, name: form} for form in given]
                        tried += self.same(f"{model._name}.{name}", act, values)
        self.assertGreater(tried, 20)
