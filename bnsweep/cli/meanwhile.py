"""What a command that takes long says meanwhile: what it is at, on stderr, at most every few seconds."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import Self

from bnsweep.cli.output import print_aside

EVERY_S = 5.0


class Meanwhile:
    """Says every `every_s` what a command is at, where that has changed; of one that is quick, nothing.

    Use it as a context manager around the work, and call it with what that is at; with "" where it rests.

    Args:
        every_s: seconds between two lines, and before the first.
        say: where lines go.
    """

    def __init__(self, every_s: float = EVERY_S, say: Callable[[str], object] = print_aside) -> None:
        self._every_s, self._say, self._at = every_s, say, ""
        self._done = Event()
        self._thread = Thread(target=self._tell, name="bnsweep-meanwhile", daemon=True)

    def __enter__(self) -> Self:
        """Begin to count time."""
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Say nothing more."""
        self._done.set()
        self._thread.join()

    def __call__(self, at: str) -> None:
        """Take note of what the command is at now."""
        self._at = at

    def _tell(self) -> None:
        said = ""
        while not self._done.wait(self._every_s):
            if (at := self._at) and at != said:
                self._say(f"{at} ...")
                said = at
