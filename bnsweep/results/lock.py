"""The lock: one run at a time holds a store."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TextIO

from bnsweep.errors import InputError
from bnsweep.results.fence import describe, who
from bnsweep.results.files import as_store_error
from bnsweep.results.local import make_folder

LOCK = "_lock"


@dataclass(frozen=True)
class Hold:
    """What `Store.lock` yields.

    Args:
        token: what `Store.begin` and `Store.commit` take.
        is_lost: whether the store has been taken over by another run, or taken away.
    """

    token: str
    is_lost: Callable[[], bool]


@contextmanager
def hold_local(root: str) -> Iterator[Hold]:
    """Hold a local directory, as long as this process lives: the kernel lets go of it even after a kill.

    Raises:
        InputError: another run holds it; the message says which.
    """
    path = os.path.join(root, LOCK)
    with as_store_error(path, "locked"):
        make_folder(root)
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115  # closed below, where errors are those of the body
    with file:
        with as_store_error(path, "locked"):
            _acquire(file, root)
        try:
            yield Hold(uuid.uuid4().hex, lambda: not _is_still_there(path, file))
        finally:
            with suppress(OSError):  # another run would overwrite it
                file.truncate(0)


def _acquire(file: TextIO, root: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read() or "it has just started"
        raise InputError(f"{root}: held by another run ({holder}); wait for it or stop it") from error
    file.truncate(0)
    file.write(describe(who()))
    file.flush()


def _is_still_there(path: str, file: TextIO) -> bool:
    with as_store_error(path, "read"):
        try:
            return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
        except FileNotFoundError:
            return False
