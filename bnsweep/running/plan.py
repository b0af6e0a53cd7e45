"""What a run would do: the trials declared, done and missing. Needs neither torch nor ray."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bnsweep.results import Store
from bnsweep.spec import TrialSpec
from bnsweep.spec.sweep import Sweep


@dataclass(frozen=True)
class Plan:
    """A sweep against a store."""

    missing: tuple[TrialSpec, ...]
    num_done: int
    undeclared: tuple[str, ...]
    """Keys of stored trials that the sweep file does not declare (any more)."""

    @classmethod
    def of(cls, sweep: Sweep, store: Store) -> Self:
        """Compare what `sweep` declares with what `store` holds."""
        stored, declared = store.finished(), {spec.trial_key for spec in sweep.trials}
        missing = tuple(spec for spec in sweep.trials if spec.trial_key not in stored)
        return cls(missing, len(sweep.trials) - len(missing), tuple(sorted(stored - declared)))
