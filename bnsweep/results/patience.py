"""Patience: what an object store does not answer is tried again, with pauses that grow."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bnsweep.results.files import in_parallel

Result = TypeVar("Result")
AWAY_S = 5.0
"""Seconds for which an address is tried where nobody is, which may be wrong."""


class NoAnswer(Exception):  # noqa: N818  # says what happened
    """What was asked for may or may not have been done: the store was busy, or away, or its reply was lost."""

    def __init__(self, error: Exception, *, is_away: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.is_away = is_away
        """Whether there was nobody to ask, as where an address is wrong."""


def _tell(line: str) -> None:
    print(f"bnsweep: {line}", file=sys.stderr)  # noqa: T201


@dataclass(frozen=True)
class Patience:
    """How long to try, in seconds.

    Args:
        total_s: from the first try to the last, without one that succeeds in between.
        away_s: the same, where nobody was ever found at the address.
        first_pause_s: before the second try; twice as long before each further one.
        longest_pause_s: what it grows to.
        quiet_s: after how long it is said that nothing goes on.
        clock, sleep, tell: the time, waiting, and where lines go.
    """

    total_s: float = 600.0
    away_s: float = field(default_factory=lambda: AWAY_S)
    first_pause_s: float = 0.25
    longest_pause_s: float = 10.0
    quiet_s: float = 5.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    tell: Callable[[str], None] = _tell

    def all_of(
        self,
        calls: Sequence[Callable[[], Result]],
        workers: int = 1,
        root: str = "",
        has_answered: Callable[[], bool] = lambda: False,
    ) -> list[Result]:
        """Return what each of `calls` returns; those that raise `NoAnswer` are made again, the others not.

        Raises:
            NoAnswer: no patience is left.
        """
        done, started, pause, is_told = dict[int, Result](), self.clock(), self.first_pause_s, False
        while True:
            pending = [number for number in range(len(calls)) if number not in done]
            tried = in_parallel(lambda number: _tried(calls[number]), pending, workers)
            failed = [found for found in tried if isinstance(found, NoAnswer)]
            new = {
                number: found for number, found in zip(pending, tried, strict=True) if not isinstance(found, NoAnswer)
            }
            done |= new
            if not failed:
                return [done[number] for number in range(len(calls))]
            if new:
                started, pause = self.clock(), self.first_pause_s
            waited_s = self.clock() - started
            if waited_s + pause > (self.away_s if failed[0].is_away and not has_answered() else self.total_s):
                raise failed[0]
            if waited_s > self.quiet_s and not is_told:
                said = str(failed[0]).partition("\n")[0]
                self.tell(f"{root} does not answer ({said}); trying again for {_in_words(self.total_s)}")
                is_told = True
            self.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, self.longest_pause_s)


def _in_words(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def _tried(call: Callable[[], Result]) -> Result | NoAnswer:
    try:
        return call()
    except NoAnswer as failure:
        return failure
