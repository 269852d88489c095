# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The steps of a chunk that only calls take: durations, numbers, classes, rates."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..rating.prefixes import number_keys
from . import mapping
from .answered import not_said, unread_answered
from .direction_columns import unread_words
from .directions import code_of
from .extract import column
from .internal import find_internal
from .legs import linked_calls
from .numbers import read_bare, shown_form, with_form, without_doubtful
from .prepare_rejected import REASON_OF_STATUS
from .record_kinds import unread_kinds
from .rules import DIRECTIONS
from .shorter_column import shorter_column


class CallSteps:
    """The steps of calls; those of other records are in ``prepare_usage``."""

    def _durations(self):
        limits = self.settings.limits
        texts, seconds, valid, unclear = self.facts.seconds("seconds")
        if texts is None:
            valid = unclear = np.zeros(self.count, bool)
            texts = pa.array([""] * self.count, pa.string())
        else:
            self.seconds = seconds
        charged = self.billable
        if not self.facts.is_told("seconds"):
            # One of the two hours is the only one in which the call does not end early.
            self.twice &= ~valid
        self._reject(charged & unclear, "unclear_duration", texts)
        self._reject(charged & ~valid, "invalid_duration", texts)
        self._doubt_durations(charged & valid & (self.seconds > 0))
        if limits.max_seconds:
            absurd = charged & valid & (self.seconds > limits.max_seconds)
            self._reject(absurd, "absurd_duration", texts)
        self.seconds = np.where(valid, self.seconds, 0)
        totals, total, valid, _unclear = self.facts.seconds("duration")
        self.duration = self.seconds
        if totals is not None:
            self.duration = np.where(valid, total, self.seconds)
        # Both are columns of 32 bits; only records not charged can be that absurd.
        top = np.iinfo(np.int32).max
        self.duration = np.minimum(self.duration, top)
        self.seconds = np.minimum(self.seconds, top)
        self._plausible_times(charged)

    def _doubt_durations(self, lasting):
        """Have a person say what columns mean by which calls would last shorter.

        :param lasting: bool array: charged calls that last
        """
        settings = self.settings
        if not lasting.any():
            return
        name, words, unknown = not_said(self.frame, settings)
        if name:
            self._reject(
                lasting & unknown, "unclear_duration", unread_words(name, words)
            )
        if settings.fills_columns:
            return
        name, words, unanswered = unread_answered(self.frame, settings)
        if name:
            doubted = lasting & unanswered
            self._reject(doubted, "unclear_duration", unread_words(name, words))
        name, words, others = unread_kinds(self.frame, settings)
        if name:
            doubted = lasting & others
            self._reject(doubted, "unclear_duration", unread_words(name, words))
        found = shorter_column(self.frame, settings.columns, settings.column_names)
        if found:
            name, _chosen, shorter = found
            words = unread_words(name, column(self.frame, name))
            self._reject(lasting & shorter, "unclear_duration", words)

    def _numbers(self):
        settings = self.settings
        payers = settings.payers
        self.dial_plan = np.append(payers.dial_plan, 0)[self.payer]
        read = {
            name: self._read_numbers(name, held_back=name == "callee")
            for name in ("caller", "callee")
        }
        # What the others without prefix are, caller and callee, these are, too.
        form = shown_form(
            shown for _n, _open, all_shown in read.values() for shown in all_shown
        )
        self.is_open = np.zeros(self.count, bool)
        for name, (numbers, is_open, _shown) in read.items():
            if form and is_open.any():
                told, _open, _shown = self._read_numbers(name, name == "callee", form)
                numbers = pc.if_else(pa.array(is_open), told, numbers)
            elif name == "callee":
                self.is_open = is_open
            setattr(self, name, numbers)
        self.callee_raw = mapping.read_target(self.frame, settings.columns, "callee")[0]

    def _internal(self):
        """Calls whose numbers tell that they are internal, whatever the switch says."""
        found = find_internal(
            self.direction,
            self.caller,
            self.callee,
            self.payer,
            self.start_us,
            self.settings.payers,
            self._is_short_code,
        )
        found &= self.direction != code_of("internal")
        if found.any():
            self.told = np.where(found, code_of("internal"), self.told)
            self.is_unknown_word &= ~found
            self._rules()

    def _is_short_code(self, rows, numbers):
        """Whether numbers are short codes where the calls of these rows are dialled."""
        keys, dialled = number_keys(numbers), self.dial_plan[rows]
        known = np.zeros(len(rows), bool)
        for position in np.unique(dialled):
            mask = dialled == position
            _dial_plan, classifier = self.settings.dial_plans[position]
            known[mask] = classifier.is_short_code(keys[mask])
        return known

    def _read_numbers(self, name, held_back=False, form=""):
        """Numbers in international form, each as its customer dials.

        :param name: `caller` or `callee`
        :param held_back: whether money hangs on them: where only the customer's
            address tells how it dials, and the number then cannot be anybody's, but
            could be as the switch's country dials, it is not guessed: it is null
        :param form: what numbers without prefix are that can be two; the column's
            own counts first
        :return: (pyarrow strings; bool array, which can be two numbers; list of what
            the others show), see ``numbers.read_bare``
        """
        values, spec = mapping.read_target(self.frame, self.settings.columns, name)
        if values is None:
            return pa.nulls(self.count, pa.string()), np.zeros(self.count, bool), []
        dial_plans = [
            with_form(dialling, spec.style or form)
            for dialling, _classifier in self.settings.dial_plans
        ]
        result, is_open, shown = read_bare(values, dial_plans[0])
        if len(dial_plans) == 1 or not self.dial_plan.any():
            return result, is_open, [shown]
        all_shown = [shown] if (self.dial_plan == 0).any() else []
        for position in range(1, len(dial_plans)):
            mask = self.dial_plan == position
            if mask.any():
                own, open_here, shown = read_bare(
                    values.filter(pa.array(mask)), dial_plans[position]
                )
                if held_back and position in self.settings.assumed_dial_plans:
                    own = without_doubtful(own, result.filter(pa.array(mask)))
                result = pc.replace_with_mask(result, pa.array(mask), own)
                is_open[mask] = open_here
                all_shown.append(shown)
        return result, is_open, all_shown

    def _classify(self):
        self.callee_key = number_keys(self.callee)
        caller_key = number_keys(self.caller)
        direction = DIRECTIONS[self.direction]
        self.destination_id = np.zeros(self.count, np.int64)
        self.meter_id = np.zeros(self.count, np.int64)
        for position, (_dial_plan, classifier) in enumerate(self.settings.dial_plans):
            rows = slice(None)
            if len(self.settings.dial_plans) > 1:
                rows = np.flatnonzero(self.dial_plan == position)
                if not len(rows):
                    continue
            self.destination_id[rows], self.meter_id[rows] = classifier.classify(
                direction[rows], caller_key[rows], self.callee_key[rows]
            )
        shown = self.callee if self.callee_raw is None else self.callee_raw
        self._reject(self.billable & self.is_open, "unclear_number", shown)
        lost = self.billable & (self.meter_id == 0)
        if (lost & self.alive).any():
            self._reject(lost, "no_destination", shown)

    def _rate(self):
        settings = self.settings
        zero = np.zeros(self.count, np.int64)
        self.rated = {
            "rate_id": zero,
            "band_id": zero.copy(),
            "billed_seconds": zero.copy(),
            "charge_micro": zero.copy(),
            "currency_id": zero.copy(),
        }
        rows = np.flatnonzero(self.alive & self.billable)
        if not len(rows):
            return
        calls = pd.DataFrame(
            {
                "number_key": self.callee_key[rows],
                "start_us": self.start_us[rows],
                "seconds": self.seconds[rows],
                "meter_id": self.meter_id[rows],
                "chain": settings.payers.chain[self.payer[rows]],
            }
        )
        result = settings.engine.rate(calls).frame
        status = result["status"].to_numpy()
        currency = settings.currency_of_deck
        decks, inverse = np.unique(result["deck_id"].to_numpy(), return_inverse=True)
        values = {
            "rate_id": result["rate_id"].to_numpy(),
            "band_id": result["band_id"].to_numpy(),
            "billed_seconds": result["billed_seconds"].to_numpy(),
            "charge_micro": result["charge_micro"].to_numpy(),
            "currency_id": np.array([currency.get(int(d), 0) for d in decks], np.int64)[
                inverse
            ],
        }
        whole = len(rows) == self.count
        for name, value in values.items():
            if whole:
                self.rated[name] = value
            else:
                self.rated[name][rows] = value
        for reason, codes in REASON_OF_STATUS.items():
            unrated = np.zeros(self.count, bool)
            unrated[rows[np.isin(status, codes)]] = True
            if unrated.any():
                self._reject(unrated, reason, self.callee)

    def _measured(self):
        """What a record's quantity is: whole seconds."""
        return self.seconds

    def _more_columns(self):
        settings = self.settings
        links = linked_calls(self.frame, settings.columns, settings.source_id)
        return {} if links is None else {"linked_call": links}

    def _kept_properties(self):
        return mapping.properties(self.frame, self.settings.columns)
