"""The trials of a run, which may grow: by sweep files that it is given as it goes on, or by what its search asks for.

What is new is appended, remembered in the directory, and declared; the coordinator is told by `Offer`.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import numpy as np

from bnsweep.errors import StoreError
from bnsweep.results.writer import Writer
from bnsweep.running.job import Job
from bnsweep.running.search_state import search_state
from bnsweep.running.searching import asked
from bnsweep.running.widening import WIDENED, Answer, RunTrials, keep_widening, kept_widening, refusal
from bnsweep.search import History
from bnsweep.spec.sweep import Sweep

Offer = Callable[[RunTrials], bool]
"""Gives the coordinator all trials that there are now, and keeps them; returns False where it ends."""

ENDS = "it ends just now"
SEARCHES = "its search decides which trials follow"
PRUNES = "a pruner compares the trials that a run began with"
PRUNED = "there are trials that a pruner has stopped, and only a run that begins with them begins them anew"


class Growing:
    """The trials of one run; whoever asks has them as they are then.

    Args:
        job: what the run began with.
    """

    def __init__(self, job: Job) -> None:
        self._job, self._sweep_files, self._lock = job, list[str](), Lock()
        self._history: History = ()
        self.trials = RunTrials((job.trials,))

    def keep(self, trials: RunTrials) -> bool:
        """Have these trials from now on."""
        self.trials = trials
        return True

    def take_over(self, writer: Writer, *, is_again: bool) -> None:
        """Take in what its search asked for so far and, in place of another, what that one was given; declare all.

        Raises:
            StoreError: what was given cannot be read.
        """
        if is_again:
            self._widen_again()
        if self._job.searched:
            self._search(self._job.searched, writer, self.keep)
        else:
            text = self._sweep_files[-1] if self._sweep_files else self._job.text
            writer.declare(self._job.sweep, self.trials.keys, text)

    def _widen_again(self) -> None:
        store = self._job.store
        try:
            self._sweep_files = kept_widening(store.files, self._job.run)
        except ValueError as error:
            raise StoreError(f"{store.path(WIDENED)}: damaged ({error}); the same command continues") from error
        for text in self._sweep_files:
            self.trials = self.trials.and_those_of(Sweep.from_text(text).trials)

    def widen(self, sweep: Sweep, writer: Writer, offer: Offer) -> Answer:
        """Take in the trials of a sweep that declares all trials of this run and more."""
        with self._lock:
            if self._job.searched:
                return Answer(refusal=SEARCHES)
            if self._job.pruner or sweep.pruner:
                return Answer(refusal=PRUNES)
            if why := refusal(sweep, self.trials, self._job.resources, self._job.datasets):
                return Answer(refusal=why)
            trials = self.trials.and_those_of(sweep.trials)
            if np.isin(trials.keys[len(self.trials) :], writer.snapshot.pruned_otherwise(None)).any():
                return Answer(refusal=PRUNED)
            if (added := len(trials) - len(self.trials)) and not self._takes_in(writer, sweep, trials, offer):
                return Answer(refusal=ENDS)
            return Answer(added)

    def _takes_in(self, writer: Writer, sweep: Sweep, trials: RunTrials, offer: Offer) -> bool:
        """Remember it first: whoever is told that it was given goes on with it after this coordinator's death, too."""
        files, run = self._job.store.files, self._job.run
        keep_widening(files, run, [*self._sweep_files, sweep.text])
        if not offer(trials):
            keep_widening(files, run, self._sweep_files)
            return False
        self._sweep_files.append(sweep.text)
        writer.declare(sweep.name, trials.keys, sweep.text)
        return True

    def begin_round(self, writer: Writer, offer: Offer) -> bool:
        """Ask the search what follows, once all that it asked for has ended; return whether anything does.

        Nothing does where it is over, or trials of its last round have failed.
        """
        return self._job.searched is not None and self._search(self._job.searched, writer, offer)

    def end(self, writer: Writer) -> None:
        """Declare how far the search is where the run ends, be it between two rounds."""
        if self._job.searched:
            self._search(self._job.searched, writer, self.keep)

    def _search(self, sweep: Sweep, writer: Writer, offer: Offer) -> bool:
        found = asked(sweep, self._job.store, self._history, self._job.judge, keeps=True)
        self._history = found.history
        trials = self.trials.and_those_of(found.trials)
        if has_more := len(trials) > len(self.trials):
            offer(trials)
        writer.declare(self._job.sweep, self.trials.keys, self._job.text, search_state(sweep, found))
        return has_more
