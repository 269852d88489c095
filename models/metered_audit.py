# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import api, fields, models

from ..rating.exact import exact, exact_text, number

#: contexts by which a caller could have a change left out
UNTRACKED = ("tracking_disable", "mail_notrack")
#: lines of records that are changed together; the others are counted
MOST_LINES = 20
UNTOLD = frozenset(("one2many", "binary", "json", "properties", "reference"))
#: prefixes of what the mixins of ``mail`` bring along
OF_MAIL = ("message_", "activity_", "rating_", "website_message_")


class MeteredAudit(models.AbstractModel):
    """Settings that decide where records come from and what they cost.

    Who changed one of them, from what to what, is a line in the chatter: of the record
    itself, or of the one that it is a part of. All settings that a person can enter are
    looked at, those that will be added next month, too. A caller's context cannot leave
    a change out.

    It stands before ``mail.thread`` in ``_inherit``.
    """

    _name = "metered.audit"
    _description = "Settings Whose Changes Are Told"

    #: what a job moves on, and what says nothing
    _not_audited = frozenset({"sequence"})

    @api.model
    def _audit_names(self):
        """The fields that a person sets."""
        return {
            name
            for name, field in self._fields.items()
            if field.store
            and not field.readonly
            and field.type not in UNTOLD
            and name not in models.MAGIC_COLUMNS
            and not name.startswith(OF_MAIL)
            and name not in self._not_audited
        }

    def _audit_home(self):
        """The record in whose chatter a change of this one is told.

        :return: a record; empty where its own chatter tells
        """
        return self.browse()

    # === RECORDS WITH A CHATTER === #

    def _track_get_fields(self):
        return super()._track_get_fields() | self._audit_names()

    def _track_prepare(self, fields_iter):
        # Some settings are not for all who may change others.
        return super(MeteredAudit, self.sudo())._track_prepare(fields_iter)

    # === PARTS OF A RECORD === #

    @api.model_create_multi
    def create(self, vals_list):
        """Tell that parts were added."""
        records = super().create(vals_list)
        if not self._has_chatter():
            records._audit_tell(records._audit_homes(), records._audit_whole(False))
        return records

    def write(self, vals):
        """Tell what was changed."""
        self = told(self)
        names = self._audit_names() & vals.keys()
        if not names or self._has_chatter():
            return super().write(vals)
        homes = self._audit_homes()
        before = {record: record._audit_texts(names) for record in homes}
        result = super().write(vals)
        changes = {}
        for record, texts in before.items():
            now = record._audit_texts(names)
            homes[record] |= record._audit_home()
            changes[record] = (
                record.display_name,
                [(n, texts[n], now[n]) for n in names if now[n] != texts[n]],
            )
        self._audit_tell(homes, changes)
        return result

    def unlink(self):
        """Tell that parts were removed."""
        if self._has_chatter():
            return super().unlink()
        homes, gone = self._audit_homes(), self._audit_whole(True)
        result = super().unlink()
        self._audit_tell(homes, gone)
        return result

    @api.model
    def _has_chatter(self):
        return "message_ids" in self._fields

    def _audit_homes(self):
        return {record: record._audit_home() for record in self.sudo()}

    def _audit_whole(self, is_gone):
        """All settings of parts that come or go; of many, the first.

        What is empty, and whose part it is, says nothing in that chatter.

        :return: dict record -> (name, list of (field, text before, text after))
        """
        none = self.env._("none")
        empty = (none, "0", self.env._("no"))
        whole = {}
        for record in self.sudo()[:MOST_LINES]:
            home = record._audit_home()
            lines = [
                (name, text, none) if is_gone else (name, none, text)
                for name, text in record._audit_texts().items()
                if text not in empty
                and not (self._fields[name].relational and record[name] == home)
            ]
            whole[record] = (record.display_name, lines)
        return whole

    def _audit_tell(self, homes, changes):
        """Write changes into the chatters of the records that these are parts of.

        :param dict homes: record -> whose chatter
        :param dict changes: record -> (name, list of (field, text before, text after));
            a record that is missing is counted only
        """
        parts_of = {}
        for record, its_homes in homes.items():
            part = changes.get(record)
            if part is None or part[1]:
                for home in its_homes:
                    parts_of.setdefault(home, []).append(part)
        for home, parts in parts_of.items():
            shown = [part for part in parts if part][:MOST_LINES]
            texts = [
                f"{what}: "
                + "; ".join(
                    f"{self._audit_label(name)}: {old} → {new}"
                    for name, old, new in sorted(lines)
                )
                for what, lines in shown
            ]
            if len(parts) > len(shown):
                texts.append(self.env._("and %s more", len(parts) - len(shown)))
            if home.exists():
                home.sudo()._message_log(body=Markup("<br/>").join(texts))

    def _audit_label(self, name):
        return self._fields[name]._description_string(self.env)

    def _audit_texts(self, names=None):
        """The settings of a record as text.

        :return: dict field -> text
        """
        names = self._audit_names() if names is None else names
        return {name: self._audit_text(name) for name in names}

    def _audit_text(self, name):
        field, value = self._fields[name], self[name]
        none = self.env._("none")
        if field.type == "boolean":
            return self.env._("yes") if value else self.env._("no")
        if field.relational:
            return ", ".join(value.mapped("display_name")) or none
        if field.type == "selection":
            labels = dict(field._description_selection(self.env))
            return str(labels.get(value, value or none))
        if field.type in ("float", "monetary"):
            return exact_text(exact(number(value)))
        if field.type == "integer":
            return str(value)
        if field.type in ("date", "datetime"):
            return fields.Date.to_string(value) if value else none
        return str(value or none)


def told(records):
    """The records without a context that would have their changes left out."""
    context = records.env.context
    if not (context.get("tracking_disable") or context.get("mail_notrack")):
        return records
    return records.with_context(**dict.fromkeys(UNTRACKED, False))
