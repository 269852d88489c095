# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Programs that push events, as a kind of source."""

from ..kinds import Kind, register_kind
from .cloud_event import read_events


@register_kind
class Events(Kind):
    """Programs that push events."""

    key = "events"
    name = "Events, pushed by a program"
    preset = "events"
    is_posted_to = True
    takes_events = True
    is_pushed_to = True
    has_tokens = False
    writes_json = True
    has_own_fields = True

    @classmethod
    def asks_for(cls, form):
        return super().asks_for(form) | {"events"}

    @classmethod
    def read_pushed(cls, body, content_type, headers=()):
        return read_events(body, content_type, headers)
