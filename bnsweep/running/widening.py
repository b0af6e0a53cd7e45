"""Widening: a run that goes on is given the trials of a sweep file that declares more than its own.

What is new is appended, so that an index names the trial that it named before. Which sweep files were given is in
`_widened.json`, under the name of the run: one whose coordinator dies goes on with them. No other
run looks there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from bnsweep.results.declaration import seal, unseal
from bnsweep.results.locations import Files
from bnsweep.running.packs import dataset_key
from bnsweep.spec import TrialSpec
from bnsweep.spec.fusing import Seats
from bnsweep.spec.listed import Trials
from bnsweep.spec.resources import Resources
from bnsweep.spec.sweep import Sweep

WIDENED = "_widened.json"


class Answer(NamedTuple):
    """How many trials a run was given that it did not have, or why it was given none."""

    added: int = 0
    refusal: str | None = None


@dataclass(frozen=True)
class RunTrials(Sequence[TrialSpec]):
    """The trials of a run by index: those of its sweep, and those that were added since, each part in its order."""

    parts: tuple[Trials, ...]

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> TrialSpec: ...
    @overload
    def __getitem__(self, index: slice) -> list[TrialSpec]: ...
    def __getitem__(self, index: int | slice) -> TrialSpec | list[TrialSpec]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        part = bisect_right(self._ends, index)
        return self.parts[part][index - (self._ends[part - 1] if part else 0)]

    @cached_property
    def keys(self) -> NDArray[np.uint64]:
        """The keys of all of them."""
        return np.concatenate([part.keys for part in self.parts])

    @cached_property
    def seats(self) -> Seats:
        """The seats of all of them."""
        return Seats(*map(np.concatenate, zip(*(part.seats for part in self.parts), strict=True)))

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(map(len, self.parts)))

    def and_those_of(self, trials: Trials) -> RunTrials:
        """Return these, and after them those that are not among them."""
        new = np.flatnonzero(~np.isin(trials.keys, self.keys))
        return RunTrials((*self.parts, trials.take(new))) if len(new) else self


def refusal(sweep: Sweep, trials: RunTrials, resources: Resources, datasets: frozenset[str]) -> str | None:
    """Return why a run cannot be given the trials of a sweep; None where it can.

    Args:
        sweep: what is declared now.
        trials: of the run.
        resources: of its workers.
        datasets: those that its workers have, by `dataset_key`.
    """
    if not np.isin(trials.keys, sweep.trials.keys).all():
        return "the sweep file does not declare all trials of the run"
    if sweep.resources != resources:
        return "`resources` are others than those of its workers"
    needed = {dataset_key(spec.dataset) for spec in sweep.trials.distinct("dataset")[0]}
    return None if needed <= datasets else "a dataset is needed that its workers have not loaded"


def keep_widening(files: Files, run: str, sweep_files: Sequence[str]) -> None:
    """Remember which sweep files a run was given, the first one left out."""
    files.put(WIDENED, seal({"run": run, "sweep_files": list(sweep_files)}))


def kept_widening(files: Files, run: str) -> list[str]:
    """Return the sweep files that a run was given.

    Raises:
        ValueError: the file was changed. StoreError: it cannot be read.
    """
    content = files.read(WIDENED)
    found = {} if content is None else unseal(content)
    return list(found["sweep_files"]) if found.get("run") == run else []
