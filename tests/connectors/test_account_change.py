# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The request that suspends an account is the one that was entered."""

import json
from unittest import TestCase
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from ...connectors.account_change import AccountChange
from ...connectors.errors import SourceSettingsError


class TestAccountChange(TestCase):
    def test_the_account_stands_where_it_was_entered(self):
        change = AccountChange(
            "PUT", "domains/{account}", '{"name": "{account}", "limits": [0, true]}'
        )
        self.assertEqual(
            change.of("acme.example"),
            (
                "PUT",
                "domains/acme.example",
                {"name": "acme.example", "limits": [0, True]},
            ),
        )

    @given(st.text(min_size=1))
    def test_an_account_stays_one_part_of_the_path(self, account):
        change = AccountChange("POST", "v2/{account}/off", '{"of": "{account}"}')
        try:
            _method, path, body = change.of(account)
        except (SourceSettingsError, UnicodeEncodeError):
            return
        self.assertEqual(path.count("/"), 2)
        self.assertEqual(unquote(path.split("/")[1]), account)
        self.assertEqual(json.loads(json.dumps(body)), {"of": account})

    def test_what_is_no_request_is_said(self):
        for change in (
            AccountChange("GET", "domains/{account}"),
            AccountChange("POST", "domains"),
            AccountChange("POST", "domains/{account}", "{"),
            AccountChange("POST", "https://elsewhere.example/{account}"),
        ):
            with self.subTest(change=change), self.assertRaises(SourceSettingsError):
                change.of("acme")
