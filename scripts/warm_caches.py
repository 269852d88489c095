# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A pytest plugin: the caches of Odoo's registry outlive a test that is rolled back.

Odoo empties them after each test, and the next one reads views, rules, rights and
menus again. What is in them holds until it is cleared, and a test leaves the database
as it was. So a test, and a class of tests, leaves the caches as they were before what
it did cleared them first, with what was added until then. After one that committed
anything, they are emptied.
"""

import sys
from unittest.mock import patch

import pytest

#: models of whose records a test may have told the database alone
OWN = "metered."


def kept_lru(lru):
    """A kind of cache, made of Odoo's, that is put back."""

    class KeptLRU(lru):
        __slots__ = ("_levels",)

        def __init__(self, count, pairs=()):
            self._levels = []
            super().__init__(count, pairs)

        def clear(self):
            with self._lock:
                if not self._levels or self._levels[-1]:
                    super().clear()
                    return
                self._levels[-1] = self._values, self._ordering
                self._values, self._ordering = {}, {}

        def begin(self):
            """Keep what is there, should it be cleared."""
            self._levels.append(None)

        def end(self, *, is_valid):
            """Put it back; or clear everything, where it may be wrong by now."""
            with self._lock:
                kept = self._levels.pop()
                if not is_valid:
                    self._levels = [None] * len(self._levels)
                    self._values, self._ordering = {}, {}
                elif kept:
                    self._values, self._ordering = kept
                for key in [key for key in self._values if key[0].startswith(OWN)]:
                    del self[key]

    return KeptLRU


class WarmCaches:
    """Replaces what Odoo's cases do to the caches.

    :ivar is_valid: whether nothing was committed since the class of tests began
    """

    def __init__(self, common, sql_db):
        self.common, self.sql_db = common, sql_db
        self.is_valid = True
        self.has_address = False

    def caches(self, registry):
        """The registry's caches, which can be put back from now on."""
        caches = registry._Registry__caches
        for name, cache in caches.items():
            if not hasattr(cache, "end"):
                caches[name] = kept_lru(type(cache))(cache.count)
        return caches.values()

    def begin(self, registry):
        for cache in self.caches(registry):
            cache.begin()

    def end(self, registry):
        for cache in self.caches(registry):
            cache.end(is_valid=self.is_valid)

    def keep_address(self, case):
        """Store where this process serves: each class would, and clear by that."""
        common = self.common
        if not self.has_address:
            self.has_address = True
            with common.Registry(common.get_db_name()).cursor() as cr:
                env = common.api.Environment(cr, common.api.SUPERUSER_ID, {})
                env["ir.config_parameter"].set_param("web.base.url", case.base_url())

    def replace(self, cleanups, name, put_back):
        """Have something else than a cleanup of this name."""
        [place] = [
            place
            for place, (function, *_arguments) in enumerate(cleanups)
            if getattr(function, "__name__", "") == name
        ]
        cleanup = cleanups[place][0]
        cleanups[place] = (lambda: put_back(cleanup), (), {})

    def set_up(self, patched):
        """Patch Odoo's test cases until ``patched`` takes it back."""
        case = self.common.TransactionCase
        set_up_class, set_up = case.setUpClass.__func__, case.setUp
        commit = self.sql_db.Cursor.commit

        def warm_set_up_class(cls):
            if issubclass(cls, self.common.HttpCase):
                self.keep_address(cls)
            set_up_class(cls)
            registry = cls.registry

            def put_back(reset_changes):
                # It clears what it has to, and would clear everything at last.
                with patch.object(registry, "clear_all_caches", lambda: None):
                    reset_changes()
                self.end(registry)

            self.is_valid = True
            self.begin(registry)
            self.replace(cls._class_cleanups, "reset_changes", put_back)

        def warm_set_up(test):
            set_up(test)
            registry = test.registry
            self.begin(registry)
            self.replace(
                test._cleanups, "clear_all_caches", lambda _clear: self.end(registry)
            )

        def noted_commit(cursor):
            if cursor.dbname == self.common.get_db_name():
                self.is_valid = False
            return commit(cursor)

        patched.setattr(case, "setUpClass", classmethod(warm_set_up_class))
        patched.setattr(case, "setUp", warm_set_up)
        patched.setattr(self.sql_db.Cursor, "commit", noted_commit)


@pytest.fixture(scope="session", autouse=True)
def warm_caches():
    """Have the tests of Odoo keep the caches of its registry."""
    common = sys.modules.get("odoo.tests.common")
    if common is None:
        yield
        return
    with pytest.MonkeyPatch.context() as patched:
        WarmCaches(common, sys.modules["odoo.sql_db"]).set_up(patched)
        yield
