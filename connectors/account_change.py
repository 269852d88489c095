# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The request that suspends or resumes an account on a switch, as its manual names it.

Switches differ in it, so that an administrator enters method, path and body; nothing is
guessed.
"""

import json
from dataclasses import dataclass

from .errors import SourceSettingsError
from .web_address import path_part

#: is replaced by the account, in the path and in texts of the body
ACCOUNT = "{account}"
METHODS = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class AccountChange:
    """A request that changes an account.

    - `method`: of :data:`METHODS`
    - `path`: relative to the address of the source
    - `body`: text of JSON, or empty
    """

    method: str
    path: str
    body: str = ""

    def of(self, account):
        """The request for an account.

        :param str account: key on the switch
        :return: (method, path, what is sent as JSON, or None)
        :raise SourceSettingsError: it does not name the account, or is no request
        """
        if self.method not in METHODS:
            raise SourceSettingsError(f"The method {self.method} is not supported.")
        if ACCOUNT not in self.path + self.body:
            raise SourceSettingsError(
                f"Neither path nor body contains {ACCOUNT}.",
                remedy=f"Enter {ACCOUNT} where the account belongs.",
            )
        if "://" in self.path or "\\" in self.path:
            raise SourceSettingsError(
                f"The path {self.path} must be relative to the address of the source."
            )
        path = self.path.replace(ACCOUNT, path_part(account))
        return self.method, path, _with_account(self._parsed(), account)

    def _parsed(self):
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise SourceSettingsError(
                "The body is not valid JSON.", remedy="Correct it on the source."
            ) from None


def _with_account(value, account):
    """A value of JSON with the account in its texts."""
    if isinstance(value, str):
        return value.replace(ACCOUNT, account)
    if isinstance(value, list):
        return [_with_account(one, account) for one in value]
    if isinstance(value, dict):
        return {name: _with_account(one, account) for name, one in value.items()}
    return value
