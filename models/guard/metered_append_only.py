# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import date, datetime

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

_FUNCTION = """
CREATE OR REPLACE FUNCTION metered_append_only() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are only ever added: no % of them',
          TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$ LANGUAGE plpgsql;
"""
_TRIGGERS = {
    "rows": "BEFORE UPDATE OR DELETE ON %s FOR EACH ROW",
    "table": "BEFORE TRUNCATE ON %s FOR EACH STATEMENT",
}


class MeteredAppendOnly(models.AbstractModel):
    """Rows that are written once: neither Python nor SQL changes or deletes them.

    A trigger refuses it. Who owns the database can take the trigger away: a chain of
    digests says then which rows are not what they were, see ``statement/chain.py``.
    """

    _name = "metered.append.only"
    _description = "Rows That Are Only Added"

    def init(self):
        """Have the database refuse what is no new row."""
        if not self._auto or self._abstract:
            return
        self.env.cr.execute(_FUNCTION)
        for name, when in _TRIGGERS.items():
            trigger = f"{self._table}_append_only_{name}"
            [[known]] = self.env.execute_query(
                SQL("SELECT count(*) FROM pg_trigger WHERE tgname = %s", trigger)
            )
            if not known:
                self.env.cr.execute(
                    SQL(
                        "CREATE TRIGGER %s %s EXECUTE FUNCTION metered_append_only()",
                        SQL.identifier(trigger),
                        SQL(when, SQL.identifier(self._table)),
                    )
                )

    def write(self, vals):  # pylint: disable=method-required-super
        """Refuse it.

        :raises UserError: always
        """
        raise UserError(
            self.env._("%s: entries cannot be changed.", self._description_of_rows())
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_ever(self):
        """Refuse it.

        :raises UserError: always
        """
        raise UserError(
            self.env._("%s: entries cannot be deleted.", self._description_of_rows())
        )

    def _description_of_rows(self):
        return self.env["ir.model"]._get(self._name).name


def said(names, row):
    """What a row says, as it is hashed, with one value for all that is empty.

    :param names: fields, in their order
    :param row: a record, or a dict of its values
    :return: dict of JSON
    """
    found = {}
    for name in names:
        value = row.get(name) if isinstance(row, dict) else row[name]
        if isinstance(value, models.BaseModel):
            value = value.id
        elif isinstance(value, date | datetime):
            value = value.isoformat()
        found[name] = value or None
    return found
