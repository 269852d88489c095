# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What goes wrong with a source, in words for the person who uses it."""


class SourceFileError(Exception):
    """A file that cannot be read as CDRs.

    Its text is one or two sentences for the user: what is wrong, where, what to do.
    """
