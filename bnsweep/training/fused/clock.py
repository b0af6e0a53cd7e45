"""The time that trials share which train as one."""

from __future__ import annotations

from time import perf_counter


class SharedClock:
    """Seconds, of which each of several trials that train as one has its share.

    Attributes:
        shares: how many they are.
    """

    def __init__(self, shares: int) -> None:
        self._shares, self._read_s, self._at = shares, 0.0, perf_counter()

    def __call__(self) -> float:
        """Return the share of one."""
        now = perf_counter()
        self._read_s, self._at = self._read_s + (now - self._at) / self._shares, now
        return self._read_s

    @property
    def shares(self) -> int:
        """Among how many time is shared from now on."""
        return self._shares

    @shares.setter
    def shares(self, shares: int) -> None:
        self()
        self._shares = shares
