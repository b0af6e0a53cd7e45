"""A simulated worker."""

from __future__ import annotations

from dataclasses import dataclass, field

from bnsweep.running.packs import Delivery, Ended, Pack, Whereabouts


@dataclass
class Worker:
    """A simulated worker, as `running/worker.py` behaves."""

    whereabouts: Whereabouts
    slowness: float
    since: float
    until: float = float("inf")
    """When it was there."""
    pack: Pack | None = None
    todo: list[int] = field(default_factory=list)
    ends_at: float = 0.0
    coordinator: str = ""
    contact_at: float = 0.0
    ended: dict[int, Ended] = field(default_factory=dict)
    kept: list[Delivery] = field(default_factory=list)
    number: int = -1
    is_gone: bool = False
