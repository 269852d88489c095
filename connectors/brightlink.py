# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Brightlink PBX Cloud: a source of its own, whose addresses the operator enters.

Nothing about the vendor's API is public, so nothing of it stands here. An operator who
has the manual enters addresses and fields as for any HTTP/JSON source; one who gets
files sets up a file store. Accounts are customers' domains.
"""

from .http_json import HttpJson
from .interface import register


@register
class BrightlinkPbxCloud(HttpJson):
    """Settings: those of :class:`HttpJson`; ``{account}`` is the customer's domain."""

    key = "brightlink"
    name = "Brightlink PBX Cloud"
    customer_field = "metered_brightlink_domain"

    manual = (
        "The API is not public. Enter it as described in your Brightlink manual, or "
        "have the call records delivered as files and set up a file store."
    )

    @classmethod
    def needs_account(cls, form):
        return True

    @classmethod
    def asks_for(cls, form):
        # What is said about the manual stands in the form, too.
        return super().asks_for(form) | {"brightlink_manual"}
