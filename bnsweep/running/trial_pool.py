"""The trials that no worker has begun, handed out in packs as they are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping

from bnsweep.running.pack_sizing import PackSizing
from bnsweep.running.packs import Pack
from bnsweep.spec import TrialSpec


class TrialPool:
    """Trials that no worker has begun, in their order.

    Args:
        trials: what to run.
        sizing: decides how many a pack has.
        failures: how often a trial has failed before.
        saved: keys of trials with a checkpoint.
    """

    def __init__(
        self,
        trials: Iterable[TrialSpec],
        sizing: PackSizing,
        failures: Mapping[str, int] | None = None,
        saved: Collection[str] = (),
    ) -> None:
        self.sizing = sizing
        self._trials, self._failures, self._saved = deque(trials), failures or {}, saved

    def __len__(self) -> int:
        return len(self._trials)

    def next_pack(self) -> Pack:
        """Return the next pack."""
        size = min(self.sizing.size(len(self)), len(self))
        trials = tuple(self._trials.popleft() for _ in range(size))
        return Pack(
            trials,
            tuple(1 + self._failures.get(spec.trial_key, 0) for spec in trials),
            saved=frozenset(spec.trial_key for spec in trials if spec.trial_key in self._saved),
        )

    def clear(self) -> None:
        """Forget what is left."""
        self._trials.clear()
