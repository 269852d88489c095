# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A pytest plugin: METERED_EXAMPLES is the most examples of a test by hypothesis.

For a further Python: that a test runs there at all is what can be different, and not
what hypothesis searches for. See `.ci/run`.
"""

import os

#: where hypothesis keeps what a test is decorated with
SETTINGS = "_hypothesis_internal_use_settings"


def pytest_collection_modifyitems(items):
    """Let no test have more."""
    most = int(os.environ.get("METERED_EXAMPLES") or 0)
    if not most:
        return
    from hypothesis import settings

    for item in items:
        function = getattr(item.obj, "__func__", item.obj)
        own = getattr(function, SETTINGS, None)
        if getattr(function, "is_hypothesis_test", False) and (
            (own or settings()).max_examples > most
        ):
            setattr(function, SETTINGS, settings(own, max_examples=most))
