# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What customers see of their usage, and of their calls."""

import csv
import io
from urllib.parse import urlencode

from odoo import fields
from odoo.http import request, route

from odoo.addons.portal.controllers.portal import CustomerPortal

from ..models.portal.metered_portal_calls import MOST_DOWNLOADED, Asked
from .portal_request import PAGE, PRIVATE, admitted, may, portal, shown, values_of


class UsagePortal(CustomerPortal):
    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "metered_usage_count" in counters:
            has_usage = portal()._has_usage(request.env.user)
            values["metered_usage_count"] = int(has_usage)
        return values

    @route("/my/usage", **PAGE)
    def metered_usage(self, **_kw):
        """What was used so far, by day, and in past periods."""
        user = request.env.user
        return shown(
            "portal_usage",
            {
                **values_of("usage", self._prepare_portal_layout_values()),
                "running": portal()._usage_so_far(user),
                "by_day": portal()._usage_by_day(user),
                "past": portal()._past_usage(user),
            },
        )

    @route("/my/usage/forecast", **PAGE)
    def metered_forecast(self, **_kw):
        """The next invoices, as of now and at the end of the period."""
        values = values_of("usage_forecast", self._prepare_portal_layout_values())
        if not admitted("forecast", ""):
            return shown("portal_too_often", values, 429)
        found = portal()._forecast(request.env.user)
        return shown("portal_forecast", {**values, "found": found})

    @route("/my/usage/calls", **PAGE)
    def metered_calls(self, **texts):
        """A page of calls."""
        values = values_of("usage_calls", self._prepare_portal_layout_values())
        if not values["may_calls"]:
            return shown("portal_no_calls", values, 403)
        asked = self._metered_asked(texts)
        address = urlencode(asked.as_texts())
        if not admitted("calls", filters_of(asked)):
            return shown("portal_too_often", values, 429)
        page = portal()._calls_page(request.env.user, asked)
        return shown(
            "portal_calls",
            {
                **values,
                "asked": asked.as_texts(),
                "filters": portal()._call_filters(request.env.user),
                "page": page,
                "details_gone": portal()._details_gone_text(request.env.user),
                "address": address,
                "is_first": not asked.after,
                "most": request.env._(
                    "A file contains the newest %s calls at most, and its name has "
                    "the day of the first one. Your statements contain all of "
                    "them.",
                    f"{MOST_DOWNLOADED:,}",
                ),
            },
        )

    @route("/my/usage/calls/download", **PAGE)
    def metered_calls_download(self, **texts):
        """The calls of a list as CSV."""
        values = values_of("usage_calls", self._prepare_portal_layout_values())
        if not values["may_calls"]:
            return shown("portal_no_calls", values, 403)
        asked = self._metered_asked({**texts, "after": ""})
        if not admitted("download", filters_of(asked)):
            return shown("portal_too_often", values, 429)
        file = io.StringIO(newline="")
        writer = csv.writer(file, lineterminator="\r\n")
        first = portal()._calls_file(request.env.user, asked, writer.writerow)
        name = f"calls_{first.isoformat()}_{asked.last.isoformat()}.csv"
        return request.make_response(
            "\ufeff" + file.getvalue(),
            [
                ("Content-Type", "text/csv; charset=utf-8"),
                ("Content-Disposition", f'attachment; filename="{name}"'),
                ("X-Content-Type-Options", "nosniff"),
                *PRIVATE,
            ],
        )

    @route("/my/usage/call/<int:id_>", **PAGE)
    def metered_call(self, id_, **_kw):
        """A call, and why it costs what it costs."""
        values = values_of("usage_call", self._prepare_portal_layout_values())
        if not values["may_calls"]:
            return shown("portal_no_calls", values, 403)
        cdr = portal()._call_of(request.env.user, id_)
        call = cdr and portal()._masked_call(cdr)
        if not call:
            raise request.not_found()
        # In the log's own notation, whatever the language of who looks.
        start = call["start_time"].isoformat(" ", "seconds")
        if not admitted("call", f"{start} {call['to']} ({call['id']})"):
            return shown("portal_too_often", values, 429)
        return shown(
            "portal_call",
            {
                **values,
                "call": call,
                "title": request.env._("Call on %s", call["start"]),
                "steps": portal()._explain_call(cdr),
                "may_question": may("disputes"),
            },
        )

    def _metered_asked(self, texts):
        user = request.env.user
        today = max(
            (company._metered_today() for company in portal()._companies(user)),
            default=fields.Date.today(),
        )
        return Asked.from_texts(texts, today)


def filters_of(asked):
    """Which calls were asked for, as the log says it.

    :param asked: :class:`Asked`
    """
    texts = asked.as_texts().items()
    return ", ".join(f"{name}={text}" for name, text in texts if text)
