"""Waiting for what another process does."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep

HANGS_AFTER_S = 600.0
"""Whatever is waited for: a long limit costs nothing where it is met, and a much slower machine still passes."""


def wait_until(holds: Callable[[], object], what: str, *, poll_every_s: float = 0.2) -> None:
    """Ask again and again until `holds()`.

    Raises:
        TimeoutError: it does not within `HANGS_AFTER_S`; the message names `what` was waited for.
    """
    deadline = monotonic() + HANGS_AFTER_S
    while not holds():
        if monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {HANGS_AFTER_S:g} s")
        sleep(poll_every_s)
