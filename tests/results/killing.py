"""Processes that are killed before a chosen change of a store's files: one after the other, every one of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from bnsweep.results import Store
from bnsweep.results.objects import ObjectFiles

LOCAL_CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir"}
REMOTE_CHANGES = ("_put", "_copy", "_delete")

Action = Callable[[Store], object]

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.results.test_kills"])


def killed_at(number: int, action: Action, location: str) -> bool:
    """Do `action` on a store in a process of its own; return whether it was killed, before change `number` from 0."""
    process = context.Process(target=_act, args=(number, action, location, dict(os.environ)))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _act(number: int, action: Action, location: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)  # the server that forks was started before credentials were set
    store, guillotine = Store.open(location), _Guillotine(number)
    if store.is_local:
        sys.addaudithook(guillotine.watch(store.root))
    else:
        for name in REMOTE_CHANGES:
            setattr(ObjectFiles, name, guillotine.before(getattr(ObjectFiles, name)))
    action(store)


class _Guillotine:
    """Counts changes, and kills this process before the one with the given number."""

    def __init__(self, number: int) -> None:
        self._left, self._lock = number, threading.Lock()

    def _count(self) -> None:
        with self._lock:
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self._left -= 1

    def before(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any) -> Any:
            self._count()
            return method(*args)

        return counted

    def watch(self, root: str) -> Callable[[str, tuple[Any, ...]], None]:
        """Return an audit hook: Python calls it before each of its calls to the system."""

        def hook(event: str, args: tuple[Any, ...]) -> None:
            is_write = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
            if (is_write or event in LOCAL_CHANGES) and str(args[0]).startswith(root):
                self._count()

        return hook
