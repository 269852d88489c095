# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime, time

from odoo import fields, models
from odoo.exceptions import ValidationError

from ...connectors.interface import Identifier


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
    sync_ids = fields.One2many(
        "metered.sync",
        "account_id",
        readonly=True,
    )

    def _sync_identifiers(self, found):
        """Take over the phone numbers and extensions of the account, with their dates.

        Where the switch does not say since when a number is there, it is the customer's
        from the last sync on, which did not see it; at the first sync from always.
        One that is gone ends now. What a person entered is left alone.

        :param found: list of :class:`~..connectors.interface.Identifier`
        :return: (``metered.identifier`` that are new, how many ended, whether another
            account's ended for them)
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
        added, moved = self._add_identifiers(
            [wanted[key] for key in sorted(new)], known, now
        )
        self.identifiers_synced = now
        return added, len(gone), moved

    def _add_identifiers(self, found, known, now):
        """Create what nobody else has, or somebody else had before.

        :param found: list of :class:`~..connectors.interface.Identifier`
        :param known: ``metered.identifier`` of this account, from earlier syncs
        :return: (those that were created, whether another account's ended for them)
        """
        model = self.env["metered.identifier"].sudo()
        ended = {}
        for identifier in known.filtered("date_to"):
            key = (identifier.kind, identifier.value)
            ended.setdefault(key, []).append(identifier.date_to)
        wanted = [self._prepare_identifier(i, ended) for i in found]
        country = self.country_id or self.source_id.country_id
        forms = model._normalised_forms(
            [(values["kind"], values["value"]) for values in wanted], country
        )
        others = model.search(
            [
                ("normalised", "in", list({*forms} - {False})),
                ("company_id", "=", self.company_id.id),
                ("source_id", "=", self.source_id.id),
                *model._domain_valid(now),
            ]
        ).grouped(lambda other: (other.kind, other.normalised))
        free, taken = [], []
        for values, form in zip(wanted, forms, strict=True):
            other = others.get((values["kind"], form))
            if not other:
                free.append(values)
            elif other.filtered("is_synced") == other:
                taken.append((values, other))
            # Or a person said whose it is.
        added = self._create_identifiers(free)
        moved = False
        for values, other in taken:
            if self._take_over(values, other, now):
                moved = True
                added += self._create_identifiers([values])
        return added, moved

    def _prepare_identifier(self, found, ended):
        """Values of an identifier, from the moment on that it is this account's.

        :param dict ended: (kind, value) -> when it ended here before
        """
        begin = self.identifiers_synced or False
        if found.valid_from:
            begin = datetime.combine(found.valid_from, time(), UTC).replace(tzinfo=None)
        before = ended.get((found.kind, found.value))
        if before:
            begin = max([begin or datetime.min, *before])
        return {
            "kind": found.kind,
            "value": found.value,
            "company_id": self.company_id.id,
            "partner_id": self.partner_id.id,
            "source_id": self.source_id.id,
            "account_id": self.id,
            "is_synced": True,
            "date_from": begin,
        }

    def _take_over(self, values, others, now):
        """End what the switch gave to this account, and was another's.

        :return: whether it can be this account's
        """
        for other in others:
            moved = self.identifiers_synced or now
            if other.date_from and other.date_from >= moved:
                moved = now
            if other.date_from and other.date_from >= moved:
                return False
            other.date_to = moved
            values["date_from"] = max(values["date_from"] or moved, moved)
        return True

    def _create_identifiers(self, wanted):
        """Create these, except where one was, or will be, somebody else's.

        :param wanted: list of values
        :return: ``metered.identifier``
        """
        model = self.env["metered.identifier"].sudo()
        if not wanted:
            return model
        try:
            with self.env.cr.savepoint():
                return model.create(wanted)
        except ValidationError:
            if len(wanted) == 1:
                return model
        # One of them is in the way of the others: which one?
        return model.union(*(self._create_identifiers([one]) for one in wanted))
