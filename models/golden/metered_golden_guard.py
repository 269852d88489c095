# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import contextlib
import json
import logging

from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError
from odoo.http import request
from odoo.tools import json_default

from ...ingest.aside import Aside

_logger = logging.getLogger(__name__)

#: what says in a cursor's cache that a change is being looked at already
WATCHING = "metered_golden_watching"
#: said while something begins on the day on which it was agreed to begin
AS_AGREED = Aside("metered_as_agreed")
#: fields with the first day, and the first day after
DATES = {"date_from", "date_to"}


class MeteredGoldenGuard(models.AbstractModel):
    """What prices rest on: a change that alters a golden call is refused, and told.

    The golden calls that a change may concern are priced before and after it, today
    and on the later days from which it holds. An Administrator goes on with a reason:
    on the screen by a button, otherwise with ``metered_golden_reason`` in the context.
    Where there are no golden calls it costs one look.

    Only the outermost change is looked at: a deck saved with ten rates is one. Rates of
    a file do not come this way; their import looks by itself.
    """

    _name = "metered.golden.guard"
    _description = "Price Protection by Golden Calls"

    #: fields whose change may alter what something costs
    _pricing = frozenset()
    #: kinds of golden calls that it may alter
    _golden_kinds = frozenset({"call"})
    #: whether a new record may alter a price by itself
    _prices_when_new = True

    @api.model_create_multi
    def create(self, vals_list):
        """Refuse what alters golden calls unless it is confirmed."""
        if not self._prices_when_new or not any(
            self._pricing & vals.keys() for vals in vals_list
        ):
            return super().create(vals_list)
        with self._golden_watch("create", vals_list) as watched:
            records = super().create(vals_list)
            watched.append(records)
        return records

    def write(self, vals):
        """Refuse what alters golden calls unless it is confirmed."""
        if not self._pricing & vals.keys():
            return super().write(vals)
        with self._golden_watch("write", [vals]):
            return super().write(vals)

    def unlink(self):
        """Refuse what alters golden calls unless it is confirmed."""
        with self._golden_watch("unlink", []):
            return super().unlink()

    # === WHAT IT MAY CONCERN === #

    def _golden_domain(self):
        """Which golden calls these records may concern, as a domain."""
        if "company_id" in self._fields and self and all(r.company_id for r in self):
            return [("company_id", "in", self.company_id.ids)]
        return []

    def _golden_concerned(self, calls, vals_list):
        """Those of the golden calls that a change may alter.

        :param vals_list: what is written, or the values of new records
        """
        return calls

    def _golden_dates(self, vals_list):
        """Dates from which the change may hold, beside today."""
        days = {day for vals in vals_list for day in _dates(vals)}
        for name in DATES & self._fields.keys():
            days.update(filter(None, self.mapped(name)))
        return days

    def _golden_records(self):
        """The records in whose chatter a confirmed change is noted."""
        return self if "message_ids" in self._fields else self.browse()

    def _golden_home(self):
        """The record to show when one of these was deleted."""
        return self._golden_records()[:1]

    # === LOOKING === #

    @contextlib.contextmanager
    def _golden_watch(self, method, vals_list):
        """Compare the golden calls before and after what is done inside.

        :param method: create, write or unlink
        :param vals_list: its values
        :return: list to which created records are added
        """
        cache = self.env.cr.cache
        created = []
        calls = None
        if not cache.get(WATCHING) and self.env.registry.ready:
            calls = self._golden_calls(vals_list)
        if not calls:
            yield created
            return
        cache[WATCHING] = True
        try:
            days = self._golden_days(vals_list)
            before = {day: calls._verdicts(day) for day in days}
            noted = [self._golden_records().sudo()]
            yield created
            after = {day: calls._verdicts(day) for day in days}
            noted += [records._golden_records().sudo() for records in created]
            altered = calls._alterations(before, after)
            if altered:
                self._golden_decide(method, vals_list, altered, noted)
        finally:
            cache.pop(WATCHING, None)

    def _golden_calls(self, vals_list):
        calls = self.env["metered.golden.call"].sudo()
        calls = calls.search(
            [
                ("active", "=", True),
                ("kind", "in", list(self._golden_kinds)),
                *self._golden_domain(),
            ]
        )
        return calls and self._golden_concerned(calls, vals_list)

    def _golden_days(self, vals_list):
        """The days on which golden calls are priced: None for now, then later ones."""
        today = fields.Date.context_today(self)
        return [
            None,
            *sorted(day for day in self._golden_dates(vals_list) if day > today),
        ]

    # === DECIDING === #

    def _golden_decide(self, method, vals_list, altered, noted):
        """Refuse the change, or note who confirmed it.

        :param altered: dict golden call -> line of text
        :param noted: records in whose chatter it is noted, too
        :raises UserError: unless it is confirmed
        """
        lines = "\n".join(f"- {line}" for line in altered.values())
        may = self.env.user.has_group("metered_billing.group_metered_administrator")
        # Who confirmed other lines than these has not confirmed these.
        may_go_on = may and self.env.context.get("metered_golden_shown", lines) == lines
        reason = str(self.env.context.get("metered_golden_reason") or "").strip()
        if may_go_on and reason:
            for call, line in altered.items():
                call._note_confirmed(line, reason)
            for records in noted:
                for record in records.exists():
                    record._message_log(
                        body=self.env._(
                            "Golden calls affected, confirmed by %(who)s: %(reason)s",
                            who=self.env.user.name,
                            reason=reason,
                        )
                    )
            return
        text = self.env._(
            "This change affects agreed prices of golden calls: %s Nothing was saved.",
            lines,
        )
        pending = self._golden_pending(method, vals_list, lines) if may else None
        if pending:
            text += " " + self.env._(
                "To apply the change anyway, click Apply Anyway and enter a reason."
            )
        elif not may:
            text += " " + self.env._(
                "An administrator of Metered Billing can apply the change anyway."
            )
        else:
            text += " " + self.env._(
                "To apply the change anyway, pass the reason as metered_golden_reason "
                "in the context."
            )
        if not pending:
            raise UserError(text)
        refusal = RedirectWarning(
            text, self._golden_action(), self.env._("Apply Anyway..."), pending
        )
        # A question to a person, not an error of the server.
        refusal.loglevel = logging.INFO
        raise refusal

    def _golden_pending(self, method, vals_list, lines):
        """The change for the screen that confirms it; None where nobody looks at one.

        :return: context
        """
        on_screen = request and request.httprequest.path.startswith("/web/")
        if not on_screen:
            return None
        try:
            values = json.dumps(self._golden_plain(vals_list), default=json_default)
        except (TypeError, ValueError):
            _logger.info("A change of %s cannot be kept to be confirmed", self._name)
            return None
        change = {
            "model": self._name,
            "method": method,
            "record_ids": json.dumps(self.ids),
            "vals_list": values,
            "altered": lines,
        }
        change["digest"] = self.env["metered.golden.confirm"]._digest(change)
        return {f"default_{name}": value for name, value in change.items()}

    def _golden_plain(self, vals_list):
        """Values with ids in place of records."""
        return [
            {
                name: self._fields[name].convert_to_write(value, self)
                if isinstance(value, models.BaseModel)
                else value
                for name, value in vals.items()
            }
            for vals in vals_list
        ]

    @api.model
    def _golden_action(self):
        return self.env.ref("metered_billing.action_metered_golden_confirm").id


def _dates(vals):
    """Yield the dates in values of a record, and in those of its lines."""
    for name, value in vals.items():
        if name in DATES and value:
            yield fields.Date.to_date(value)
        elif isinstance(value, list | tuple):
            for command in value:
                if isinstance(command, list | tuple) and isinstance(command[-1], dict):
                    yield from _dates(command[-1])
