# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Naming many exceptions by what they have in common.

A target is a dict of conditions that all hold:

- ``ids``: list of ids of exceptions
- ``causes``: list of (company id, state, reason, cause key)
- ``source_id``: id
- ``reasons``: list
- ``tried``: list of identifiers, "kind value", that were looked for
- ``prefixes``: list of first characters of the called number
- ``partner_ids``: list of ids

It can be stored as JSON, and is the same small thing for ten records and ten million.
"""

from odoo.tools import SQL


def target_sql(target, company_ids, state="open", readable=False):
    """The condition that an exception belongs to a target, for the alias ``exception``.

    :param target: dict, see the module
    :param company_ids: ids; nothing of other companies ever belongs to it
    :param state: of the exceptions
    :param readable: only what can be tried again as it is
    :return: SQL
    """
    parts = [
        SQL("exception.company_id = ANY(%s)", list(company_ids)),
        SQL("exception.state = %s", state),
    ]
    if readable:
        parts.append(SQL("exception.readable"))
    for name, condition in (
        ("ids", "exception.id = ANY(%s)"),
        ("reasons", "exception.reason = ANY(%s)"),
        ("tried", "exception.tried && %s::text[]"),
        ("partner_ids", "exception.partner_id = ANY(%s)"),
    ):
        if name in target:
            parts.append(SQL(condition, list(target[name])))
    if "source_id" in target:
        parts.append(SQL("exception.source_id = %s", target["source_id"]))
    if "causes" in target:
        keys = {(company, reason, key) for company, _s, reason, key in target["causes"]}
        parts.append(
            SQL(
                "(exception.company_id, exception.reason, exception.cause) IN %s",
                tuple(sorted(keys)) or ((0, "", ""),),
            )
        )
    if "prefixes" in target:
        likes = [
            SQL("exception.callee LIKE %s", _escape_like(prefix) + "%")
            for prefix in target["prefixes"]
        ]
        parts.append(SQL("(%s)", SQL(" OR ").join(likes) if likes else SQL("FALSE")))
    return SQL(" AND ").join(parts)


def _escape_like(text):
    """Text to be found as it is by LIKE."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
