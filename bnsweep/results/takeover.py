"""Taking a directory over, and cleaning up what was never committed.

What a killed run left is cleaned up only after the take-over, and only up to its number: what a run after it writes has
higher ones.
"""

from __future__ import annotations

from bnsweep.errors import Superseded
from bnsweep.results.checkpoints import Checkpoints
from bnsweep.results.commits import Footer, Kind, commit_name, encode_commit, number_of
from bnsweep.results.keys import to_texts
from bnsweep.results.lease import Lease
from bnsweep.results.local import STAGING
from bnsweep.results.locations import Files
from bnsweep.results.reading import parquet_entries
from bnsweep.results.snapshot import Role, Snapshot
from bnsweep.results.trials_files import Known, numbers_of, read_trials_files
from bnsweep.results.writer import Writer


def take_over(files: Files, lease: Lease, known: Known, *, is_repair: bool = False) -> Writer:
    """Take a directory over, and clean up what was never committed; for a repair only the former, and nothing is read.

    Raises:
        Superseded: another run has taken it over meanwhile. InputError: a file is damaged. StoreError: it cannot be
            written.
    """
    while True:
        number = 1 + max(numbers_of(files.entries("trials")), default=0)
        footer = Footer(lease.writer, number, Kind.TAKE_OVER, by=lease.by)
        if not files.create(commit_name(number), encode_commit(footer)):
            continue
        entries = parquet_entries(files, "trials")
        if max(numbers_of(entries), default=0) <= number:
            break
    if is_repair:
        return Writer(files, lease.writer, number, Snapshot(files, ()), lease)
    found = [file for file in read_trials_files(files, entries, known) if file]
    if len(found) < len(entries):
        raise Superseded(f"{files.root}: another run has taken it over; this one commits nothing")
    snapshot = Snapshot(files, tuple(found))
    clean_up(files, snapshot, number)
    return Writer(files, lease.writer, number, snapshot, lease)


def clean_up(files: Files, snapshot: Snapshot, number: int) -> None:
    """Finish the deletions that merges began, and delete metric files up to a number that belong to no commit."""
    files.delete(leftovers(files, snapshot, number))
    checkpoints = Checkpoints(files)
    if saved := checkpoints.keys():
        checkpoints.drop(saved.intersection(to_texts(snapshot.keys)))


def leftovers(files: Files, snapshot: Snapshot, number: int) -> list[str]:
    """Return what merges have replaced, first of all in `trials/`, and what was not committed up to a number."""
    found = [file.name for file in snapshot.found if snapshot.is_replaced(file)]
    found += [f"{STAGING}/{entry.name}" for entry in files.entries(STAGING)]
    for table in sorted(tables(files) - {"trials"}):
        for name, (_, role) in snapshot.metrics(table).items():
            made_for = number_of(name)
            if role is Role.MERGED or (role is Role.TORN and made_for is not None and made_for <= number):
                found.append(name)
    return found


def tables(files: Files) -> set[str]:
    """Return the names of the tables that are there, those of users' own probes among them."""
    return {entry.name for entry in files.entries() if not (entry.is_file or entry.name.startswith(("_", ".")))}
