"""Care of a results directory: what `bnsweep verify` and `bnsweep compact` do."""

from __future__ import annotations

import os
from dataclasses import dataclass

from bnsweep.errors import InputError
from bnsweep.results import SCHEMAS, Store
from bnsweep.results.compact import compact
from bnsweep.results.manifest import COMMITS
from bnsweep.results.store import DECLARED
from bnsweep.results.verify import Finding, verify
from bnsweep.results.verify.repair import repair

MARKS = {DECLARED, COMMITS, *SCHEMAS}
"""Names of which a results directory has at least one."""
MAX_ROUNDS = 5
"""Repairs after which what is left is left: what one uncovers the next one sees to."""


@dataclass(frozen=True)
class Outcome:
    """What to print, a line each, and the exit code: 0 where nothing is amiss, 1 where findings remain."""

    lines: tuple[str, ...]
    exit_code: int


def verify_directory(location: str | os.PathLike[str], *, repair: bool = False) -> Outcome:
    """Say what is wrong with a results directory, and with `repair` put right what can be.

    Raises:
        InputError: no such directory; to repair it, that a run holds it. StoreError: it cannot be read or written.
    """
    store = existing_store(location)
    if repair:
        with store.lock() as hold:
            store.begin(hold.token)
            done, findings = _repaired(store)
    else:
        done, findings = [], verify(store)
    if amiss := sum(finding.is_amiss for finding in findings):
        verdict = f"{amiss} finding{'s' if amiss > 1 else ''}"
    else:
        verdict = "nothing amiss: all that is declared is stored, once and as written"
    return Outcome((*done, *map(str, findings), f"{store.root}: {verdict}"), 1 if amiss else 0)


def _repaired(store: Store) -> tuple[list[str], list[Finding]]:
    done = list[str]()
    for _ in range(MAX_ROUNDS):
        findings = verify(store)
        now = repair(store, findings)
        if not now:
            return done, findings
        done += now
    return done, verify(store)


def compact_directory(location: str | os.PathLike[str]) -> Outcome:
    """Finish what was cut off, and make many small files a few large ones.

    Raises:
        InputError: no such directory, a run holds it, or a file is damaged. StoreError: it cannot be read or written.
    """
    store = existing_store(location)
    with store.lock() as hold:
        store.begin(hold.token)
        store.recover()
        result = compact(store)
    return Outcome((f"{store.root}: {result.before} batches became {result.after}",), 0)


def existing_store(location: str | os.PathLike[str]) -> Store:
    """Return the store in a directory.

    Raises:
        InputError: no such directory, or one that holds no results. StoreError: it cannot be read.
    """
    store = Store.open(location)
    if not store.is_there():
        raise InputError(f"{os.fspath(location)}: no such directory; give the --out of a `bnsweep run`")
    if not any(entry.name in MARKS for entry in store.files.entries()):
        raise InputError(f"{os.fspath(location)}: holds no results of bnsweep; give the --out of a `bnsweep run`")
    return store
