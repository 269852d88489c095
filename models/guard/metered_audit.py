# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import api, fields, models, tools

from ...ingest.aside import Aside
from ...rating.exact import exact, exact_text, number
from .metered_guarded import MODULE

#: said while a sync takes over what a switch says: its own log tells that
BY_SWITCH = Aside("metered_by_switch")
#: what waits in a transaction until it is told
WAITING = "metered_audit"
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
    looked at, those that will be added next month, too; of Odoo's own models, what this
    module adds to them. A caller's context cannot leave a change out. What one
    transaction changes of the parts of a record is one message.

    It stands before ``mail.thread``, and a model of Odoo, in ``_inherit``.
    """

    _name = "metered.audit"
    _description = "Audited Settings"

    #: what a job moves on, and what says nothing
    _not_audited = frozenset()
    #: fields of a model of Odoo that are told, too
    _audited_too = frozenset()

    @api.model
    @tools.ormcache()
    def _audit_names(self):
        """The fields that a person sets."""
        own = self._original_module == MODULE
        return frozenset(
            name
            for name, field in self._fields.items()
            if field.store
            and not field.readonly
            and field.type not in UNTOLD
            and name not in models.MAGIC_COLUMNS
            and not name.startswith(OF_MAIL)
            and name not in self._not_audited
            and (own or field._module == MODULE or name in self._audited_too)
        )

    def _audit_home(self):
        """The records in whose chatter a change of this one is told.

        What it is a part of, and would be deleted with; a model without any says whose.

        :return: records; none where its own chatter tells
        """
        if self._has_chatter():
            return self.browse()
        for name, field in self._fields.items():
            if field.type == "many2one" and field.required and is_whole(field):
                whole = self[name]
                return whole if whole._has_chatter() else whole._audit_home()
        raise NotImplementedError(f"{self._name} has no record with a chatter.")

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
        if self._has_chatter():
            if not self.env.registry.ready:
                # What an installation brings is not somebody's change.
                self = self.with_context(tracking_disable=True)
            return super().create(vals_list)
        records = super().create(vals_list)
        records._audit_tell(records._audit_homes(), records._audit_whole(False))
        return records

    def write(self, vals):
        """Tell what was changed."""
        names = self._audit_names() & vals.keys()
        if not names:
            return super().write(vals)
        self = told(self)
        if self._has_chatter():
            return super().write(vals)
        homes = self._audit_homes()
        before = {record: record._audit_values(names) for record in homes}
        result = super().write(vals)
        changes = {}
        for record, was in before.items():
            now = record._audit_values(names)
            homes[record] |= record._audit_home()
            changes[record] = (
                record.display_name,
                [(n, was[n][1], now[n][1]) for n in names if now[n] != was[n]],
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
                for name in self._audit_names()
                for text in [record._audit_text(name)]
                if text not in empty
                and name != "sequence"
                and not (self._fields[name].relational and record[name] == home)
            ]
            whole[record] = (record.display_name, lines)
        return whole

    def _audit_tell(self, homes, changes):
        """Have changes told in the chatters of the records that these are parts of.

        :param dict homes: record -> whose chatters
        :param dict changes: record -> (name, list of (field, text before, text after));
            a record that is missing is counted only
        """
        if BY_SWITCH.heard() or not self.env.registry.ready:
            return
        label = self.env["ir.model"]._get(self._name).name
        precommit = self.env.cr.precommit
        for record, its_homes in homes.items():
            part = changes.get(record)
            if part and not part[1]:
                continue
            text = part and f"{part[0]} ({label}): " + "; ".join(
                f"{self._audit_label(name)}: {old} → {new}"
                for name, old, new in sorted(part[1])
            )
            waiting = precommit.data.setdefault(WAITING, {})
            if not waiting:
                precommit.add(self.env["metered.audit"]._audit_say)
            for home in its_homes:
                waiting.setdefault((self.env.uid, home), []).append(text)

    @api.model
    def _audit_say(self):
        """Write what this transaction changed: a message for each record and user."""
        waiting = self.env.cr.precommit.data.pop(WAITING, {})
        bodies = {}
        for (uid, home), texts in waiting.items():
            shown = [text for text in texts if text][:MOST_LINES]
            if len(texts) > len(shown):
                shown.append(self.env._("and %s more", len(texts) - len(shown)))
            body = Markup("<br/>").join(shown)
            bodies.setdefault((uid, home._name), {})[home.id] = body
        for (uid, model), of_homes in bodies.items():
            homes = self.env[model].with_user(uid).sudo().browse(of_homes).exists()
            homes._message_log_batch(bodies={id_: of_homes[id_] for id_ in homes.ids})

    def _audit_label(self, name):
        return self._fields[name]._description_string(self.env)

    def _audit_values(self, names):
        """Settings of a record, with those apart that have the same name.

        :return: dict field -> (ids of what it leads to, text)
        """
        return {
            name: (
                self._fields[name].relational and self[name].ids,
                self._audit_text(name),
            )
            for name in names
        }

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
        if field.type == "datetime" and value:
            return f"{fields.Datetime.to_string(value)} UTC"
        return str(value or none)


def is_whole(field):
    """Whether a relation leads to what its record is a part of."""
    return field.store and field.ondelete == "cascade"


def told(records):
    """The records without a context that would have their changes left out."""
    context = records.env.context
    if not (context.get("tracking_disable") or context.get("mail_notrack")):
        return records
    return records.with_context(**dict.fromkeys(UNTRACKED, False))
