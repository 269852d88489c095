# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a screen is, and short ways to say which one."""

from typing import Any, NamedTuple


class Screen(NamedTuple):
    """One screen.

    :ivar name: the picture's file name, before `-WIDTHxHEIGHT.png`
    :ivar url: path on the server, such as `/odoo/action-metered_billing.action_cdr`
    :ivar record: `(model, domain)`; the first record's id is appended to `url`
    :ivar wait: CSS selector that must match before the picture, and before each step
    :ivar steps: JavaScript expressions run one after the other (a promise is awaited)
    :ivar login: whether to be logged in
    :ivar user: as whom; the password is the same
    :ivar full: the whole page instead of the window
    """

    name: str
    url: str
    record: tuple[str, list[Any]] | None = None
    wait: str = ".o_web_client .o_action"
    steps: tuple[str, ...] = ()
    login: bool = True
    full: bool = False
    user: str = "admin"


ACTION = "/odoo/action-metered_billing.action_metered_"


def listed(name: str, action: str) -> Screen:
    return Screen(name, ACTION + action)


def form(name: str, action: str, model: str, domain: list | None = None) -> Screen:
    return Screen(
        name, f"{ACTION}{action}/", record=(model, domain or []), wait=".o_form_view"
    )


def click(selector: str) -> str:
    """A step that clicks what the selector finds first, and waits for a dialog."""
    return f"document.querySelector({selector!r}).click(), {DIALOG}"


def tab(title: str) -> str:
    """A step that opens a tab of a form."""
    return (
        "[...document.querySelectorAll('.o_notebook .nav-link')]"
        f".find((tab) => tab.textContent.includes({title!r})).click()"
    )


def until(selector: str) -> str:
    """A promise that something is there."""
    return f"""new Promise((done) => {{
        const timer = setInterval(() => {{
            if (document.querySelector({selector!r})) {{
                clearInterval(timer);
                done();
            }}
        }}, 100);
    }})"""


#: a promise of a dialog; the picture shows what is there when none comes
DIALOG = """new Promise((done) => {
    let looks = 0;
    const timer = setInterval(() => {
        looks += 1;
        if (looks > 100 || document.querySelector('.modal .o_form_view')) {
            clearInterval(timer);
            done();
        }
    }, 50);
})"""
