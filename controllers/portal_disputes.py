# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Disputes in the portal: the list, one with its thread, opening one."""

from psycopg2.errors import UniqueViolation
from werkzeug.exceptions import NotFound

from odoo import http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal, pager

from ..models.dispute.metered_dispute import REASONS
from ..models.dispute.metered_dispute_open import MOST_LINES, MOST_TEXT
from ..models.dispute.metered_dispute_portal import MOST_BYTES, MOST_FILES
from .portal_request import PRIVATE, admitted, may, portal, shown, values_of

#: of the pages, for the path at their top
NAME = "metered_disputes"
PAGE = 20
#: an id of 64 bits has no more digits
MOST_DIGITS = 18


class PortalDisputes(CustomerPortal):
    """Every route asks the model for what is the customer's: see there."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "metered_dispute_count" in counters:
            values["metered_dispute_count"] = request.env[
                "metered.dispute"
            ]._portal_count()
        return values

    @http.route(
        ["/my/disputes", "/my/disputes/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
    )
    def metered_disputes(self, page=1, **_kw):
        """List the customer's disputes."""
        disputes = request.env["metered.dispute"]
        try:
            count, _none = disputes._portal_list(0, 0)
            pages = pager(url="/my/disputes", total=count, page=page, step=PAGE)
            count, rows = disputes._portal_list(pages["offset"], PAGE)
        except AccessError:
            raise NotFound from None
        return self._metered_shown(
            "portal_my_disputes",
            {
                "disputes": rows,
                "pager": pages,
                "default_url": "/my/disputes",
            },
        )

    @http.route("/my/disputes/<int:dispute_id>", type="http", auth="user", website=True)
    def metered_dispute(self, dispute_id, **_kw):
        """Show a dispute, and what was written about it."""
        return self._metered_dispute_page(dispute_id)

    def _metered_dispute_page(self, dispute_id, error=False, written=""):
        try:
            found = request.env["metered.dispute"]._portal_page(dispute_id)
        except (AccessError, MissingError):
            raise NotFound from None
        # Its calls are looked at as those of the list are.
        if found["sees"] and not admitted("dispute_view", found["name"]):
            return self._metered_too_often()
        return self._metered_shown(
            "portal_my_dispute",
            {
                "metered_dispute": found,
                "error": error,
                "written": written,
                "most_text": MOST_TEXT,
            },
        )

    @http.route(
        "/my/disputes/<int:dispute_id>/message",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def metered_dispute_message(self, dispute_id, text="", **_kw):
        """Add what the customer writes."""
        try:
            with request.env.cr.savepoint():
                request.env["metered.dispute"]._portal_write(
                    dispute_id, text, self._metered_files()
                )
        except (AccessError, MissingError):
            raise NotFound from None
        except UserError as error:
            return self._metered_dispute_page(dispute_id, error.args[0], text)
        return request.redirect(f"/my/disputes/{dispute_id}")

    @http.route(
        "/my/disputes/<int:dispute_id>/file/<int:attachment_id>",
        type="http",
        auth="user",
        website=True,
    )
    def metered_dispute_file(self, dispute_id, attachment_id, **_kw):
        """Download a file of the thread; it is never shown as a page of this site."""
        try:
            found = request.env["metered.dispute"]._portal_file(
                dispute_id, attachment_id
            )
        except (AccessError, MissingError):
            raise NotFound from None
        if not admitted("dispute_view", f"{dispute_id}: {found.name}"):
            return self._metered_too_often()
        stream = request.env["ir.binary"]._get_stream_from(found)
        response = stream.get_response(as_attachment=True)
        response.headers.extend(PRIVATE)
        return response

    @http.route(
        "/my/disputes/new", type="http", auth="user", website=True, methods=["POST"]
    )
    def metered_dispute_new(self, reason="", text="", **_kw):
        """Ask for the reason, then open the dispute."""
        disputes, error = request.env["metered.dispute"], False
        cdr_ids, usage_ids = (
            self._metered_ids(f"{one}_ids") for one in ("cdr", "usage")
        )
        if not may("disputes") or not portal()._customer(request.env.user):
            raise NotFound
        # The form shows calls, as their list does.
        if not admitted("dispute", ", ".join(map(str, cdr_ids + usage_ids))):
            return self._metered_too_often()
        if reason or text:
            try:
                # The database refuses who disputes the same charge at the same time.
                with request.env.cr.savepoint():
                    made = disputes._portal_open(
                        cdr_ids, usage_ids, reason, text, self._metered_files()
                    )
                return request.redirect(f"/my/disputes/{made}")
            except UniqueViolation:
                error = request.env._("Some of these charges are already disputed.")
            except AccessError:
                raise NotFound from None
            except UserError as refused:
                error = refused.args[0]
        charges = []
        try:
            cdr_ids, usage_ids, charges = disputes._portal_charges(cdr_ids, usage_ids)
        except AccessError:
            raise NotFound from None
        except UserError as refused:
            error = refused.args[0]
        reasons = disputes._fields["reason"]._description_selection(request.env)
        return self._metered_shown(
            "portal_my_dispute_new",
            {
                "charges": charges,
                "cdr_ids": cdr_ids,
                "usage_ids": usage_ids,
                "reasons": reasons,
                "reason": reason if reason in dict(REASONS) else "not_mine",
                "text": text[:MOST_TEXT],
                "error": error,
                "most_text": MOST_TEXT,
            },
        )

    def _metered_too_often(self):
        values = values_of(NAME, self._prepare_portal_layout_values())
        return shown("portal_too_often", values, 429)

    def _metered_shown(self, template, values):
        values = {**values_of(NAME, self._prepare_portal_layout_values()), **values}
        return shown(template, values)

    def _metered_ids(self, name):
        """Ids in the form, each once; texts with commas too."""
        texts = ",".join(request.httprequest.form.getlist(name)).split(",")
        found = {
            int(one): None
            for one in texts[: 2 * MOST_LINES]
            if one.isascii() and one.isdigit() and len(one) <= MOST_DIGITS
        }
        return list(found)

    def _metered_files(self):
        """The files in the form: list of (name, bytes), hardly more than may be."""
        files = request.httprequest.files.getlist("files")[: MOST_FILES + 1]
        return [
            (one.filename[-100:], one.stream.read(MOST_BYTES + 1))
            for one in files
            if one.filename
        ]
