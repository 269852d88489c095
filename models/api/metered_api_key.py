# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import hmac
import re
import secrets

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...connectors.tokens import NO_DIGEST, TOKEN_BYTES, token_digest
from ..guard.last_use import note_use

#: characters by which a key is found; what they do not tell is 256 random bits
MARK, PREFIX_BYTES = "mk_", 5
PREFIX_CHARACTERS = len(MARK) + 2 * PREFIX_BYTES
#: longer than a token of a source, none of which looks like it
SHAPE = re.compile(rf"{MARK}[0-9a-f]{{{2 * PREFIX_BYTES}}}_[\w-]{{43}}", re.ASCII)
#: first key of the advisory locks of keys that something is computed for ("mbqt")
COMPUTE_LOCK_CLASS = 0x6D627174
#: of which source a wrong key is counted: of none
NO_SOURCE = 0


class MeteredApiKey(models.Model):
    """What a program proves itself with that pushes events, or reads usage.

    The key itself is shown once and kept as a digest. There may be several, so that one
    can be changed without a gap.
    """

    _name = "metered.api.key"
    _description = "API Key"
    _inherit = ["metered.guarded", "metered.audit", "mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True, help="Name of the program that uses the key.")
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    prefix = fields.Char(
        string="Starts With",
        readonly=True,
        copy=False,
        help="Empty if the key has not been created yet.",
    )
    digest = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)
    may_push = fields.Boolean(string="Push Events", default=True)
    source_ids = fields.Many2many(
        "metered.source",
        string="Sources",
        domain="[('is_pushed_to', '=', True), ('company_id', '=', company_id)]",
        check_company=True,
    )
    may_read = fields.Boolean(
        string="Read Usage",
        help="Events, usage and quotes of all customers of the company.",
    )
    may_invoice = fields.Boolean(
        string="Read Invoices",
        help="Invoices with usage of all customers of the company.",
    )
    may_issue = fields.Boolean(
        string="Complete Invoices",
        help="Set the quantities of invoices that wait for usage, recalculate them, "
        "and issue them.",
    )
    expires = fields.Datetime(
        copy=False,
        help="The key is rejected from this time on. Leave empty if it "
        "does not "
        "expire.",
    )
    revoked = fields.Datetime(readonly=True, copy=False)
    requests_per_minute = fields.Integer(
        default=6000, help="Further requests have to wait. 0 means no limit."
    )
    last_used = fields.Datetime(
        readonly=True, copy=False, help="Accurate to the minute."
    )
    last_address = fields.Char(string="Used From", readonly=True, copy=False)
    last_secure = fields.Boolean(
        string="Over TLS",
        readonly=True,
        copy=False,
        help="Whether the last request used HTTPS.",
    )
    state = fields.Selection(
        [
            ("new", "Not Created"),
            ("usable", "In Use"),
            ("expired", "Expired"),
            ("revoked", "Revoked"),
        ],
        string="Status",
        compute="_compute_state",
    )

    _prefix_uniq = models.UniqueIndex(
        "(prefix) WHERE prefix IS NOT NULL",
        "A key with this prefix already exists.",
    )

    @api.depends("prefix", "expires", "revoked")
    def _compute_state(self):
        now = fields.Datetime.now()
        for key in self:
            if key.revoked:
                key.state = "revoked"
            elif not key.prefix:
                key.state = "new"
            elif key.expires and key.expires <= now:
                key.state = "expired"
            else:
                key.state = "usable"

    @api.constrains("requests_per_minute")
    def _check_requests(self):
        if any(key.requests_per_minute < 0 for key in self):
            raise ValidationError(
                self.env._("The number of requests cannot be negative.")
            )

    @api.constrains("source_ids", "may_push")
    def _check_sources(self):
        for key in self:
            others = key.source_ids.filtered(lambda source: not source.is_pushed_to)
            if others:
                raise ValidationError(
                    self.env._(
                        "Nothing can be pushed to %(names)s. Choose sources that "
                        "programs or switches push to.",
                        names=", ".join(others.mapped("name")),
                    )
                )

    # === MADE AND REVOKED === #

    def action_make(self):
        """Make the key, and show it this once."""
        self.ensure_one()
        token = self._make()
        address = f"{self.get_base_url()}/metered/v1/events"
        return self.env["metered.token.show"]._get_records_action(
            name=self.env._("New API Key"),
            target="new",
            context={"default_token": token, "default_address": address},
        )

    def _make(self):
        """Make the key.

        :return: text; it is kept nowhere
        """
        self.ensure_one()
        self.check_access("write")
        self.sudo().lock_for_update(allow_referencing=True)
        if self.prefix or self.revoked:
            raise UserError(
                self.env._(
                    "%s was already created and cannot be shown again. Duplicate it "
                    "to get another key.",
                    self.name,
                )
            )
        prefix = MARK + secrets.token_hex(PREFIX_BYTES)
        token = f"{prefix}_{secrets.token_urlsafe(TOKEN_BYTES)}"
        self._set_as_program(
            {
                "prefix": prefix,
                "digest": token_digest(token),
                "signing_key": self.may_sign and token,
            }
        )
        self._message_log(body=self.env._("Key created: none → %s…", prefix))
        return token

    def action_revoke(self):
        """Let nobody in with this key any more."""
        self.check_access("write")
        for key in self.filtered(lambda key: not key.revoked):
            key._set_as_program(
                {
                    "revoked": fields.Datetime.now(),
                    "digest": False,
                    "signing_key": False,
                }
            )
            key._message_log(
                body=self.env._("Key revoked: %s… → none", key.prefix or "")
            )
        return True

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = self.filtered(lambda key: key.last_used and not key.revoked)
        if used:
            raise UserError(
                self.env._(
                    "%s is in use. Revoke it first.", ", ".join(used.mapped("name"))
                )
            )

    # === LET IN === #

    @api.model
    def _is_shaped(self, given):
        """Whether a text can be a key, and so no token of a source.

        :param str given: whatever came
        """
        return bool(SHAPE.fullmatch(given))

    @api.model
    def _admit(self, given, address, secure):
        """Who may make a request.

        Whether there is such a key, and whether it is revoked or expired, takes the
        same work and tells nothing.

        :param str given: the key that came
        :param str address: where it came from
        :param bool secure: whether it came over TLS
        :return: (``metered.api.key`` with all rights, empty where it is wrong; seconds
            after which to try again, 0 unless there were too many)
        """
        key = self.sudo().search_fetch(
            [("prefix", "=", given[:PREFIX_CHARACTERS])],
            ["digest", "expires", "revoked", "last_used", "requests_per_minute"],
            limit=1,
        )
        is_right = hmac.compare_digest(
            token_digest(given), (key and key.digest) or NO_DIGEST
        )
        return key._let_in(is_right, address, secure)

    def _let_in(self, is_right, address, secure):
        """Who may make a request, once it is known whether it proved itself.

        :param bool is_right: whether it did
        :return: as :meth:`_admit`
        """
        key = self
        if not is_right or key.state != "usable":
            wait = self.env["metered.wrong.token"].sudo()._count(NO_SOURCE, address)
            return self.browse(), wait
        wait = self.env["metered.api.use"].sudo()._count(key)
        if not wait:
            note_use(key, address, secure)
        # What a job does works for it as well: it has a user and its company.
        return key.with_user(SUPERUSER_ID).with_company(key.company_id), wait

    def _compute_alone(self):
        """Whether nothing is computed for this key in another transaction.

        Nor will be until the end of this one.
        """
        self.ensure_one()
        self.env.cr.execute(
            "SELECT pg_try_advisory_xact_lock(%s, %s)", (COMPUTE_LOCK_CLASS, self.id)
        )
        return self.env.cr.fetchone()[0]

    def _push_source(self, named, has_lines=None):
        """The source that a request pushes to, of those that the key is for.

        :param str named: its id; empty where the key is for one only
        :param has_lines: whether its records name lines of subscriptions; None: either
        :return: ``metered.source``; empty where there is none, or which is not said
        """
        sources = self.source_ids.filtered(
            lambda source: (
                source.active
                and source.is_pushed_to
                and source.company_id == self.company_id
                and has_lines in (None, source._kind().has_lines)
            )
        )
        if named:
            return sources.filtered(lambda source: str(source.id) == named)
        return sources if len(sources) == 1 else sources.browse()

    def _readable_sources(self):
        """Sources whose events are told to who has the key."""
        if not self.may_read:
            return self.source_ids.filtered(
                lambda source: source.company_id == self.company_id
            )
        return (
            self.env["metered.source"]
            .with_context(active_test=False)
            .search(
                [
                    ("company_id", "=", self.company_id.id),
                    "|",
                    ("is_pushed_to", "=", True),
                    ("has_offsets", "=", True),
                ]
            )
        )

    @api.model
    def _usable_for(self, source):
        """Keys with which somebody can push to a source."""
        return self.search(
            [("source_ids", "in", source.ids), ("may_push", "=", True)]
        ).filtered(lambda key: key.state == "usable")
