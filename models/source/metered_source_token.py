# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import hmac
import ipaddress
import logging
import secrets
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from ...connectors.errors import SourceError
from ...connectors.interface import attempt
from ...connectors.tokens import NO_DIGEST, TOKEN_BYTES, token_digest
from ..guard.last_use import note_use

_logger = logging.getLogger(__name__)

ADMINISTRATOR = "metered_billing.group_metered_administrator"
#: of a source: the old one stays valid until the switch has the new one
MOST_TOKENS = 2
#: wrong tokens within so many seconds: from one address, and for one source
WINDOW_SECONDS = 15 * 60
MOST_WRONG = 10
MOST_WRONG_OF_SOURCE = 1_000
KEPT_HOURS = 24
MOST_INTEGER = 2**31 - 1


class MeteredSourceToken(models.Model):
    """What a switch that posts its records proves itself with: a digest of it."""

    _name = "metered.source.token"
    _description = "Source Token"
    _inherit = ["metered.guarded"]
    _order = "id desc"

    source_id = fields.Many2one(
        "metered.source", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True, index=True)
    name = fields.Char(string="Ends With", required=True, readonly=True)
    digest = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)
    last_used = fields.Datetime(readonly=True, help="Rounded to the minute.")
    last_address = fields.Char(string="Used From", readonly=True)
    last_secure = fields.Boolean(
        string="Over TLS", readonly=True, help="Whether it was received over https."
    )

    def action_remove(self):
        """Let nobody post with this token any more."""
        self.source_id.check_access("write")
        for token in self.sudo():
            token.source_id._message_log(
                body=self.env._("Token removed: …%s → none", token.name)
            )
            token.unlink()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    @api.model
    def _admit(self, source_id, given, address, secure):
        """Who may post for a source.

        Whether there is such a source, whether it is archived, and whether it has a
        token, takes the same work and tells nothing. A right token gets in whatever
        others did from the same address: behind a proxy that is everybody's.

        :param int source_id: as it was asked for
        :param str given: the token that came
        :param str address: where it came from
        :param bool secure: whether it came over TLS
        :return: (``metered.source``, empty where the token is wrong; seconds after
            which to try again, 0 unless there were too many wrong ones)
        """
        # It may have been of another kind when it got its token.
        [(_type, *kinds)] = self.env["metered.source"]._search_kind(
            "has_tokens", "=", True
        )
        known = self.sudo().search_fetch(
            [
                ("source_id", "=", source_id),
                ("source_id.active", "=", True),
                ("source_id.source_type", *kinds),
            ],
            ["digest", "source_id", "last_used"],
            limit=MOST_TOKENS,
        )
        digest = token_digest(given)
        digests = [*known.mapped("digest"), *[NO_DIGEST] * MOST_TOKENS][:MOST_TOKENS]
        right = [hmac.compare_digest(digest, other) for other in digests]
        if any(right):
            token = known[right.index(True)]
            note_use(token, address, secure)
            source = token.source_id
            # What a job does works for it as well: it has a user and its company.
            return source.with_user(SUPERUSER_ID).with_company(source.company_id), 0
        wait = self.env["metered.wrong.token"].sudo()._count(source_id, address)
        return self.env["metered.source"], wait


class MeteredWrongToken(models.Model):
    """A post with a wrong token: kept for a day, to slow down whoever guesses.

    Each is a row of its own: a counter would be a row that strangers fight for.
    """

    _name = "metered.wrong.token"
    _description = "Post With Invalid Token"
    _inherit = ["metered.guarded"]
    _log_access = False
    _order = "id desc"

    asked = fields.Integer(required=True, help="ID of the source, existing or not.")
    address = fields.Char(required=True)
    moment = fields.Datetime(required=True, index=True, string="Time")

    @api.model
    def _count(self, source_id, address):
        """Note a wrong token.

        :return: seconds after which to try again, 0 unless there were too many
        """
        now = fields.Datetime.now()
        asked = min(source_id, MOST_INTEGER)
        where = self._network(address)
        self.env.cr.execute(
            """
            SELECT count(*) FILTER (WHERE address = %(where)s),
                   count(*) FILTER (WHERE asked = %(asked)s),
                   min(moment)
              FROM metered_wrong_token
             WHERE moment > %(begin)s AND (address = %(where)s OR asked = %(asked)s)
            """,
            {
                "where": where,
                "asked": asked,
                "begin": now - timedelta(seconds=WINDOW_SECONDS),
            },
        )
        of_address, of_source, first = self.env.cr.fetchone()
        if of_address >= MOST_WRONG or of_source >= MOST_WRONG_OF_SOURCE:
            return max(1, WINDOW_SECONDS - int((now - first).total_seconds()))
        self.create({"asked": asked, "address": where, "moment": now})
        self.env.flush_all()
        _logger.warning(
            "Post with a wrong token for %s from %s: %s from there, %s for "
            "that within %s minutes%s",
            f"source {source_id}" if source_id else "the API",
            where,
            of_address + 1,
            of_source + 1,
            WINDOW_SECONDS // 60,
            "; further ones are neither counted nor logged"
            if of_address + 1 == MOST_WRONG or of_source + 1 == MOST_WRONG_OF_SOURCE
            else "",
        )
        return 0

    @api.model
    def _network(self, address):
        """The address, and of IPv6 the network that a customer usually has."""
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return "unknown"
        if ip.version == 6:
            return str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)))
        return str(ip)

    @api.autovacuum
    def _gc_wrong_tokens(self):
        limit = fields.Datetime.now() - timedelta(hours=KEPT_HOURS)
        self.search([("moment", "<", limit)]).unlink()


class MeteredTokenShow(models.AbstractModel):
    """The dialog that shows a new token once: there is no table to keep it in."""

    _name = "metered.token.show"
    _description = "New Token"

    id = fields.Id()
    token = fields.Char(readonly=True)
    address = fields.Char(string="Address to Post To", readonly=True)


class MeteredSource(models.Model):
    """The tokens of a switch that posts its records."""

    _inherit = "metered.source"

    token_ids = fields.One2many(
        "metered.source.token",
        "source_id",
        string="Tokens",
        readonly=True,
        copy=False,
        groups=ADMINISTRATOR,
        help="The switch sends the token with every record, as a bearer token or as "
        "the password for basic authentication.",
    )

    def action_new_token(self):
        """Make a token, and show it this once."""
        self.ensure_one()
        token = self._new_token()
        return self.env["metered.token.show"]._get_records_action(
            name=self.env._("New Token"),
            target="new",
            context={
                "default_token": token,
                "default_address": self.push_address,
            },
        )

    def _new_token(self):
        """Make a token beside the one that there is.

        :return: text; it is kept nowhere
        """
        self.ensure_one()
        self.check_access("write")
        if not self._kind().has_tokens:
            raise UserError(
                self.env._(
                    "%s does not receive posts, so it needs no token.", self.name
                )
            )
        source = self.sudo()
        source.lock_for_update(allow_referencing=True)
        source.invalidate_recordset(["token_ids"])
        if len(source.token_ids) >= MOST_TOKENS:
            raise UserError(
                self.env._(
                    "%(name)s already has %(count)s tokens. Remove the one the switch "
                    "no longer uses.",
                    name=self.name,
                    count=MOST_TOKENS,
                )
            )
        token = secrets.token_urlsafe(TOKEN_BYTES)
        source.token_ids.create(
            {
                "source_id": self.id,
                "name": token[-4:],
                "digest": token_digest(token),
            }
        )
        self._message_log(body=self.env._("New token: none → …%s", token[-4:]))
        return token

    def _look_posts(self):
        """Look at what was posted; see :meth:`_look_connection`."""
        if self.asks_at_renewals:
            return self._look_usage_url()
        if not self._kind().has_tokens:
            return self._look_events()
        checks = []
        if attempt(checks, self.env._("Token exists"), self._look_token):
            attempt(checks, self.env._("Calls are posted"), self._look_posted)
            attempt(checks, self.env._("Calls arrive over TLS"), self._look_secure)
        attempt(checks, self.env._("No invalid tokens"), self._look_wrong_tokens)
        return checks

    def _look_token(self):
        keys = self._read_together("_read_usable_keys")
        if not self.sudo().token_ids and not keys:
            raise SourceError(
                self.env._("There is no token for the switch to send."),
                remedy=self.env._(
                    "Click New Token, and enter the token on the switch."
                ),
            )
        return ""

    def _look_secure(self):
        """Whether the last record came over TLS; within this machine nothing does."""
        keys = self._read_together("_read_usable_keys")
        used = max(
            (one for one in (*self.sudo().token_ids, *keys) if one.last_used),
            key=lambda one: one.last_used,
            default=None,
        )
        if not used or used.last_secure or _is_loopback(used.last_address):
            return ""
        raise SourceError(
            self.env._(
                "The last call came from %s without TLS, so the token and the calls "
                "can be read in transit.",
                used.last_address,
            ),
            remedy=self.env._(
                "Configure the switch to post to an address starting with https://. "
                "Behind a proxy that handles TLS, run Odoo with proxy_mode."
            ),
        )

    def _read_usable_keys(self):
        """API keys with which somebody can push to each source."""
        keys = self.env["metered.api.key"].sudo()._usable_for(self)
        # An archived source has its keys, too.
        keys = keys.with_context(active_test=False)
        return {
            source.id: keys.filtered(lambda key, s=source: s in key.source_ids)
            for source in self
        }

    def _read_wrong_tokens(self):
        """Posts with a wrong token, by the source that they were for."""
        begin = fields.Datetime.now() - timedelta(hours=KEPT_HOURS)
        wrong = self.env["metered.wrong.token"].sudo()
        return wrong.search(
            [("asked", "in", self.ids), ("moment", ">", begin)]
        ).grouped("asked")

    def _look_wrong_tokens(self):
        wrong = self._read_together("_read_wrong_tokens")
        if not wrong:
            return ""
        raise SourceError(
            self.env._(
                "%(count)s posts had an invalid token within %(hours)s hours, the "
                "last one from %(address)s at %(time)s.",
                count=len(wrong),
                hours=KEPT_HOURS,
                address=wrong[0].address,
                time=format_datetime(self.env, wrong[0].moment),
            ),
            remedy=self.env._(
                "If that is your switch, enter one of the source's tokens there, or "
                "create a new one. Otherwise block the address with your firewall."
            ),
        )


def _is_loopback(address):
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False
