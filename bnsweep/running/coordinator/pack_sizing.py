"""How many trials a pack should have, by how long trials turn out to take."""

from __future__ import annotations

from dataclasses import dataclass

MAX_PACK_S, MIN_PACK_S = 30.0, 0.5
"""How long a pack should take. Each is a question and an answer, and the last ones decide how long workers idle."""


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

    @property
    def each_s(self) -> float:
        """How long a trial takes; 0 as long as none was timed."""
        return max(self.busy_s / self.ended, 1e-6) if self.ended else 0.0

    def timed(self, ended: int, busy_s: float) -> None:
        """Take note of trials that have ended."""
        self.ended += ended
        self.busy_s += busy_s

    def size(self, num_left: int) -> int:
        """Return how many of the trials left the next pack should have.

        Half of a worker's equal share of what is left, so that packs shrink towards the end and no worker waits long
        for another (guided self-scheduling), but no pack longer than `MAX_PACK_S`, or shorter than `MIN_PACK_S`.
        Source: Polychronopoulos and Kuck 1987, "Guided self-scheduling".
        """
        if not self.ended:
            return self.first
        share = num_left / (2 * self.num_workers)
        return max(1, round(min(max(share, MIN_PACK_S / self.each_s), MAX_PACK_S / self.each_s)))
