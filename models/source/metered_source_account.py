# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime, time

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...connectors.interface import Identifier
from ...ingest.dial_plans import dial_plan


class MeteredSourceAccount(models.Model):
    _name = "metered.source.account"
    _description = "Source Account"
    _inherit = ["metered.guarded", "metered.audit", "metered.cure"]
    _order = "source_id, partner_id, name"

    _curing = frozenset({"country_id"})

    name = fields.Char(
        string="Account",
        required=True,
        help="Name of this customer on the switch: a domain, tenant or trunk group.",
    )
    active = fields.Boolean(default=True)
    source_id = fields.Many2one(
        "metered.source",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True, index=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
    )
    country_id = fields.Many2one(
        "res.country",
        string="Dialing Country",
        help="Country this customer dials from, for example 020 7946 0120 from a "
        "British office. Leave empty to use the country of the customer's "
        "address or, without one, the source's home country. Choose the home "
        "country if the switch already converts all numbers to the format dialed "
        "there.",
    )
    identifier_ids = fields.One2many("metered.identifier", "account_id")

    synced_until = fields.Datetime(
        readonly=True, copy=False, help="All records up to this time were fetched."
    )
    identifiers_synced = fields.Datetime(
        string="Numbers Synced On", readonly=True, copy=False
    )
    sync_error = fields.Char(
        string="Last Problem", readonly=True, copy=False, help="From the last sync."
    )
    sync_ids = fields.One2many(
        "metered.sync",
        "account_id",
        readonly=True,
    )

    _name_uniq = models.Constraint(
        "UNIQUE (source_id, name)",
        "This account already exists on the source.",
    )

    @api.constrains("country_id")
    def _check_country(self):
        for account in self.filtered("country_id"):
            try:
                dial_plan(account.country_id.code)
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "The dialing rules of %(country)s are not known. Choose "
                        "another country for %(account)s.",
                        country=account.country_id.name,
                        account=account.name,
                    )
                ) from error

    def _cure_targets(self):
        """Calls whose number was no number as it was read."""
        return [
            (
                company,
                {
                    "reasons": ["no_destination"],
                    "partner_ids": accounts.partner_id._metered_family().ids,
                },
            )
            for company, accounts in self.grouped("company_id").items()
        ]

    def _audit_home(self):
        return self.partner_id

    # === SYNCS === #

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


class MeteredSource(models.Model):
    """Whose an account of a switch is, said once and for one customer."""

    _inherit = "metered.source"

    def _assign_account(self, name, partner):
        """Make what the switch calls a customer known, in the user's own rights.

        :param str name: the account's key on the switch
        :param partner: ``res.partner``
        :return: ``metered.source.account``, an archived one restored
        :raises UserError: it is another customer's
        """
        self.ensure_one()
        accounts = self.env["metered.source.account"]
        known = accounts.with_context(active_test=False).search(
            [("source_id", "=", self.id), ("name", "=", name)]
        )
        if not known:
            return accounts.create(
                {"source_id": self.id, "name": name, "partner_id": partner.id}
            )
        if known.partner_id != partner:
            raise UserError(
                self.env._(
                    "%(account)s on %(switch)s is already assigned to %(customer)s. "
                    "Open that customer to remove the account or assign it to another "
                    "customer.",
                    account=name,
                    switch=self.name,
                    customer=known.sudo().partner_id.display_name,
                )
            )
        known.active = True
        return known
