"""Compaction: many small commits become a few large ones, so that the tables load quickly.

It is a writer like any other: it takes the directory over, and what it merges is a commit with the next number, whose
footer lists the numbers that it replaces. Only then do their files go. A take-over never goes, nor the number before
one: a writer that was taken over may still be in doubt about that number, and would write it again were it free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bnsweep.results.commits import Kind
from bnsweep.results.merging import Group, merge
from bnsweep.results.snapshot import Snapshot
from bnsweep.results.store import Store
from bnsweep.results.takeover import leftovers
from bnsweep.results.trials_files import TrialsFile

MAX_ROWS = 6_000_000
"""Rows of all tables of one commit: some 250 MB of Parquet, and a GB of memory while they are made."""


@dataclass(frozen=True)
class Compaction:
    """How many commits with rows there were, and are."""

    before: int
    after: int


def compact(store: Store, max_rows: int = MAX_ROWS, say: Callable[[str], object] = lambda _: None) -> Compaction:
    """Make commits as large as `max_rows` allows, and `say` how far that is; again, it does nothing.

    Raises:
        InputError: a run is at work, or a file is damaged. StoreError: it cannot be written.
    """
    say(f"reading which commits are in {store.root}")
    before = store.snapshot()
    is_tidy = before.is_converted and not leftovers(store.files, before, before.last)
    if not is_tidy or _groups(before, max_rows, before.kept | {before.last}):  # what a take-over now would keep
        with store.take_over(wait=False) as writer:
            groups = _groups(writer.snapshot, max_rows, writer.snapshot.kept)
            for number, group in enumerate(groups, start=1):
                say(f"merging {len(group.commits)} commits into one, {number} of {len(groups)}")
                merge(writer, group)
    return Compaction(_with_rows(before), _with_rows(store.snapshot()))


def _with_rows(snapshot: Snapshot) -> int:
    return sum(file.rows > 0 for file in snapshot.live)


def _groups(snapshot: Snapshot, max_rows: int, kept: frozenset[int]) -> list[Group]:
    """Return the groups of commits to merge; those of the numbers that are kept stay."""
    free = [file for file in snapshot.live if file.footer and file.footer.number not in kept]
    groups = [
        Group([file.footer for file in sorted(files, key=lambda file: file.name) if file.footer])
        for files in _grouped(free, max_rows)
    ]
    return [group for group in groups if len(group.commits) > 1 or group.commits[0].kind is not Kind.MERGE]


def _grouped(found: Iterable[TrialsFile], max_rows: int) -> list[list[TrialsFile]]:
    """Return groups of at most `max_rows` rows: the largest commits first, each into the first group that it fits.

    No two groups would fit together, so grouping the results of a compaction again leaves each by itself.
    """
    groups: list[list[TrialsFile]] = []
    sizes: list[int] = []
    for file in sorted(found, key=lambda file: (-file.rows, file.name)):
        fits = next((number for number, size in enumerate(sizes) if size + file.rows <= max_rows), len(groups))
        if fits == len(groups):
            groups.append([])
            sizes.append(0)
        groups[fits].append(file)
        sizes[fits] += file.rows
    return groups
