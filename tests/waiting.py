"""Waiting for what another process does."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep


def wait_until(holds: Callable[[], object], what: str, within_s: float = 60.0, poll_every_s: float = 0.2) -> None:
    """Ask again and again until `holds()`.

    Raises:
        TimeoutError: it does not within `within_s`; the message names `what` was waited for.
    """
    deadline = monotonic() + within_s
    while not holds():
        if monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within_s:g} s")
        sleep(poll_every_s)
