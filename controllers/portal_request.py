# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What all pages of the portal about usage have in common."""

from odoo.http import request

#: pages about usage are nobody's to keep, not even the browser's
PRIVATE = [("Cache-Control", "private, no-store")]
#: how a page is reached: only by who is logged in
PAGE = {"type": "http", "auth": "user", "website": True, "methods": ["GET"]}


def portal():
    """What a portal user may see."""
    return request.env["metered.portal"]


def may(right):
    """Whether the contact that is logged in has a right."""
    return request.env.user.partner_id._metered_portal_may(right)


def shown(template, values, status=200):
    """A page that is kept nowhere."""
    response = request.render(f"metered_billing.{template}", values)
    response.status_code = status
    response.headers.extend(PRIVATE)
    return response


def admitted(kind, what):
    """Note an access, unless there were too many just now.

    :param kind: of ``metered.access.log``
    :param what: text
    :return: whether it may go on
    """
    log = request.env["metered.access.log"].sudo()
    user = request.env.user
    if log._is_too_often(user, kind):
        return False
    customer = portal()._customer(user)
    # Who is no customer's is shown nothing.
    if customer:
        log._note(user, customer, kind, what, request.httprequest.remote_addr)
    return True


def values_of(name, values):
    """Values of each page about usage.

    :param name: of the page, for the path at its top
    :param values: what each page of the portal has
    """
    code = request.env.lang or "en_US"
    lang = request.env["res.lang"]._get_data(code=code)
    return {
        **values,
        "page_name": name,
        "html_data": {"lang": code.replace("_", "-"), "dir": lang.direction or "ltr"},
        "may_calls": may("calls"),
        "may_alerts": may("alerts"),
        "may_disputes": may("disputes"),
    }
