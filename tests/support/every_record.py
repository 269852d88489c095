# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A company with a record of every model of this module, and any texts in them."""

import base64
import csv
import io
import json
from datetime import date, datetime

from psycopg2.extras import Json

from odoo import Command
from odoo.fields import NO_ACCESS
from odoo.tools import SQL

from .metered_case import GENERIC, MeteredMakers

ADDON = "odoo.addons.metered_billing."
PHONE = "+14045550100"
#: what is not ours and is shown with ours: model -> its texts that people write
OTHERS = {
    "res.partner": (
        "name",
        "complete_name",
        "ref",
        "street",
        "commercial_company_name",
    ),
    "product.template": ("name", "default_code", "description_sale"),
    "product.product": ("default_code",),
    "account.move": ("ref", "payment_reference"),
    "account.move.line": ("name",),
    "sale.subscription": ("name",),
    "sale.subscription.line": ("name",),
    "sale.subscription.template": ("name",),
    "ir.attachment": ("name",),
}
#: texts that programs read: a change would not be another text, but another meaning
CODE = frozenset(
    {
        "address",
        "allowed_networks",
        "checksum",
        "code",
        "columns",
        "effective_prefix",
        "host",
        "method",
        "model",
        "name_key",
        "normalised",
        "port",
        "prefix",
        "prefixes",
        "record_ids",
        "table_name",
        "vals_list",
    }
)


def our_models(env):
    """Names of the models of this module that have a table or a view."""
    return sorted(
        name
        for name, model in env.registry.items()
        if name.startswith("metered.") and not model._abstract
    )


class EveryRecord(MeteredMakers):
    """To be mixed into a case class; ``every`` says what there is, by model.

    ``mark`` is part of the names that are given on the way, and of the files.
    """

    mark = ""

    @classmethod
    def make_every_record(cls):
        """Make records as users do where that is quick, and the rest by SQL."""
        cls.every = {}
        cls.make_main_records()
        cls.make_other_records()

    @classmethod
    def make_main_records(cls):
        """What a month of a customer leaves behind."""
        own = {"company_id": cls.company.id}
        cls.source = cls.make_source(
            name=f"Switch{cls.mark}",
            source_type="http_json",
            address="https://switch.example.com",
            http_records_path="/calls/{account}",
            http_accounts_path="/accounts",
            api_key="not-a-real-key",
        )
        cls.customer = cls.make_customer(f"Acme{cls.mark}", PHONE, **own)
        cls.account = cls.env["metered.source.account"].create(
            {
                "name": "acme",
                "source_id": cls.source.id,
                "partner_id": cls.customer.id,
            }
        )
        texts = cls.make_meter(f"Texts{cls.mark}", code="texts", **own)
        price = cls.make_price(texts, (100, 0), (0, 0.05), **own)
        cls.product = cls.make_metered_product("Texts", price, **own)
        plan = cls.env["metered.calling.plan"].create(
            {
                "name": f"Plan{cls.mark}",
                **own,
                "allowance_ids": [
                    Command.create({"name": f"Minutes{cls.mark}", "amount": 1})
                ],
            }
        )
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-10-01", "2026-11-01"
        )
        cls.env["sale.subscription.line"].create(
            [
                {
                    "sale_subscription_id": cls.subscription.id,
                    "product_id": product.id,
                    "name": product.name,
                }
                for product in (
                    cls.product,
                    cls.env["product.product"].create(
                        {
                            "name": f"Plan{cls.mark}",
                            "metered_plan_id": plan.id,
                            **own,
                        }
                    ),
                )
            ]
        )
        cls.batch = cls.import_calls(
            cls.source,
            ("1", "2026-10-05 10:00:00", 300, PHONE, "+12125550199"),
            ("2", "2026-10-06 10:00:00", 60, PHONE, "+442079460120"),
        )
        cls.subscription.generate_invoice()
        cls.invoice = cls.subscription.invoice_ids
        cls.rejected = cls.import_calls(
            cls.source,
            ("3", "2026-11-05 10:00:00", 60, PHONE, "+12125550199"),
            ("4", "2026-11-05 10:00:00", 60, "+14045559999", "+12125550199"),
            ("5", "never", 60, PHONE, "+12125550199"),
            ("6", f"2026{cls.mark}", 60, f"{PHONE}{cls.mark}", f"nobody{cls.mark}"),
            name=f"calls{cls.mark}.csv",
        )
        band = cls.env["metered.time.band"].create(
            {
                "name": f"Peak{cls.mark}",
                **own,
                "slot_ids": [Command.create({"hour_from": 8, "hour_to": 18})],
            }
        )
        cls.make_rate(cls.deck, "999", price=1, band_id=band.id)
        group = cls.env["metered.customer.group"].create(
            {"name": f"Gold{cls.mark}", "deck_id": cls.deck.id}
        )
        cls.customer.metered_group_id = group
        seats = cls.make_meter(f"Seats{cls.mark}", code="held", kind="gauge", **own)
        for owner in ({"group_id": group.id}, {"partner_id": cls.customer.id}):
            cls.env["metered.measured.service"].create(
                {
                    **owner,
                    "meter_id": seats.id,
                    "rate_code": f"SEATS{cls.mark}",
                    "product_id": cls.product.id,
                }
            )
        draft = cls.make_deck(f"Draft{cls.mark}", active=False)
        cls.make_rate(draft, "", price=0.09)
        cls.env["metered.simulation.start"].create(
            {
                "deck_id": draft.id,
                "date_from": "2026-10-01",
                "date_to": "2026-11-30",
            }
        ).action_run()
        cls.env["metered.rerate.start"].create(
            {"date_from": "2026-10-01", "date_to": "2026-11-30"}
        ).action_preview()
        cls.make_dialogs()
        cls.env.flush_all()

    @classmethod
    def make_dialogs(cls):
        """Dialogs that show what a file or a customer has."""
        text = io.StringIO()
        csv.writer(text).writerows(
            [
                (*GENERIC, f"more{cls.mark}"),
                ("7", "2026-11-06", 60, PHONE, f"nobody{cls.mark}", cls.mark),
            ]
        )
        cls.env["metered.import"].create(
            {
                "source_id": cls.source.id,
                "file": base64.b64encode(text.getvalue().encode()),
                "file_name": f"calls{cls.mark}.csv",
            }
        ).action_preview()
        rates = io.StringIO()
        csv.writer(rates).writerows(
            [
                ("prefix", "destination", "price", f"more{cls.mark}"),
                ("44", f"UK{cls.mark}", "0.5", cls.mark),
                (f"x{cls.mark}", cls.mark, "1", ""),
            ]
        )
        cls.env["metered.deck.import"].create(
            {
                "deck_id": cls.deck.id,
                "file": base64.b64encode(rates.getvalue().encode()),
                "file_name": f"rates{cls.mark}.csv",
            }
        ).action_preview()
        cls.env["metered.manual.invoice"].create(
            {
                "partner_id": cls.customer.id,
                "date_from": "2026-11-01",
                "date_to": "2026-11-30",
            }
        ).action_search()
        cls.env["metered.rate.finder"].create(
            {
                "partner_id": cls.customer.id,
                "number": "+442079460120",
                "moment": "2026-11-01 10:00:00",
            }
        )
        cls.source.test_result = [
            {"name": cls.mark, "ok": False, "detail": cls.mark, "remedy": cls.mark}
        ]

    @classmethod
    def make_other_records(cls):
        """One of each model that has none, by SQL: what the user's way would refuse."""
        todo = our_models(cls.env)
        while todo:
            left = [name for name in todo if not cls._make_one(name)]
            if left == todo:
                raise AssertionError(f"No record can be made of {', '.join(left)}")
            todo = left
        cls.env.invalidate_all()

    @classmethod
    def _make_one(cls, name):
        """Find or make a record; whether that was possible."""
        model = cls.env[name].sudo().with_context(active_test=False)
        found = model.search(cls._own_domain(model))
        if not found and model._auto:
            found = cls.insert(model)
        if not found:
            return False
        cls.every[name] = found
        return True

    @classmethod
    def insert(cls, model, **known):
        """Insert a record by SQL, with a value in every column.

        :param known: values that it is to have
        :return: the record; an empty one where something that it needs is not there yet
        """
        values = {}
        for field in model._fields.values():
            if not field.store or not field.column_type or field.name == "id":
                continue
            value = known.get(field.name) or cls._some_value(field)
            if value is None and field.required:
                return model.browse()
            values[field.name] = value
        cls.env.cr.execute(
            SQL(
                "INSERT INTO %s (%s) VALUES %s RETURNING id",
                SQL.identifier(model._table),
                SQL(", ").join(map(SQL.identifier, values)),
                tuple(values.values()),
            )
        )
        return model.browse(cls.env.cr.fetchone()[0])

    @classmethod
    def _own_domain(cls, model):
        if "company_id" in model._fields and not model._transient:
            return [("company_id", "=", cls.company.id)]
        return []

    @classmethod
    def _some_value(cls, field):
        """A value for a column; None where nothing fits yet."""
        if field.name in ("create_uid", "write_uid"):
            return cls.env.uid
        if field.name in ("active", "readable"):
            return True
        if field.name == "prefixes":
            return "7"
        if field.groups == NO_ACCESS and not field.required:
            # Nobody but the program writes it.
            return None
        if field.type == "many2one":
            return cls._some_id(field.comodel_name)
        if field.name == "target" and field.type == "json":
            return Json({"ids": cls.env["metered.exception"].search([]).ids})
        if field.type == "selection":
            choices = field.get_values(cls.env)
            return "failed" if "failed" in choices else (choices or [None])[0]
        if field.translate:
            return Json({"en_US": f"Some {field.name}"})
        return {
            "char": f"Some {field.name}",
            "text": f"Some {field.name}",
            "html": f"Some {field.name}",
            "integer": 1,
            "many2one_reference": 1,
            "float": 1,
            "monetary": 1,
            "boolean": False,
            "date": date(2026, 11, 1),
            "datetime": datetime(2026, 11, 1),
            "json": Json({}),
            "binary": b"c29tZQ==",
        }.get(field.type)

    @classmethod
    def _some_id(cls, comodel):
        if comodel in cls.every:
            return cls.every[comodel][:1].id
        if comodel.startswith("metered."):
            return None
        if comodel == "ir.attachment":
            return cls.batch.attachment_id.id
        known = {
            "res.company": cls.company,
            "res.partner": cls.customer,
            "sale.subscription": cls.subscription,
            "account.move": cls.invoice,
            "account.move.line": cls.invoice.invoice_line_ids[:1],
            "product.product": cls.product,
            "res.users": cls.env.user,
            "res.currency": cls.company.currency_id,
            "res.country": cls.usa,
        }.get(comodel)
        if known is None:
            known = cls.env[comodel].sudo().search([], limit=1)
        return known.id or None

    # === TEXTS === #

    @classmethod
    def write_texts(cls, text_of, models=None, from_id=0):
        """Put texts into every text column of these records, whatever may refuse that.

        :param text_of: function (model name, field, id) -> str
        :param models: names; None: ours, and :data:`OTHERS`
        :param from_id: the first of the records
        """
        for name in models or (*our_models(cls.env), *OTHERS):
            model = cls.env[name]
            if not model._auto:
                continue
            for field in model._fields.values():
                if cls.holds_text(field) and field.name in OTHERS.get(
                    name, [field.name]
                ):
                    cls._write_text(model, field, text_of, from_id)
        cls.env.invalidate_all()

    @staticmethod
    def holds_text(field):
        """Whether a column holds a text that is shown, and nothing that is read."""
        return (
            field.store
            and field.column_type
            and field.type in ("char", "text")
            and field.name not in CODE
        )

    @classmethod
    def _write_text(cls, model, field, text_of, from_id):
        column, table = SQL.identifier(field.name), SQL.identifier(model._table)
        if model._name in cls.registry["metered.append.only"]._inherit_children:
            # The database refuses to change its rows.
            cls.env.cr.execute(SQL("ALTER TABLE %s DISABLE TRIGGER USER", table))
        cls.env.cr.execute(
            SQL("SELECT id, %s FROM %s WHERE id >= %s", column, table, from_id)
        )
        for id_, value in cls.env.cr.fetchall():
            if value is None and model._name in OTHERS:
                continue
            text = text_of(model._name, field.name, id_)
            size = getattr(field, "size", None)
            text = text[:size] if size else text
            cls.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s = %s WHERE id = %s",
                    table,
                    column,
                    json.dumps({"en_US": text}) if field.translate else text,
                    id_,
                )
            )
