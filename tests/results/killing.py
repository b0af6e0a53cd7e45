"""Kills before chosen changes of a store's files, and copies of what a kill before each of them would leave."""

from __future__ import annotations

import itertools
import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess as Process
from typing import Any

from bnsweep.results import Store
from bnsweep.results.locations import Files
from bnsweep.results.objects import Client, ObjectFiles

LOCAL_CHANGES = {"os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}

Action = Callable[[Store], object]

multiprocessing.util.get_temp_dir()  # now: it removes that at its exit, when the tests' own folder is gone already
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.results.test_kills"])


def states_of(action: Action, location: str, new_location: Callable[[], str], every: int = 1) -> list[str]:
    """Do `action` on a store; return copies of it, before each change of its files, or one of so many, and at the end.

    The action runs in a process of its own, whose files have the content that they would have after a kill there: what
    it did not yet hand to the system is not in them.
    """
    states: list[str] = []
    numbers = itertools.count()

    def keep(_: Process) -> None:
        if next(numbers) % every == 0:
            states.append(copied(location, new_location()))

    assert _watched(action, location, keep) == 0
    return [*states, copied(location, new_location())]


def killed_before(number: int, action: Action, location: str) -> bool:
    """Do `action` on a store in a process that is killed before change `number` from 0; return whether it was."""
    numbers = itertools.count()

    def kill(process: Process) -> None:
        if next(numbers) == number:
            process.kill()

    exit_code = _watched(action, location, kill)
    assert exit_code in (0, -signal.SIGKILL)
    return exit_code != 0


def copied(location: str, to: str) -> str:
    """Copy a store; return where the copy is."""
    _copy(Store.open(location).files, Store.open(to).files, "")
    return to


def _copy(source: Files, target: Files, folder: str) -> None:
    for entry in source.entries(folder):
        name = f"{folder}/{entry.name}".lstrip("/")
        if not entry.is_file:
            _copy(source, target, name)
        elif (content := source.read(name)) is not None:
            target.put(name, content)


def _watched(action: Action, location: str, before_change: Callable[[Process], None]) -> int | None:
    """Do `action` in a process of its own, which waits at each change for `before_change`; return its exit code."""
    ours, theirs = context.Pipe()
    process = context.Process(target=_act, args=(action, location, theirs, dict(os.environ)))
    process.start()
    theirs.close()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # it was killed
        while ours.recv() != "done":
            before_change(process)
            ours.send("go on")
    process.join()
    return process.exitcode


def _act(action: Action, location: str, pipe: Any, environment: dict[str, str]) -> None:
    os.environ.update(environment)  # the server that forks was started before credentials were set
    store, lock = Store.open(location), threading.Lock()

    def pause() -> None:
        with lock:
            pipe.send("about to change")
            pipe.recv()

    if isinstance(store.files, ObjectFiles):
        client = _Watched(store.files.client.quick, pause)
        store = Store(replace(store.files, client=Client(client, client)))
    else:
        sys.addaudithook(_watch(store.root, pause))
    action(store)
    pipe.send("done")


@dataclass(frozen=True)
class _Watched:
    """A bucket, of which whoever changes it pauses before."""

    bucket: Any
    pause: Callable[[], None]

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.bucket, name)

        def paused(*args: Any, **options: Any) -> Any:
            self.pause()
            return call(*args, **options)

        return paused if name in ("put", "delete") else call


def _watch(root: str, pause: Callable[[], None]) -> Callable[[str, tuple[Any, ...]], None]:
    """Return an audit hook: Python calls it before each of its calls to the system."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        is_write = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if (is_write or event in LOCAL_CHANGES) and str(args[0]).startswith(root):
            pause()

    return hook
