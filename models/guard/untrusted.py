# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What callers send along: values in whatever form, and a context."""


def given(records, vals, name):
    """What a field would be with these values.

    The ORM takes an id, a record, a pair, a date as text and more for the same value;
    whoever looks into values before they are written has to take all of it, too.

    :param records: of the model whose values they are; may be empty
    :param vals: dict for create or write
    :return: as ``record[name]``; what is empty where the field is not in the values
    """
    field = records._fields[name]
    value = field.convert_to_cache(vals.get(name), records)
    return field.convert_to_record(value, records)


def all_given(records, vals_list, name):
    """The records that a many2one would point to with each of these values."""
    comodel = records[name].browse()
    return comodel.union(*(given(records, vals, name) for vals in vals_list))


#: what a caller may say: language and time zone of texts, and the companies, which Odoo
#: compares with the user's
CALLERS = frozenset({"lang", "tz", "uid", "allowed_company_ids"})


def own_context(records):
    """The same records in a context of the program's own.

    Odoo leaves out what is archived, balances an invoice and computes its sums unless
    the context says otherwise, and whoever calls by RPC sends that. What is done with
    more rights than the caller has, or decides what somebody is charged, begins here.

    :param records: of any model
    """
    kept = {key: said for key, said in records.env.context.items() if key in CALLERS}
    return records.with_env(records.env(context=kept))
