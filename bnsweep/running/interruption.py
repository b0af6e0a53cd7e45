"""Ctrl-C, SIGTERM and a closed terminal (SIGHUP) during a run: the first asks it to stop in good order.

A second Ctrl-C or SIGTERM ends it at once. A second SIGHUP does not: shells and the kernel both send one.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any

KEPT = "interrupted; what was committed is kept; the same command continues"
RAISED_AGAIN_AFTER_S = 0.05
"""By then what ignores errors is left."""
ASK_TO_END = (KeyboardInterrupt, SystemExit)
Handler = Callable[[int, FrameType | None], Any]


class Interrupt:
    """Remembers that the user asked to stop, or that the time is up, and announces it when it is next asked.

    Not in the handler: that may have interrupted someone who holds a lock of the terminal's, and would wait for it.

    Args:
        after_s: when the time is up, from now on; never if not given.
        clock: returns seconds.
    """

    def __init__(self, after_s: float | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._is_set = self._is_announced = False
        self._until, self._clock = math.inf if after_s is None else clock() + after_s, clock
        self._announce: Callable[[], None] = lambda: None

    @property
    def is_out_of_time(self) -> bool:
        """Whether the time is up, and nobody asked to stop before."""
        return not self._is_set and self._clock() >= self._until

    def __call__(self) -> bool:
        """Return whether the run is to stop."""
        must_stop = self._is_set or self.is_out_of_time
        if must_stop and not self._is_announced:
            self._is_announced = True
            self._announce()
        return must_stop

    @contextmanager
    def caught(self, announce: Callable[[], None]) -> Iterator[None]:
        """Within the block take the first signal as a request, which is announced; the second is KeyboardInterrupt."""

        def handle(number: int, _frame: FrameType | None) -> None:
            if self._is_set and number != signal.SIGHUP:
                raise KeyboardInterrupt
            self._is_set = True

        self._announce = announce
        with _handled(dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), handle)):
            yield


@contextmanager
def as_keyboard_interrupt() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does; SIGHUP only once.

    None is lost: one that is raised where Python ignores errors, is raised again.
    """

    def hang_up(*_: object) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        raise KeyboardInterrupt

    with _handled({signal.SIGTERM: signal.default_int_handler, signal.SIGHUP: hang_up}), _raised_again():
        yield


@contextmanager
def _raised_again() -> Iterator[None]:
    """Raise KeyboardInterrupt again within the block where a handler raised it in code whose errors Python ignores.

    Such are destructors and what is registered to run at a fork, as `logging` does: there one Ctrl-C in some hundreds
    would go unheard. SystemExit counts too: Ray's own handler of SIGTERM raises it while Ray starts.
    """
    process, main, before = os.getpid(), threading.main_thread().ident, sys.unraisablehook

    def hear(ignored: sys.UnraisableHookArgs) -> None:
        if main is None or os.getpid() != process or not issubclass(ignored.exc_type, ASK_TO_END):
            before(ignored)
            return
        again = threading.Timer(RAISED_AGAIN_AFTER_S, signal.pthread_kill, (main, signal.SIGINT))
        again.daemon = True
        again.start()

    sys.unraisablehook = hear
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextmanager
def signals_blocked(*numbers: signal.Signals) -> Iterator[None]:
    """Processes started within the block never see these signals, so that this one decides when they end.

    They inherit that the signals wait; here these are delivered after the block.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _handled(handlers: Mapping[signal.Signals, Handler | signal.Handlers]) -> Iterator[None]:
    """Handle signals within the block; `nohup` has SIGHUP ignored, which stays."""
    before = {number: signal.getsignal(number) for number in handlers}
    for number, handler in handlers.items():
        if number != signal.SIGHUP or before[number] != signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
