"""Repair: what can be put right without losing a sound row that was committed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bnsweep.results.commits import commit_name, number_of
from bnsweep.results.convert import convert
from bnsweep.results.keys import to_texts
from bnsweep.results.locations import Files
from bnsweep.results.merging import Group, merge
from bnsweep.results.snapshot import Snapshot
from bnsweep.results.trials_files import keys_of
from bnsweep.results.verify.inventory import Inventory
from bnsweep.results.verify.problem import Problem
from bnsweep.results.writer import Writer

DAMAGED, FOREIGN = "_damaged", "_foreign"


def repair(writer: Writer, problems: Sequence[Problem]) -> list[str]:
    """Act on problems; return what was done, a line each. To be called again until it does nothing.

    Torn files are deleted, but for those of whoever has taken the directory over since, which may yet be committed;
    foreign ones are moved away. A commit with a damaged or a missing file is moved away whole, so that its trials count
    as missing and run again; its number stays taken, by a commit of no rows.
    """
    files, by_kind = writer.files, dict[str, list[str]]()
    for problem in problems:
        by_kind.setdefault(problem.kind, []).append(problem.path)
    useless = [name for kind in ("torn", "unfinished", "record") for name in by_kind.get(kind, [])]
    removed = [name for name in useless if (number_of(name) or 0) <= writer.number]
    files.delete(removed)
    done = [f"removed {name}" for name in removed]
    done += [f"moved {name} to {_set_aside(files, name, FOREIGN)}" for name in by_kind.get("foreign", [])]
    spoilt = by_kind.get("damaged", []) + by_kind.get("missing", [])
    inventory = Inventory.of(files)
    for number in sorted({number for name in spoilt if (number := number_of(name)) is not None}):
        done += _set_commit_aside(writer, inventory, number)
    for name in sorted(_namesakes(inventory, [name for name in spoilt if number_of(name) is None])):
        done.append(f"moved {name} to {_set_aside(files, name, DAMAGED)}")
    if not spoilt and (twice := by_kind.get("duplicate", [])):
        done += _remove_duplicates(writer, twice)
    return done


def _set_aside(files: Files, name: str, folder: str) -> str:
    """Move a file to where readers do not see it, and no other file is; return its new name."""
    to = f"{folder}/{name}"
    while files.read(to) is not None:
        to += "~"
    files.move(name, to)
    return to


def _set_commit_aside(writer: Writer, inventory: Inventory, number: int) -> list[str]:
    """Move the metric files of a commit away, then copy and blank it: a kill in between leaves it in need of repair."""
    files, name = writer.files, commit_name(number)
    names = [name for table in inventory.metric_tables for name in inventory.entries[table]]
    done = [f"moved {name} to {_set_aside(files, name, DAMAGED)}" for name in names if number_of(name) == number]
    content = files.read(name)
    if content is not None:
        files.put(f"{DAMAGED}/{name}", content)
        writer.blank(number)
        done.append(f"moved {name} to {DAMAGED}/{name}")
    return done


def _namesakes(inventory: Inventory, spoilt: Iterable[str]) -> set[str]:
    """Return the files without a number that are called as one that is spoilt: an earlier version's commit."""
    wanted = {name.partition("/")[2] for name in spoilt}
    names = [*inventory.snapshot.loose("trials")]
    names += [name for table in inventory.metric_tables for name in inventory.loose(table)]
    return {name for name in names if name.partition("/")[2] in wanted}


def _remove_duplicates(writer: Writer, names: Sequence[str]) -> list[str]:
    """Leave each trial in the first of the files that have it; those without a number are all taken in."""
    for name in names:
        writer.snapshot = Snapshot.take(writer.files, {})
        before = [file for file in writer.snapshot.live if file.name < name]
        again = [file.footer for file in writer.snapshot.live if file.name == name and file.footer]
        if again:
            merge(writer, Group(again), set(to_texts(keys_of(before))))
    writer.snapshot = Snapshot.take(writer.files, {})
    convert(writer)
    return [f"kept each trial of {name} in one commit" for name in names]
