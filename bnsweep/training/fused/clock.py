"""The time of trials that train as one: of what they do together each has its share, of what it does by itself all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter


class SharedClock:
    """Seconds by slot.

    Args:
        shares: among how many trials time is shared.
    """

    def __init__(self, shares: int) -> None:
        self._shares, self._shared_s, self._own_s = shares, 0.0, dict[int, float]()
        self._owner: int | None = None
        self._at = perf_counter()

    def of(self, slot: int) -> Callable[[], float]:
        """Return the clock of one."""
        return lambda: self.read(slot)

    def read(self, slot: int) -> float:
        """Return the seconds of one."""
        self._go_on()
        return self._shared_s + self._own_s.get(slot, 0.0)

    def share_among(self, shares: int) -> None:
        """Share time among so many from now on."""
        self._go_on()
        self._shares = max(1, shares)

    @contextmanager
    def owned_by(self, slot: int | None) -> Iterator[None]:
        """Count the time within the block as that of one alone; as that of all where `slot` is None."""
        self._go_on()
        before, self._owner = self._owner, slot
        try:
            yield
        finally:
            self._go_on()
            self._owner = before

    def _go_on(self) -> None:
        now = perf_counter()
        passed, self._at = now - self._at, now
        if self._owner is None:
            self._shared_s += passed / self._shares
        else:
            self._own_s[self._owner] = self._own_s.get(self._owner, 0.0) + passed
