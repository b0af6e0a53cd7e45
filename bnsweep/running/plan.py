"""What a run would do: the trials declared, done and missing. Needs neither torch nor ray."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from bnsweep.errors import InputError
from bnsweep.own_source import code_names
from bnsweep.results import Store
from bnsweep.results.former_code import ADVICE, former_code
from bnsweep.results.keys import to_texts
from bnsweep.spec import TrialSpec
from bnsweep.spec.listed import Trials
from bnsweep.spec.sweep import Sweep


@dataclass(frozen=True)
class Plan:
    """A sweep against a store."""

    missing: Trials
    num_done: int
    undeclared: tuple[str, ...]
    """Keys of stored trials that the sweep file does not declare (any more)."""
    num_pruned: int = 0
    """How many trials are missing that are stored, as another pruner stopped them."""
    other_sweep: str | None = None
    """Name of the sweep that was last run into the store, where that is another one and undeclared trials are there."""

    @classmethod
    def of(cls, sweep: Sweep, store: Store) -> Self:
        """Compare what `sweep` declares with what `store` holds."""
        stored = store.finished_keys()
        is_done = np.isin(sweep.trials.keys, store.done_keys(sweep.rule))
        missing = sweep.trials.take(np.flatnonzero(~is_done))
        undeclared = tuple(to_texts(np.setdiff1d(stored, sweep.trials.keys)))
        other = _declared_name(store) if undeclared else None
        num_pruned = int(np.isin(missing.keys, stored).sum())
        return cls(missing, int(is_done.sum()), undeclared, num_pruned, None if other == sweep.name else other)

    def notes(self, sweep: Sweep, store: Store, *, extend: bool) -> Iterator[str]:
        """Yield what the user should know of the settings, and of what is stored: other trials, or other code."""
        yield from sweep.notes
        if self.undeclared and (extend or not self.other_sweep):
            yield (
                f"{len(self.undeclared)} stored trials are not declared by this sweep ({sweep.name}); they stay, and "
                "the report leaves them out until a run declares them again"
            )
        if self.num_pruned:
            yield f"{self.num_pruned} stored trials were stopped by another pruner; a run begins them anew"
        if any(_has_own_code(spec) for spec in sweep.trials.distinct("model", "trial.name", "probes")[0]):
            former = former_code(store, sweep.trials.keys)
            if former:
                yield f"{former}; {ADVICE}"

    def other_sweeps_trials(self) -> str | None:
        """Return in words that the directory is another sweep's, and how to run into it; None where it is not."""
        if self.other_sweep is None:
            return None
        return (
            f"holds {len(self.undeclared)} trials of sweep '{self.other_sweep}' that this sweep file does not declare; "
            "give another --out, or --extend to add this sweep's trials to them"
        )

    def require_own_directory(self, store: Store, *, extend: bool) -> None:
        """Raise `InputError` where the directory is another sweep's, unless it is to be extended."""
        if not extend and (reason := self.other_sweeps_trials()):
            raise InputError(f"{store.root}: {reason}")


def _has_own_code(spec: TrialSpec) -> bool:
    return bool(code_names(spec.model.name, spec.trial.name if spec.trial else None, spec.probes.custom))


def _declared_name(store: Store) -> str | None:
    try:
        declared = store.declared()
    except InputError:  # damaged; a run writes it anew
        return None
    return None if declared is None else str(declared["name"])
