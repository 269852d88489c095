# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What goes wrong with a source, in words for the person who uses it."""

from .harmless import shown

SHOWN_CHARACTERS = 500  # of each part of a message


class SourceFileError(Exception):
    """A file that cannot be read as CDRs.

    Its text is one or two sentences for the user: what is wrong, where, what to do.
    """


def _short(text):
    """What a person reads; servers send addresses and names of any length."""
    return shown(text, SHOWN_CHARACTERS)


class SourceError(Exception):
    """A source that did not do what it was asked for.

    :param what: a sentence: what went wrong
    :param where: what was being done, such as ``GET https://pbx.example.com/cdrs``
    :param remedy: a sentence: what a person can do
    :param retry_after: seconds after which it is worth trying again, where known

    None of them holds credentials. ``retry`` says whether the same attempt may succeed
    later although nobody did anything; ``status`` is HTTP's, 0 where none came.
    """

    retry = False
    status = 0

    def __init__(self, what, where="", remedy="", retry_after=None):
        self.what, self.where, self.remedy = map(_short, (what, where, remedy))
        self.retry_after = retry_after
        super().__init__(what, where, remedy, retry_after)

    def __str__(self):
        place = f" ({self.where})" if self.where else ""
        return " ".join(filter(None, [f"{self.what}{place}", self.remedy]))


class SourceUnreachable(SourceError):
    """No answer, or half of one: network, name, certificate, time-out, server error."""

    retry = True


class SourceBusy(SourceError):
    """It answers, and wants to be asked less often."""

    retry = True


class SourceRefused(SourceError):
    """It does not accept the credentials, or they do not reach that far."""


class SourceAnswerError(SourceError):
    """It answers something else than it should.

    ``foreign``: with a web page or other text instead of JSON, as servers do that do
    not know the address.
    """

    def __init__(self, what, where="", remedy="", retry_after=None, foreign=False):
        super().__init__(what, where, remedy, retry_after)
        self.foreign = foreign


class SourceNotFound(SourceAnswerError):
    """It does not know what it was asked for: the account, or the whole address."""


class SourceSettingsError(SourceError):
    """The settings of the source themselves cannot be used."""


def leads_out(path):
    """The error of a path that a link leads out of the source's folder.

    :return: :class:`SourceSettingsError`
    """
    return SourceSettingsError(
        "A link points outside the source's folder.",
        path,
        "Replace the link with a real folder or file.",
    )
