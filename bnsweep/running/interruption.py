"""Ctrl-C and SIGTERM during a run: the first asks it to stop in good order, the second ends it at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Remembers that the user asked to stop."""

    def __init__(self) -> None:
        self._is_set = False

    def __call__(self) -> bool:
        """Return whether the user asked to stop."""
        return self._is_set

    @contextmanager
    def caught(self, announce: Callable[[], None]) -> Iterator[None]:
        """Within the block take the first signal as a request, which is announced; the second is KeyboardInterrupt."""

        def handle(*_: object) -> None:
            if self._is_set:
                raise KeyboardInterrupt
            self._is_set = True
            announce()

        before = {number: signal.signal(number, handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
