"""The trials that no worker has begun, cut into packs as they are asked for, by how long trials turn out to take."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bnsweep.running.packs import Pack, Tally
from bnsweep.spec import TrialSpec

MAX_PACK_S, MIN_PACK_S = 30.0, 0.5
"""How long a pack should take. Each costs Tune some 50 ms, and the last ones decide how long workers idle."""


@dataclass
class PackSizing:
    """How long trials take, and how many a pack should therefore have.

    Args:
        num_workers: how many share the trials.
        first: trials in a pack as long as none was timed.
    """

    num_workers: int = 1
    first: int = 1
    ended: int = 0
    busy_s: float = 0.0

    def timed(self, tally: Tally) -> None:
        """Take note of a pack that has ended."""
        self.ended += tally.ended
        self.busy_s += tally.busy_s

    def size(self, num_left: int) -> int:
        """Return how many of the trials left the next pack should have.

        Half of a worker's equal share of what is left, so that packs shrink towards the end and no worker waits long
        for another (guided self-scheduling), but no pack longer than `MAX_PACK_S`, or shorter than `MIN_PACK_S`.
        Source: Polychronopoulos and Kuck 1987, "Guided self-scheduling".
        """
        if not self.ended:
            return self.first
        each_s = max(self.busy_s / self.ended, 1e-6)
        share = num_left / (2 * self.num_workers)
        return max(1, round(min(max(share, MIN_PACK_S / each_s), MAX_PACK_S / each_s)))


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
