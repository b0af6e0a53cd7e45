"""The lock on object storage, which has none of its own: claims.

A run puts a claim of its own, `_claims/<id>.json`, then lists all claims. Where it sees another live one it withdraws,
else it holds the store. Two runs can never both hold it: object stores list what was put before (S3 since 2020), so of
two claims that were both kept, the one that was put last would have been kept by a run whose listing showed the other.
Two runs that start at once may both withdraw; each tries again after a while of random length.

The holder puts its claim again every `heartbeat_s`. A claim that is `stale_s` older than one just put, by the server's
clock, is of a run that was killed: it is removed. A run that only slept for so long finds its claim gone when it wakes
up, or a token that is not its own in `_run.json`; its commits are refused by then, since the new run has begun
(`fence.py`).
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

CLAIMS = "_claims"
HEARTBEAT = "bnsweep-heartbeat"
UNREADABLE = {"host": "unknown", "pid": "unknown", "since": "an unknown time", "is_held": True}


@dataclass(frozen=True)
class Pace:
    """How often a claim is renewed, when it is stale, and how a contest is repeated."""

    heartbeat_s: float = 20.0
    stale_s: float = 120.0
    tries: int = 5
    backoff_s: float = 0.3


@contextmanager
def hold_by_claim(files: Files, pace: Pace) -> Iterator[Hold]:
    """Hold an object store, as long as this process lives and reaches it.

    Raises:
        InputError: another run holds it; the message says which.
    """
    claim, token, lost, done = _Claim(files, f"{uuid.uuid4().hex}.json", who()), uuid.uuid4().hex, Event(), Event()
    try:
        _acquire(claim, pace)
        ours = {current(files), token}
        heart = Thread(target=_beat, args=(claim, pace, ours, lost, done), name=HEARTBEAT, daemon=True)
        heart.start()
        try:
            yield Hold(token, lost.is_set)
        finally:
            done.set()
            heart.join()
    finally:
        with suppress(StoreError):  # it goes stale
            claim.withdraw()


@dataclass(frozen=True)
class _Claim:
    """The claim of this run."""

    files: Files
    file: str
    run: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{CLAIMS}/{self.file}"

    def put(self, *, is_held: bool) -> None:
        write(self.files, self.name, seal({**self.run, "is_held": is_held}))

    def withdraw(self) -> None:
        self.files.delete([self.name])


def _acquire(claim: _Claim, pace: Pace) -> None:
    for attempt in range(pace.tries):
        claim.put(is_held=False)
        rivals = [rival for name in _live(claim, pace.stale_s) if (rival := _read(claim.files, name))]
        if not rivals:
            claim.put(is_held=True)
            return
        claim.withdraw()
        if any(rival["is_held"] for rival in rivals):
            break
        time.sleep(random.uniform(0, pace.backoff_s * 2**attempt))
    raise InputError(
        f"{claim.files.root}: held by another run ({describe(rivals[0])}); wait for it or stop it; "
        f"one that was killed is let go of after {pace.stale_s:g} s"
    )


def _live(claim: _Claim, stale_s: float) -> list[str]:
    """Return the names of the other claims that are not stale, and remove those that are."""
    written = {entry.name: entry.mtime_s for entry in claim.files.entries(CLAIMS) if entry.is_file}
    if claim.file not in written:
        raise StoreError(
            f"{claim.files.path(claim.name)}: written, but not listed; a store that lists late cannot be locked"
        )
    mine = written.pop(claim.file)
    stale = [name for name, mtime_s in written.items() if mine - mtime_s > stale_s]
    claim.files.delete(f"{CLAIMS}/{name}" for name in stale)
    return sorted(written.keys() - stale)


def _read(files: Files, name: str) -> dict[str, Any] | None:
    """Return what a claim says; None where it was withdrawn just now."""
    try:
        return read_sealed(files, f"{CLAIMS}/{name}")
    except ValueError:
        return UNREADABLE
    except StoreError:  # put anew or withdrawn again and again while it was read: a contest, not a holder
        return {**UNREADABLE, "is_held": False}


def _beat(claim: _Claim, pace: Pace, ours: set[str | None], lost: Event, done: Event) -> None:
    """Renew a claim until `done`; end with `lost` set where it is gone, or a token counts that is none of `ours`."""
    while not done.wait(pace.heartbeat_s):
        with suppress(StoreError):  # tried again at the next beat; it goes stale if that lasts
            if not claim.files.exists(claim.name) or current(claim.files) not in ours:
                lost.set()
                return
            claim.put(is_held=True)
