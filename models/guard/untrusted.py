# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is given to create and write, in whatever form."""


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
