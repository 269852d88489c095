# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The screens that `./dev screenshots` takes pictures of."""

from typing import Any, NamedTuple


class Screen(NamedTuple):
    """One screen.

    :ivar name: the picture's file name, before `-WIDTHxHEIGHT.png`
    :ivar url: path on the server, such as `/odoo/action-metered_billing.action_cdr`
    :ivar record: `(model, domain)`; the first record's id is appended to `url`
    :ivar wait: CSS selector that must match before the picture, and before each step
    :ivar steps: JavaScript expressions run one after the other (a promise is awaited)
    :ivar login: whether to be logged in as admin
    :ivar full: the whole page instead of the window
    """

    name: str
    url: str
    record: tuple[str, list[Any]] | None = None
    wait: str = ".o_web_client .o_action"
    steps: tuple[str, ...] = ()
    login: bool = True
    full: bool = False


SIZES = ((1440, 900), (390, 844))

SCREENS = [
    Screen("login", "/web/login", wait=".oe_login_form:not(.d-none)", login=False),
    Screen("apps", "/odoo/apps", wait=".o_kanban_record:not(.o_kanban_ghost)"),
]
