"""The lock on object storage, which has none of its own: each run writes a lock file.

A run writes a lock file of its own, `_claims/<id>.json`, then lists them all. Where it sees another live one it removes
its own again, else it holds the store. Two runs can never both hold it: object stores list what was written before (S3
since 2020), so if two lock files stayed, the run of the later one would have kept it although it saw the earlier one.
Two runs that start at once may both give way; each tries again after a while of random length.

The holder writes its lock file again every `heartbeat_s`. One that is `stale_s` older than one just written, by the
server's clock, is of a run that was killed: it is removed. A run that only slept for so long finds its lock file gone
when it wakes up, or a token that is not its own in `_run.json`; its commits are refused by then, since the new run has
begun (`fence.py`).
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from bnsweep.errors import InputError, StoreError
from bnsweep.results.fence import current, describe, who
from bnsweep.results.files import Files, write
from bnsweep.results.lock import Hold
from bnsweep.results.seal import read_sealed, seal

LOCKS = "_claims"  # as ever, so that a run of an earlier version sees them
HEARTBEAT = "bnsweep-heartbeat"
UNREADABLE = {"host": "unknown", "pid": "unknown", "since": "an unknown time", "is_held": True}


@dataclass(frozen=True)
class LockTiming:
    """How often a lock file is renewed, when it is stale, and how often and how soon one that gave way tries again."""

    heartbeat_s: float = 20.0
    stale_s: float = 120.0
    tries: int = 5
    backoff_s: float = 0.3


@contextmanager
def hold_objects(files: Files, timing: LockTiming) -> Iterator[Hold]:
    """Hold an object store, as long as this process lives and reaches it.

    Raises:
        InputError: another run holds it; the message says which.
    """
    ours, token, lost, done = _LockFile(files, f"{uuid.uuid4().hex}.json", who()), uuid.uuid4().hex, Event(), Event()
    try:
        _acquire(ours, timing)
        tokens = {current(files), token}
        heart = Thread(target=_beat, args=(ours, timing, tokens, lost, done), name=HEARTBEAT, daemon=True)
        heart.start()
        try:
            yield Hold(token, lost.is_set)
        finally:
            done.set()
            heart.join()
    finally:
        with suppress(StoreError):  # it becomes stale
            ours.remove()


@dataclass(frozen=True)
class _LockFile:
    """The lock file of this run."""

    files: Files
    file: str
    run: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{LOCKS}/{self.file}"

    def write(self, *, is_held: bool) -> None:
        write(self.files, self.name, seal({**self.run, "is_held": is_held}))

    def remove(self) -> None:
        self.files.delete([self.name])


def _acquire(ours: _LockFile, timing: LockTiming) -> None:
    for attempt in range(timing.tries):
        ours.write(is_held=False)
        rivals = [rival for name in _live(ours, timing.stale_s) if (rival := _read(ours.files, name))]
        if not rivals:
            ours.write(is_held=True)
            return
        ours.remove()
        if any(rival["is_held"] for rival in rivals):
            break
        time.sleep(random.uniform(0, timing.backoff_s * 2**attempt))
    raise InputError(
        f"{ours.files.root}: held by another run ({describe(rivals[0])}); wait for it or stop it; "
        f"if it was killed, try again after {timing.stale_s:g} s"
    )


def _live(ours: _LockFile, stale_s: float) -> list[str]:
    """Return the names of the other lock files that are not stale, and remove those that are."""
    written = {entry.name: entry.mtime_s for entry in ours.files.entries(LOCKS) if entry.is_file}
    if ours.file not in written:
        raise StoreError(
            f"{ours.files.path(ours.name)}: written, but not listed; a store that lists late cannot be locked"
        )
    now = written.pop(ours.file)
    stale = [name for name, mtime_s in written.items() if now - mtime_s > stale_s]
    ours.files.delete(f"{LOCKS}/{name}" for name in stale)
    return sorted(written.keys() - stale)


def _read(files: Files, name: str) -> dict[str, Any] | None:
    """Return what a lock file says; None where it was removed just now."""
    try:
        return read_sealed(files, f"{LOCKS}/{name}")
    except ValueError:
        return UNREADABLE
    except StoreError:  # written or removed again and again while it was read: a contest, not a holder
        return {**UNREADABLE, "is_held": False}


def _beat(ours: _LockFile, timing: LockTiming, tokens: set[str | None], lost: Event, done: Event) -> None:
    """Renew a lock file until `done`; end with `lost` set where it is gone, or `_run.json` has none of these tokens."""
    while not done.wait(timing.heartbeat_s):
        with suppress(StoreError):  # tried again at the next beat; it becomes stale if that lasts
            if not ours.files.exists(ours.name) or current(ours.files) not in tokens:
                lost.set()
                return
            ours.write(is_held=True)
