"""A function that is run piece by piece: what calls back, as a loop of the user's own does, as what is asked for more.

It runs in a thread of its own, so that it need not be a generator; but never beside who resumes it.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from threading import Lock, Thread
from typing import Self

import torch


class Closed(BaseException):  # an order, not an error; no `except Exception` catches it
    """The function is not resumed any more: it is to end."""


class Alternating:
    """A context manager; at its end the function gets `Closed` where it has handed over, and has ended.

    Args:
        function: what to run.
        device: the current one where it runs.
    """

    def __init__(self, function: Callable[[], None], device: torch.device) -> None:
        self._function, self._device = function, device
        self._may_run, self._is_back = Lock(), Lock()
        self._has_ended = self._is_closed = False
        self._error: BaseException | None = None
        context = contextvars.copy_context()
        self._thread = Thread(target=context.run, args=(self._run,), name="bnsweep-trial", daemon=True)

    def __enter__(self) -> Self:
        self._may_run.acquire()
        self._is_back.acquire()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_closed = True
        if not self._has_ended:
            self._may_run.release()
        self._thread.join()

    def resume(self) -> bool:
        """Let the function run until it hands over, True, or has ended, False; raise what it raises."""
        self._may_run.release()
        self._is_back.acquire()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return not self._has_ended

    def hand_over(self) -> None:
        """Let go on who resumed the function, and wait until they do it again: called by the function.

        Raises:
            Closed: they will not.
        """
        self._is_back.release()
        self._wait()

    def _wait(self) -> None:
        self._may_run.acquire()
        if self._is_closed:
            raise Closed

    def _run(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.set_device(self._device)
        try:
            self._wait()
            self._function()
        except Closed:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self._has_ended = True
            self._is_back.release()
