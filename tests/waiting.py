"""Waiting for what another process does."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep

POLL_EVERY_S = 0.2


def wait_until(holds: Callable[[], object], what: str, within_s: float = 60.0) -> None:
    """Ask again and again until `holds()`.

    Raises:
        TimeoutError: it does not within `within_s`; the message names `what` was waited for.
    """
    deadline = monotonic() + within_s
    while not holds():
        if monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within_s:g} s")
        sleep(POLL_EVERY_S)
