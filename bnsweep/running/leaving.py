"""The end of the process, which waits for no library that is still being loaded."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module

LOADING = "bnsweep-loading"


def load_meanwhile(module: str) -> None:
    """Begin to import a module in a thread; whoever imports it next waits for it, and gets the error if there is one.

    Where Ctrl-C cuts off an import of the main thread's between two steps, Python may never release its lock. What is
    loaded here may wait for that for ever; so it is a daemon, and the process is to end by `Leaving`.
    """

    def load() -> None:
        with suppress(Exception):
            import_module(module)

    threading.Thread(target=load, name=LOADING, daemon=True).start()


@dataclass
class Leaving:
    """Registered with `atexit` before all others and thus called last: ends the process at once where it must not wait.

    A library that is cut off while it loads may abort the process, and with it goes the exit code.

    Args:
        at_once: an exit code that means that the user does not want to wait.
        code: that of this process.
    """

    at_once: int
    code: int = 0

    def __call__(self) -> None:
        """End the process if it was interrupted, or something is still being loaded."""
        if self.code == self.at_once or any(thread.name == LOADING for thread in threading.enumerate()):
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):  # nobody reads it, or it was closed
                    stream.flush()
            os._exit(self.code)
