# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What stored calls are charged by: the engines of their decks."""

import numpy as np
import pandas as pd

from ..ingest.load_rates import deck_chain, load_engine
from ..ingest.usage_store import as_array
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

    def for_calls(self, calls, company_id):
        """The engine that charges calls of a company; sets their column `chain`.

        :param calls: as ``plan_calls.read_calls`` returns them
        """
        rates = np.unique(calls["rate_id"].to_numpy())
        self.env.cr.execute(
            "SELECT id, deck_id FROM metered_rate WHERE id = ANY(%s) ORDER BY id",
            (as_array(rates),),
        )
        deck_of = dict(self.env.cr.fetchall())
        decks = np.array([deck_of[rate] for rate in rates.tolist()], np.int64)
        deck = decks[np.searchsorted(rates, calls["rate_id"].to_numpy())]
        partner = calls["partner_id"].to_numpy()
        pairs, of_call = np.unique(
            np.stack([partner, deck], axis=1), axis=0, return_inverse=True
        )
        company = self.env["res.company"].browse(company_id)
        partners = self.env["res.partner"].with_company(company)
        chains = []
        for partner_id, deck_id in pairs.tolist():
            chain = deck_chain(partners.browse(partner_id), company)
            # First the one that priced the call, if it is no more among them.
            chains.append(chain if deck_id in chain else (deck_id, *chain))
        distinct = sorted(set(chains))
        position = np.array([distinct.index(chain) for chain in chains], np.int64)
        calls["chain"] = position[of_call.reshape(-1)]
        return self.get(distinct)


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
