# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a server's refusal, or a connection that fails, means: as errors of a source."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .errors import (
    SourceAnswerError,
    SourceBusy,
    SourceNotFound,
    SourceRefused,
    SourceUnreachable,
)
from .json_text import read_json

TRANSIENT = frozenset({500, 502, 503, 504})
SHOWN_CHARACTERS = 300
# What Python's libraries put before a reason: the connection's class, error numbers.
TECHNICAL = re.compile(r"^(<[^>]*>|\w+\([^)]*\)): |\[(Errno|SSL)[^\]]*\] ")


def refusal(response, body, where, busy, redact):
    """The error that a status of 400 or more stands for, which it carries.

    :param busy: statuses of a server that wants to be asked less often
    :param redact: :class:`~.credentials.Redaction`
    :return: :class:`~.errors.SourceError`
    """
    error = _refusal(response, body, where, busy, redact)
    error.status = response.status_code
    return error


def _refusal(response, body, where, busy, redact):
    status = response.status_code
    message = _message(response, body, redact)
    said = f"The server answers {status}{message and ': ' + message}"
    said += "" if said.endswith((".", "!", "?")) else "."
    foreign = "json" not in response.headers.get("Content-Type", "").lower()
    if status in busy or status in TRANSIENT:
        kind = SourceBusy if status in busy else SourceUnreachable
        remedy = "Try again later."
        if status == 403:
            remedy = (
                "Either the credentials do not have the required scope, or this "
                "server sent too many requests and is temporarily blocked. Check the "
                "scope of the credentials, and lower the requests per second."
            )
        elif status == 429:
            remedy = (
                "The switch limits the number of requests. Lower the "
                "requests per second."
            )
        return kind(said, where, remedy, retry_after_seconds(response.headers))
    if status in (401, 403):
        return SourceRefused(
            said,
            where,
            "Check the credentials, whether they have expired, and their scope.",
        )
    if status in (404, 410):
        return SourceNotFound(
            said,
            where,
            "Check the account name and the address.",
            foreign=foreign,
        )
    return SourceAnswerError(said, where, "Check the settings.", foreign=foreign)


def _message(response, body, redact):
    """What the server says about its refusal, shortened."""
    if "json" not in response.headers.get("Content-Type", "").lower():
        return ""
    try:
        data = read_json(body)
    except ValueError:
        return ""
    if not isinstance(data, dict):
        return ""
    for key in ("message", "error_description", "error", "detail", "title"):
        if isinstance(data.get(key), str):
            return redact(data[key])[:SHOWN_CHARACTERS]
    return ""


def reason(error, redact):
    """The innermost cause in a few words, without addresses and secrets."""
    while True:
        inner = getattr(error, "reason", None) or next(
            (arg for arg in error.args if isinstance(arg, Exception)), None
        )
        if not isinstance(inner, Exception) or inner is error:
            break
        error = inner
    text = TECHNICAL.sub("", str(error))
    return redact(text)[:SHOWN_CHARACTERS].rstrip(". ")


def retry_after_seconds(headers, now=None):
    """What a Retry-After header says, in seconds; None when it says nothing."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())
