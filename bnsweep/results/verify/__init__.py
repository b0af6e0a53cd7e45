"""Verification: whether every declared trial is stored, once and intact."""

from __future__ import annotations

from collections.abc import Mapping

from bnsweep.results import checkpoints
from bnsweep.results.duplicates import surplus
from bnsweep.results.fence import RUN, STOP
from bnsweep.results.files import Files
from bnsweep.results.manifest import file_name
from bnsweep.results.replace import JOURNAL, is_pending
from bnsweep.results.seal import read_sealed
from bnsweep.results.store import DECLARED, Store
from bnsweep.results.verify.batch import check_batch
from bnsweep.results.verify.inventory import Inventory
from bnsweep.results.verify.problem import Problem, some

__all__ = ["Problem", "verify"]


def verify(store: Store) -> list[Problem]:
    """Read every byte of a store once; return all problems and notes, in the order of `path`.

    Whatever a run is writing at the moment may look torn.
    """
    files = store.files
    records = _check_records(files)
    if not any(found.path == JOURNAL for found in records) and is_pending(files):
        return [Problem("unfinished", JOURNAL, "a compaction or repair was cut off")]
    inventory = Inventory.of(files)
    problems, keys = records + inventory.loose() + _check_checkpoints(files), dict[str, list[str]]()
    for batch, last in sorted(inventory.committed.items()):
        checked = check_batch(files, batch, last, inventory.tables_of(batch))
        problems += checked.problems
        keys[batch] = checked.trial_keys
    problems += _check_duplicates(keys) + _check_declaration(files, keys)
    return sorted(problems, key=lambda problem: (problem.path, problem.kind))


def _check_records(files: Files) -> list[Problem]:
    """Check the small files that hold no results."""
    problems = []
    for name in (RUN, STOP, JOURNAL):
        try:
            read_sealed(files, name)
        except ValueError as error:
            problems.append(Problem("record", name, f"is damaged ({error})"))
    return problems


def _check_checkpoints(files: Files) -> list[Problem]:
    return [
        Problem("record", f"{checkpoints.CHECKPOINTS}/{key}", "is damaged; its trial starts anew")
        for key in sorted(checkpoints.keys(files))
        if checkpoints.load(files, key) is None
    ]


def _check_duplicates(keys: Mapping[str, list[str]]) -> list[Problem]:
    return [
        Problem("duplicate", file_name("trials", batch), f"has trials that another commit has too, {some(again)}")
        for batch, again in surplus(keys).items()
    ]


def _check_declaration(files: Files, keys: Mapping[str, list[str]]) -> list[Problem]:
    """Compare what is stored with what was declared last."""
    stored = {key for batch in keys.values() for key in batch}
    try:
        found = read_sealed(files, DECLARED)
    except ValueError as error:
        return [Problem("declaration", DECLARED, f"is damaged ({error})")]
    if found is None:
        return [Problem("declaration", DECLARED, "is gone")] if stored else []
    wanted = set(found["trial_keys"])
    problems = []
    if gaps := wanted - stored:
        problems.append(
            Problem("gap", DECLARED, f"of {len(wanted)} declared trials these have no result, {some(gaps)}")
        )
    if more := stored - wanted:
        problems.append(Problem("undeclared", DECLARED, f"does not declare these stored trials, {some(more)}"))
    return problems
