# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Statements that customers download, and the usage on the page of an invoice."""

from odoo.http import request, route

from odoo.addons.account.controllers.portal import PortalAccount

from ..models.dispute.metered_dispute_open import MOST_LINES
from ..models.statement.metered_statement import FILES
from .portal_request import PAGE, PRIVATE, admitted, may, portal, shown, values_of


class StatementPortal(PortalAccount):
    @route("/my/statements", **PAGE)
    def metered_statements(self, **_kw):
        """The statements of a customer."""
        values = values_of("usage_statements", self._prepare_portal_layout_values())
        if not values["may_calls"]:
            return shown("portal_no_calls", values, 403)
        statements = portal()._statements(request.env.user)
        return shown("portal_statements", {**values, "statements": statements})

    @route("/my/statements/<int:id_>/<string:kind>", **PAGE)
    def metered_statement_file(self, id_, kind, **_kw):
        """A file of a statement."""
        values = values_of("usage_statements", self._prepare_portal_layout_values())
        if not values["may_calls"]:
            return shown("portal_no_calls", values, 403)
        statement = portal()._statements(request.env.user, id_)
        if kind not in FILES or not statement:
            raise request.not_found()
        if not admitted("statement", f"{statement.name} ({kind})"):
            return shown("portal_too_often", values, 429)
        stream = request.env["ir.binary"]._get_stream_from(
            statement, kind, filename=f"{statement.file_name}.{FILES[kind]}"
        )
        response = stream.get_response(as_attachment=True)
        response.headers.extend(PRIVATE)
        return response

    def _invoice_get_page_view_values(self, invoice, access_token, **kwargs):
        values = super()._invoice_get_page_view_values(invoice, access_token, **kwargs)
        usage = portal()._invoice_usage(invoice, request.env.user)
        is_own = bool(usage and usage["is_own"])
        values.update(
            metered_usage=usage,
            metered_may_calls=is_own and may("calls"),
            metered_may_question=is_own and may("disputes"),
            metered_most_lines=MOST_LINES,
        )
        return values
