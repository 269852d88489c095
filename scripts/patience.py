# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A pytest plugin: waits that end by themselves are long enough for a busy machine.

How long something takes depends on what else the machine does. So what Odoo's tests
wait for some seconds for, they wait for minutes for: a failure takes longer to say so,
and what passes does not. The steps of a tour have theirs in `static/tests/patience.js`.
"""

import functools
import importlib.util
import sys

import pytest

#: seconds that anything in a test may take
LONG = 300


def pytest_configure():
    """Have no example of hypothesis fail for being slow, as it is in CI anyway."""
    if importlib.util.find_spec("hypothesis") is None:
        return
    from hypothesis import HealthCheck, settings

    used = settings.get_profile(settings.get_current_profile_name())
    settings.register_profile(
        "patient",
        used,
        deadline=None,
        suppress_health_check=[*used.suppress_health_check, HealthCheck.too_slow],
    )
    settings.load_profile("patient")


def at_least(method, name, seconds=LONG):
    """A method whose argument of this name is so many seconds or more."""

    @functools.wraps(method)
    def patient(self, *args, **options):
        options[name] = max(options.get(name) or 0, seconds)
        return method(self, *args, **options)

    return patient


def patient_lock(acquire):
    """The same of a lock, which may be waited for without an end, too."""

    @functools.wraps(acquire)
    def patient(self, blocking=True, timeout=-1):
        return acquire(self, blocking, max(timeout, LONG) if timeout > 0 else timeout)

    return patient


@pytest.fixture(scope="session", autouse=True)
def patient_odoo():
    """Have the tests of Odoo wait long for their server and for their browser."""
    common = sys.modules.get("odoo.tests.common")
    if common is None:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        # A request of a test to its own server, and one that waits for another's end.
        patch.setattr(
            common.Opener, "request", at_least(common.Opener.request, "timeout")
        )
        patch.setattr(common.BaseCase, "test_cursor_lock_timeout", LONG)
        # After a minute without it Odoo would end the process.
        lock = common.RegistryRLock
        patch.setattr(lock, "acquire", patient_lock(lock.acquire))
        # A browser, and what it is told. Without one its tests would be skipped.
        patch.setattr(
            common, "CHECK_BROWSER_ITERATIONS", int(LONG / common.CHECK_BROWSER_SLEEP)
        )
        for owner, method in (
            (common.ChromeBrowser, "_json_command"),
            (common.ChromeBrowser, "_websocket_request"),
            (common.ChromeBrowser, "_wait_ready"),
            (common.HttpCase, "_wait_remaining_requests"),
            (common.HttpCase, "browser_js"),
        ):
            patient = at_least(getattr(owner, method), "timeout")
            patch.setattr(owner, method, patient)
        yield
