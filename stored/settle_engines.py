# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What stored calls are charged by: the engines of their decks."""

import numpy as np
import pandas as pd

from ..ingest.load_rates import load_engine
from ..rating import RATED


class Engines:
    """Rating engines, made once for each set of rate decks.

    :param env: environment with rights to read all decks
    """

    def __init__(self, env):
        self.env = env
        self._engines = {}

    def get(self, chains):
        """The engine for chains of decks.

        :param chains: list of tuples of deck ids
        """
        decks = frozenset(deck for chain in chains for deck in chain)
        if decks not in self._engines:
            self._engines[decks], _currencies = load_engine(self.env, chains)
        return self._engines[decks].with_chains(chains)


def as_rated(calls):
    """Calls as their decks rated them when they came in.

    :param calls: as ``plan_calls.read_calls`` returns them
    :return: DataFrame as `RatedCalls` has it
    """
    return pd.DataFrame(
        {
            "status": np.full(len(calls), RATED, np.int8),
            "rate_id": calls["rate_id"],
            "band_id": calls["band_id"],
            "billed_seconds": calls["billed_seconds"],
            "charge_micro": calls["deck_micro"],
            "reason": np.zeros(len(calls), np.int8),
        }
    )
