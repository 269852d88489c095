# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The context in which a program charges: not the one that a caller sends."""

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
