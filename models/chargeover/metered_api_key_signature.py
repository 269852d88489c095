# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time

from odoo import api, fields, models

from ...connectors.tokens import NO_DIGEST

#: system parameter: addresses of this server beside ``web.base.url``
OTHER_ADDRESSES = "metered_billing.signed_addresses"


class MeteredApiKey(models.Model):
    """Keys with which requests are signed, so that they do not carry it."""

    _inherit = "metered.api.key"

    may_sign = fields.Boolean(
        string="Signed Requests",
        help="Requests can be signed with the key instead of containing it. To check "
        "signatures, the key itself is stored, not only its digest.",
    )
    signing_key = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)

    def write(self, vals):
        """Keep no key in full that nothing may be signed with any more."""
        done = super().write(vals)
        if not vals.get("may_sign", True):
            self._set_as_program({"signing_key": False})
        return done

    @api.model
    def _own_addresses(self):
        """How this server is called by those that sign requests to it.

        :return: list of texts such as ``https://odoo.example.com``
        """
        settings = self.env["ir.config_parameter"].sudo()
        more = settings.get_param(OTHER_ADDRESSES, "").replace(",", " ").split()
        own = [settings.get_param("web.base.url", ""), *more]
        return [address.rstrip("/") for address in own if address.strip("/")]

    @api.model
    def _admit_signed(self, signature, addresses, body, address, secure):
        """Who may make a signed request.

        :param signature: ``connectors.chargeover.signature.Signature``
        :param addresses: what the address of the request may be to its sender
        :param bytes body: as it came
        :param str address: where it came from
        :param bool secure: whether it came over TLS
        :return: as :meth:`_admit`
        """
        key = self.sudo().search_fetch(
            [("prefix", "=", signature.public), ("may_sign", "=", True)],
            ["signing_key", "expires", "revoked", "last_used", "requests_per_minute"],
            limit=1,
        )
        private = key.signing_key or NO_DIGEST
        is_right = signature.is_right(private, addresses, body)
        is_fresh = signature.is_fresh(time.time())
        return key._let_in(
            bool(key.signing_key) and is_right and is_fresh, address, secure
        )
