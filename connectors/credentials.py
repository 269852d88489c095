# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Credentials: where they come from, and how they stay out of what people read."""

import base64
import json
import logging
import os
import threading
import weakref
from urllib.parse import quote, quote_plus

from .errors import SourceSettingsError

ENVIRONMENT = "env:"
# Whoever sets up a source must not read the server's other secrets with it.
ENVIRONMENT_PREFIX = "METERED_"
HIDDEN = "***"


def credential(value, name="credential"):
    """The credential itself, where a setting may hold ``env:NAME`` instead.

    :param value: text of the setting, or None
    :param name: what the setting is called, for the error
    :return: text, empty where there is none
    :raise SourceSettingsError: the variable is not set, or none that may be used
    """
    value = (value or "").strip()
    if not value.startswith(ENVIRONMENT):
        return value
    variable = value.removeprefix(ENVIRONMENT).strip()
    if not variable.startswith(ENVIRONMENT_PREFIX):
        raise SourceSettingsError(
            f"The {name} is taken from the environment variable {variable}.",
            remedy=f"Only environment variables that start with {ENVIRONMENT_PREFIX} "
            "can "
            "be used. Rename the variable.",
        )
    if not os.environ.get(variable):
        raise SourceSettingsError(
            f"The environment variable {variable}, which should contain the {name}, "
            "is not set.",
            remedy="Set it where the server is started, and restart the server.",
        )
    return os.environ[variable]


class Redaction:
    """Replaces the secrets it was told, in every shape they travel in."""

    def __init__(self):
        self._secrets = {}
        self._lock = threading.Lock()
        _hide_in_logs(self)

    def add(self, *secrets):
        """Hide these texts from now on.

        :return: the first of them
        """
        shapes = set()
        for secret in filter(None, secrets):
            shapes |= {
                secret,
                quote(secret),
                quote(secret, safe=""),
                quote_plus(secret),
            }
            shapes.add(base64.b64encode(secret.encode()).decode())
            # As errors quote it: a line break is a backslash and an n there.
            shapes |= {quoted(secret)[1:-1] for quoted in (repr, ascii, json.dumps)}
        with self._lock:
            # The longest first: one secret may be a part of another.
            known = shapes.union(self._secrets)
            self._secrets = dict.fromkeys(sorted(known, key=len, reverse=True))
        return secrets[0] if secrets else ""

    def __call__(self, text):
        """The text without secrets.

        :param text: anything; taken as text
        """
        text = str(text)
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


class _LogFilter(logging.Filter):
    """urllib3 logs addresses with their parameters when it logs at all."""

    def __init__(self):
        super().__init__()
        self.redactions = weakref.WeakSet()

    def filter(self, record):
        message = record.getMessage()
        hidden = message
        for redaction in list(self.redactions):
            hidden = redaction(hidden)
        if hidden != message:
            record.msg, record.args = hidden, ()
        return True


_log_filter = _LogFilter()


def _hide_in_logs(redaction):
    _log_filter.redactions.add(redaction)
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_log_filter)  # a second time changes nothing
