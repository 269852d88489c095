# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime, time

from odoo import fields, models
from odoo.exceptions import ValidationError

from ..connectors.interface import Identifier


class MeteredSourceAccount(models.Model):
    """What a switch knows of a customer, kept up to date by syncs."""

    _inherit = "metered.source.account"

    synced_until = fields.Datetime(
        readonly=True, copy=False, help="All records until then were fetched."
    )
    identifiers_synced = fields.Datetime(
        string="Numbers Synced On", readonly=True, copy=False
    )
    sync_error = fields.Char(
        string="Last Problem", readonly=True, copy=False, help="Of the last sync."
    )
    sync_ids = fields.One2many("metered.sync", "account_id")

    def _sync_identifiers(self, found):
        """Take over the phone numbers and extensions of the account, with their dates.

        Where the switch does not say since when a number is there, it is the customer's
        from the last sync on, which did not see it; at the first sync from always.
        One that is gone ends now. What a person entered is left alone.

        :param found: list of :class:`~..connectors.interface.Identifier`
        :return: (how many were new, how many ended)
        """
        self.ensure_one()
        now = fields.Datetime.now()
        model = self.env["metered.identifier"].sudo().with_context(active_test=False)
        wanted = {(i.kind, i.value): i for i in found if i.active}
        # Records name the account as well, of numbers that nobody lists, too.
        wanted.setdefault(
            ("account_code", self.name), Identifier("account_code", self.name)
        )
        known = model.search([("account_id", "=", self.id), ("is_synced", "=", True)])
        current = known.filtered(lambda i: i.active and not i.date_to)
        gone = current.filtered(lambda i: (i.kind, i.value) not in wanted)
        for identifier in gone:
            if identifier.date_from and identifier.date_from >= now:
                identifier.active = False
            else:
                identifier.date_to = now
        new = {*wanted} - {(i.kind, i.value) for i in current}
        added = sum(
            self._add_identifier(wanted[key], known, now) for key in sorted(new)
        )
        self.identifiers_synced = now
        return added, len(gone)

    def _add_identifier(self, found, known, now):
        """Whether it was added: not where somebody else has it, or this customer."""
        model = self.env["metered.identifier"].sudo()
        begin = self.identifiers_synced or False
        if found.valid_from:
            begin = datetime.combine(found.valid_from, time(), UTC).replace(tzinfo=None)
        ended = known.filtered(
            lambda i: (i.kind, i.value) == (found.kind, found.value) and i.date_to
        )
        if ended:
            begin = max([begin or datetime.min, *ended.mapped("date_to")])
        source = self.source_id
        values = {
            "kind": found.kind,
            "value": found.value,
            "company_id": self.company_id.id,
            "partner_id": self.partner_id.id,
            "source_id": source.id,
            "account_id": self.id,
            "is_synced": True,
            "date_from": begin,
        }
        normalised = model.new(values).normalised
        others = model.search(
            [
                ("kind", "=", found.kind),
                ("normalised", "=", normalised),
                ("company_id", "=", self.company_id.id),
                ("source_id", "=", source.id),
                *model._domain_valid(now),
            ]
        )
        if others.filtered(lambda i: not i.is_synced):
            return False  # a person said whose it is
        for other in others:
            # The switch gave it to this account: it is no longer the other's.
            moved = self.identifiers_synced or now
            if other.date_from and other.date_from >= moved:
                moved = now
            if other.date_from and other.date_from >= moved:
                return False
            other.date_to = moved
            values["date_from"] = max(begin or moved, moved)
        try:
            with self.env.cr.savepoint():
                model.create(values)
        except ValidationError:
            return False  # it will be, or was, somebody else's at that time
        return True
