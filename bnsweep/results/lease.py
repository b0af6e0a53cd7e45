"""The lease: says politely who is at work in a directory. Nothing rests on it.

`_lease.json` is written again every `renew_s` by whoever has taken the directory over. One that was not renewed for
`life_s` is of a run that was killed, or that cannot reach the directory; so is one whose holder, the process that its
user started, was on this machine and is there no more. A run that finds a living lease waits for it to run out, and
gives up where it is renewed.
"""

from __future__ import annotations

import json
import math
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

from bnsweep.errors import InputError, StoreError
from bnsweep.results.locations import Files

LEASE = "_lease.json"
HEARTBEAT = "bnsweep-lease"


@dataclass(frozen=True)
class LeaseTiming:
    """How often a lease is renewed and for how long it counts; `clock` is of UTC, in seconds since 1970."""

    renew_s: float = 15.0
    life_s: float = 60.0
    poll_s: float = 1.0
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def who() -> dict[str, Any]:
    """Return what tells a user which process this is: host, pid, since."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"}


def this_process() -> dict[str, Any]:
    """Return what tells a user which process this is, and other processes of this machine whether it is there."""
    return who() | {"machine": _machine(), "process": _started(os.getpid())}


def describe(run: Mapping[str, Any]) -> str:
    """Return what `who` returned, as a person reads it."""
    return f"host {run.get('host', 'unknown')}, pid {run.get('pid', 'unknown')}, since {run.get('since', 'unknown')}"


def wait_until_free(
    files: Files, timing: LeaseTiming, run: str | None = None, say: Callable[[str], None] | None = None
) -> None:
    """Wait until no other run has a living lease.

    Args:
        files: where.
        timing: of leases.
        run: whose own lease is none of another.
        say: told in one line that a lease is waited for. None: none is.

    Raises:
        InputError: one is alive, and is renewed, or of a process of this machine, or not to be waited for.
    """
    first = _living(files, timing, run)
    if not first:
        return
    if say is None or _process(first) is True:
        raise _refusal(files, first)
    say(f"{files.root}: held by a run that may have been killed ({describe(first)}); waiting for its lease to end")
    waited_since = timing.clock()
    while timing.clock() - waited_since < timing.life_s:
        timing.sleep(timing.poll_s)
        now = _living(files, timing, run)
        if not now:
            return
        if now != first:
            raise _refusal(files, now)


def holder(files: Files, timing: LeaseTiming | None = None) -> dict[str, Any] | None:
    """Return the lease of the run that is at work in a directory, which `describe` reads; None where none is."""
    return _living(files, timing or LeaseTiming(), None)


def _living(files: Files, timing: LeaseTiming, run: str | None) -> dict[str, Any] | None:
    """Return the lease of another run that counts; one of the future, by a wrong clock, as long as any other."""
    lease = _read(files)
    if not lease or (run is not None and lease.get("run") == run):
        return None
    age_s = timing.clock() - float(lease.get("renewed_at", 0.0))
    return lease if abs(age_s) < timing.life_s and _process(lease) is not False else None


def _read(files: Files) -> dict[str, Any]:
    """Return the lease that is there; empty where none is, or what cannot be read: nothing rests on it."""
    try:
        return dict(json.loads(files.read(LEASE) or b"{}"))
    except (ValueError, TypeError):
        return {}


def _refusal(files: Files, lease: dict[str, Any]) -> InputError:
    return InputError(f"{files.root}: held by another run ({describe(lease)}); wait for it or stop it")


@dataclass
class Lease:
    """The lease of a run, renewed by a thread of its own until it is closed or lost.

    Args:
        files: where.
        writer: the id of who commits.
        run: names the run.
        timing: how often it is renewed.
        holder: the process whose run it is; it need not be this one.
    """

    files: Files
    writer: str
    run: str | None
    timing: LeaseTiming
    holder: dict[str, Any] = field(default_factory=this_process)
    _lost: Event = field(default_factory=Event)
    _done: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def start(self) -> None:
        """Write it, and renew it from now on, with no more patience than there is time."""
        self.renew()
        self.files = self.files.patient(min(self.timing.renew_s, self.timing.life_s))
        if math.isinf(self.timing.renew_s):
            return
        self._thread = Thread(target=self._beat, name=HEARTBEAT, daemon=True)
        self._thread.start()

    @property
    def by(self) -> dict[str, Any]:
        """Host, pid and since of the holder."""
        return {name: self.holder[name] for name in ("host", "pid", "since")}

    @property
    def is_lost(self) -> bool:
        """Whether another run has written its own, or the directory was taken away."""
        return self._lost.is_set()

    def renew(self) -> None:
        """Write it anew."""
        lease = {"writer": self.writer, "run": self.run, "renewed_at": self.timing.clock(), **self.holder}
        self.files.put(LEASE, json.dumps(lease, indent=1).encode())

    def _beat(self) -> None:
        while not self._done.wait(self.timing.renew_s):
            with suppress(StoreError):  # tried again at the next beat
                if not self.is_ours():
                    self._lost.set()
                    return
                self.renew()

    def is_ours(self) -> bool:
        """Return whether it is the one that is there."""
        return bool(_read(self.files).get("writer") == self.writer)

    def close(self) -> None:
        """End it, as far as the directory can be reached now."""
        self._done.set()
        if self._thread:
            self._thread.join(self.timing.renew_s)
        with suppress(StoreError):
            if self.is_ours():
                self.files.delete([LEASE])


def _machine() -> str:
    """Return what no other machine or container has, nor this one after it was started anew."""
    names = []
    for path, read in (("/proc/sys/kernel/random/boot_id", _text), ("/proc/self/ns/pid", os.readlink)):
        with suppress(OSError):
            names.append(read(path))
    return " ".join([socket.gethostname(), *names])


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def _started(pid: int) -> str | None:
    """Return when a process of this machine started, in the kernel's ticks; None where it is not there."""
    try:
        state, *fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else fields[18]


def _process(lease: dict[str, Any]) -> bool | None:
    """Return whether the process that has a lease is there; None where it is on another machine."""
    if lease.get("machine") != _machine() or lease.get("process") is None:
        return None
    return bool(_started(int(lease["pid"])) == lease["process"])
