"""The packs that workers have, and what of them another worker may take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from bnsweep.running.packs import Pack

MIN_TAKEN_OVER_S = 0.5
"""Of what another worker holds no less is taken from it."""
STRAGGLER, MIN_STRAGGLER_S = 1.5, 1.0
"""A trial that runs this many times as long as the mean is run a second time by a worker that has nothing to do."""
LOOK_AT = 20
"""How many packs are looked at for something to take over, the oldest first."""


@dataclass
class PackOut:
    """A pack that a worker has.

    Args:
        pack: as it was handed out.
        worker: the name of whoever has it.
        left: of its trials those that are to end, with the number of each attempt.
        since: when something was last heard of it.
        dropped: trials of it that another worker has ended, or has taken.
    """

    pack: Pack
    worker: str
    left: dict[int, int]
    since: float
    dropped: set[int] = field(default_factory=set)

    def companies(self) -> list[list[int]]:
        """Return what is left of each company."""
        companies = [[trial for trial in company if trial in self.left] for company in self.pack.companies()]
        return [company for company in companies if company]

    @property
    def num_companies(self) -> int:
        """How many companies are left: of trials that train alone, how many trials."""
        return len(self.companies()) if self.pack.seats else len(self.left)


class PacksOut:
    """All packs that are out. A trial may be in two: where one was taken over that had begun, or is run twice."""

    def __init__(self) -> None:
        self._out: dict[int, PackOut] = {}
        self._may_be_helped: dict[int, None] = {}
        self._shared: dict[int, set[int]] = {}

    def __len__(self) -> int:
        return len(self._out)

    def __iter__(self) -> Iterator[PackOut]:
        """Yield all, the oldest first."""
        return iter(self._out.values())

    def __getitem__(self, number: int) -> PackOut:
        return self._out[number]

    def get(self, number: int | None) -> PackOut | None:
        """Return the pack of that number; None where it is not out."""
        return None if number is None else self._out.get(number)

    def add(self, out: PackOut) -> None:
        """Take note of a pack that was handed out."""
        self._out[out.pack.number] = out
        if not out.pack.is_alone:
            self._may_be_helped[out.pack.number] = None

    def remove(self, number: int) -> PackOut:
        """Take note that a pack is not out any more."""
        self._may_be_helped.pop(number, None)
        return self._out.pop(number)

    def only_in(self, out: PackOut) -> list[int]:
        """Return what is left of a pack and is not in another one that is out."""
        return [trial for trial in out.left if not any(trial in other.left for other in self._others(trial))]

    def end(self, trial: int) -> None:
        """Drop a trial that has ended from the packs that share it."""
        for other in self._others(trial):
            if other.left.pop(trial, None) is not None:
                other.dropped.add(trial)
        self._shared.pop(trial, None)

    def share(self, trials: Iterable[int], *numbers: int) -> None:
        """Remember which packs trials are in beside the one that may say how they ended."""
        for trial in trials:
            self._shared.setdefault(trial, set()).update(numbers)

    def leave_alone(self, number: int) -> None:
        """Let nobody take anything of a pack over."""
        self._may_be_helped.pop(number, None)

    def take_half(self, each_s: float) -> dict[int, int]:
        """Take from the fullest pack half of what is left; return the trials with the number of each attempt.

        Args:
            each_s: how long a trial takes.
        """
        fullest = max(self._oldest(), key=lambda out: out.num_companies, default=None)
        if fullest is None:
            return {}
        left = fullest.companies()
        half = [trial for company in left[len(left) - len(left) // 2 :] for trial in company]
        if not half or len(half) * each_s < MIN_TAKEN_OVER_S:
            return {}
        taken = {trial: fullest.left[trial] for trial in half}
        for trial in taken:
            del fullest.left[trial]
        fullest.dropped.update(taken)
        return taken

    def straggler(self, each_s: float, now: float) -> PackOut | None:
        """Return a pack whose last trial takes long, once.

        Args:
            each_s: how long a trial takes.
            now: in seconds.
        """
        for out in self._oldest():
            if len(out.left) <= 1 and now - out.since > max(STRAGGLER * each_s, MIN_STRAGGLER_S):
                self.leave_alone(out.pack.number)
                if out.left:
                    return out
        return None

    def _oldest(self) -> list[PackOut]:
        return [self._out[number] for number in islice(self._may_be_helped, LOOK_AT)]

    def _others(self, trial: int) -> Iterator[PackOut]:
        """Yield the packs that share a trial, as far as they are out."""
        return filter(None, map(self._out.get, self._shared.get(trial, ())))
