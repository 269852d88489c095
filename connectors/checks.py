# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a look at a source or at a customer's settings found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    ``name``: what; ``ok``: as it should be; ``detail``: what was found; ``remedy``:
    what to do about it, empty where nothing is to be done; ``place``: where that is
    done, a word that the model showing the check knows; empty: nowhere in particular.
    """

    name: str
    ok: bool
    detail: str = ""
    remedy: str = ""
    place: str = ""


def counted(count, one):
    """So many of something: ``1 file``, ``1,200 files``."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"
