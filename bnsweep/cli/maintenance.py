"""Care of a results directory: what `bnsweep verify` and `bnsweep compact` do."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from bnsweep.api.end_of_run import counted
from bnsweep.errors import InputError
from bnsweep.results import SCHEMAS, Store
from bnsweep.results.compact import compact
from bnsweep.results.declaration import DECLARED
from bnsweep.results.existing import existing_store, which_directory
from bnsweep.results.verify import Problem, verify
from bnsweep.results.verify.repair import repair
from bnsweep.results.writer import Writer

RESULT_NAMES = {DECLARED, *SCHEMAS}
"""Names of which a results directory has at least one."""
MAX_ROUNDS = 5
"""Repairs at most: each mends what the one before has uncovered."""


@dataclass(frozen=True)
class MaintenanceResult:
    """The lines to print, and the exit code: 1 where problems remain, else 0."""

    lines: tuple[str, ...]
    exit_code: int


def verify_directory(
    location: str | os.PathLike[str], *, repair: bool = False, say: Callable[[str], object] = lambda _: None
) -> MaintenanceResult:
    """Say what is wrong with a results directory, and with `repair` mend what can be mended; `say` how far that is.

    Raises:
        InputError: no such directory; to repair it, that a run holds it. StoreError: it cannot be read or written.
    """
    store = existing_results(location)
    if repair:
        with store.take_over(wait=False, is_repair=True) as writer:
            done, problems = _repaired(store, writer, say)
    else:
        done, problems = [], verify(store, say)
    if num_problems := sum(not problem.is_note for problem in problems):
        summary = f"{num_problems} problem{'s' if num_problems > 1 else ''}"
    else:
        summary = f"no problems: every declared trial is stored once and intact{_end_of_search(store)}"
    return MaintenanceResult((*done, *map(str, problems), f"{store.root}: {summary}"), 1 if num_problems else 0)


def _end_of_search(store: Store) -> str:
    """Return why the search of the sweep ended; '' for a grid."""
    search = (store.declared() or {}).get("search")
    if not search:
        return ""
    return f"; the search {search['name']} ended after {counted(search['num_rounds'], 'round')}: {search['end']}"


def _repaired(store: Store, writer: Writer, say: Callable[[str], object]) -> tuple[list[str], list[Problem]]:
    done = list[str]()
    for _ in range(MAX_ROUNDS):
        problems = verify(store, say)
        now = repair(writer, problems)
        if not now:
            return done, problems
        done += now
    return done, verify(store, say)


def compact_directory(
    location: str | os.PathLike[str], say: Callable[[str], object] = lambda _: None
) -> MaintenanceResult:
    """Make many small files a few large ones, and finish what was cut off; `say` how far that is.

    Raises:
        InputError: no such directory, a run holds it, or a file is damaged. StoreError: it cannot be read or written.
    """
    store = existing_results(location)
    result = compact(store, say=say)
    return MaintenanceResult((f"{store.root}: {result.before} commits merged into {result.after}",), 0)


def existing_results(location: str | os.PathLike[str]) -> Store:
    """Return the store in a directory.

    Raises:
        InputError: no such directory, or one that holds no results. StoreError: it cannot be read.
    """
    store = existing_store(location)
    if not any(entry.name in RESULT_NAMES for entry in store.files.entries()):
        raise InputError(f"{os.fspath(location)}: holds no results of bnsweep; {which_directory(location)}")
    return store
