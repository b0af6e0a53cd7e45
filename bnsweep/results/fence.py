"""Fencing: whose commits count. A worker that outlives its driver must not commit what a new driver has begun anew.

The driver writes a token of its own into `_run.json`; whoever commits shows the token that it was given. On a local
filesystem nothing can come between the check and the commit, since both are made under the commit lock and a new token
is written under it alone. Object storage has no lock: there the token is looked up before the first file of a batch
and again before the last, and a driver that begins in the milliseconds between that look and the end of the PUT can
find a trial committed twice later on; `recover` removes the second one.
"""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from typing import Any

from bnsweep.errors import StoreError, Superseded
from bnsweep.results.files import Files, write
from bnsweep.results.seal import read_sealed, seal

RUN = "_run.json"
STOP = "_stop.json"


def who() -> dict[str, Any]:
    """Return what tells a user which process this is: host, pid, since."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"}


def describe(run: dict[str, Any]) -> str:
    """Return what `who` returned, as a person reads it."""
    return f"host {run['host']}, pid {run['pid']}, since {run['since']}"


def begin(files: Files, token: str) -> None:
    """Make `token` the one that counts."""
    with files.guard(exclusive=True):
        write(files, RUN, seal({"token": token, **who()}))


def check(files: Files, token: str | None) -> None:
    """Raise `Superseded` where `token` does not count any more; None always does."""
    if token is None:
        return
    run = _sealed(files, RUN)
    if run.get("token") != token:
        by = f"another run ({describe(run)}) has taken it over" if run else "it was taken away"
        raise Superseded(f"{files.root}: {by}; this one commits nothing any more")


def current(files: Files) -> str | None:
    """Return the token that counts; None where no run ever began, or the record is damaged."""
    try:
        return (read_sealed(files, RUN) or {}).get("token")
    except ValueError:
        return None


def request_stop(files: Files, token: str) -> None:
    """Ask the workers of the run with `token` to stop."""
    write(files, STOP, seal({"token": token}))


def is_stopping(files: Files, token: str) -> bool:
    """Return whether the run with `token` was asked to stop."""
    return _sealed(files, STOP).get("token") == token


def _sealed(files: Files, name: str) -> dict[str, Any]:
    try:
        return read_sealed(files, name) or {}
    except ValueError as error:
        raise StoreError(
            f"{files.path(name)}: damaged ({error}); delete it, and the same command continues; "
            "what was committed is unharmed"
        ) from error
