"""Verification: whether every declared trial is stored, once and intact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bnsweep.errors import InputError, StoreError
from bnsweep.results.checkpoints import CHECKPOINTS, Checkpoints
from bnsweep.results.copied import read_copy_of
from bnsweep.results.declaration import DECLARED, read_declaration
from bnsweep.results.former_code import former_code
from bnsweep.results.keys import to_texts
from bnsweep.results.locations import Files
from bnsweep.results.snapshot import Snapshot
from bnsweep.results.store import Store
from bnsweep.results.verify.commit import check_commit, check_unnumbered
from bnsweep.results.verify.inventory import Inventory
from bnsweep.results.verify.problem import Problem, some
from bnsweep.spec.sweep import rule_of

__all__ = ["Problem", "verify"]


def verify(store: Store, say: Callable[[str], object] = lambda _: None) -> list[Problem]:
    """Read every byte of a store once; return all problems and notes, in the order of `path`.

    `say` is told how far that is. Whatever a run is writing at the moment may look torn.
    """
    files, copy = store.files, read_copy_of(store.files)
    say(f"reading what is in {store.root}")
    inventory = Inventory.of(files)
    problems = [*inventory.problems(), *_check_checkpoints(files)]
    keys = dict[str, list[str]]()
    for number, file in enumerate(live := inventory.snapshot.live, start=1):
        say(f"checking commit {number} of {len(live)}")
        checked = check_commit(files, file.name, file.footer) if file.footer else check_unnumbered(files, file.name)
        problems += checked.problems
        keys[file.name] = checked.trial_keys
    known = {key for some_keys in keys.values() for key in some_keys}
    for table in inventory.metric_tables:
        for name in inventory.loose(table):
            problems += check_unnumbered(files, name, known).problems
    problems += _check_duplicates(keys) + _check_declaration(inventory.snapshot, known) + _check_code(store)
    problems = [replace(problem, copy=copy) for problem in _as_one(problems)]
    return sorted(problems, key=lambda problem: (problem.path, problem.kind))


def _as_one(problems: list[Problem]) -> list[Problem]:
    """Return problems with one note on all files without a number, of which there may be thousands."""
    names = [problem.path for problem in problems if problem.kind == "unnumbered"]
    others = [problem for problem in problems if problem.kind != "unnumbered"]
    note = f"has files that an earlier version wrote, or another program, {some(names)}"
    return [*others, Problem("unnumbered", "trials", note)] if names else others


def _check_checkpoints(files: Files) -> list[Problem]:
    checkpoints = Checkpoints(files)
    damaged = [key for key in sorted(checkpoints.keys()) if checkpoints.load(key) is None]
    return [Problem("record", f"{CHECKPOINTS}/{key}", "is damaged; its trial starts anew") for key in damaged]


def _check_code(store: Store) -> list[Problem]:
    """Compare the user's own code with what stored trials ran."""
    try:
        former = former_code(store)
    except InputError:  # a damaged file, which is a problem of its own
        return []
    return [Problem("code", "trials", str(former))] if former else []


def _check_duplicates(keys: Mapping[str, list[str]]) -> list[Problem]:
    """Find the trials that a file with a smaller name has too."""
    seen, problems = set[str](), []
    for name in sorted(keys):
        if again := seen.intersection(keys[name]):
            problems.append(Problem("duplicate", name, f"has trials that another commit has too, {some(again)}"))
        seen.update(keys[name])
    return problems


def _check_declaration(snapshot: Snapshot, stored: set[str]) -> list[Problem]:
    """Compare what is stored with what was declared last."""
    try:
        found = read_declaration(snapshot.files)
    except (InputError, StoreError) as error:
        return [Problem("declaration", DECLARED, f"is damaged ({error})")]
    if found is None:
        return [Problem("declaration", DECLARED, "is gone")] if stored else []
    wanted = set(found["trial_keys"])
    problems = []
    if pruned := wanted.intersection(to_texts(snapshot.pruned_otherwise(rule_of(found["sweep_file"])))):
        problems.append(Problem("gap", DECLARED, f"another pruner than the sweep's stopped trials, {some(pruned)}"))
    if gaps := wanted - stored:
        problems.append(
            Problem("gap", DECLARED, f"of {len(wanted)} declared trials these have no result, {some(gaps)}")
        )
    if more := stored - wanted:
        problems.append(Problem("undeclared", DECLARED, f"does not declare these stored trials, {some(more)}"))
    if (search := found.get("search")) and search["end"] is None:
        what = f"the search {search['name']} is not over, in round {search['num_rounds']} of as many as it takes"
        problems.append(Problem("search", DECLARED, what))
    return problems
