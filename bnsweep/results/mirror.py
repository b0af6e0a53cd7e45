"""A mirror: a copy of a directory that a run elsewhere may write to, brought up to date commit by commit.

A commit's metric files come first, then `trials/<number>.parquet`, as a writer writes them: whoever reads the copy sees
whole commits. What is there already is not brought again. A commit that a `compact` took away meanwhile is in a later
one, which comes too; what that replaces goes once it is here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from bnsweep.errors import InputError, StoreError
from bnsweep.results.commits import FileRecord, Kind, commit_name
from bnsweep.results.copied import CopyOf, read_copy_of, write_copy_of
from bnsweep.results.declaration import DECLARED
from bnsweep.results.files import Content, Source, in_parallel
from bnsweep.results.lease import wait_until_free
from bnsweep.results.store import Store
from bnsweep.results.takeover import clean_up
from bnsweep.results.trials_files import numbers_of, sound_file

MAX_ROUNDS = 20
MAX_TRIES = 3
"""How often a file is read that does not come whole."""


@dataclass
class Brought:
    """What was brought so far: commits with rows, files and bytes; `left` commits are to come. `say` is told."""

    say: Callable[[str], object]
    commits: int = 0
    files: int = 0
    bytes: int = 0
    left: int = 0
    _lock: Lock = field(default_factory=Lock)

    def add(self, content: Content) -> None:
        """Count a file."""
        with self._lock:
            self.files += 1
            self.bytes += len(content)
            self.say(f"fetched {self.files} files, {self.bytes / 1e6:.1f} MB so far, {self.left} commits to go")


def update(
    copy: Store,
    source: Source,
    beside: Sequence[str] = (),
    *,
    is_over: bool = False,
    say: Callable[[str], object] = lambda _: None,
) -> Brought:
    """Bring the commits of `source` that a copy lacks, and the files `beside` them, which change.

    Args:
        copy: where to.
        source: where from.
        beside: names of the latter.
        is_over: whether no run is at work in `source` any more.
        say: told how far it is.

    Raises:
        InputError: a run is at work in the copy, it holds other results, or `source` has files of an earlier version,
            or damaged ones. StoreError: one of the two cannot be reached.
    """
    wait_until_free(copy.files, copy.timing)
    before, brought = numbers_of(copy.files.entries("trials")), Brought(say)
    say(f"looking for what is new in {source.root}")
    _check_same(copy, source, before)
    if not before or read_copy_of(copy.files):  # what else is there may yet be found to be no copy
        write_copy_of(copy.files, CopyOf(source.root, is_over=False))
    _bring_all(copy, source, brought)
    snapshot = copy.snapshot()
    if before - _numbers_there(source) - snapshot.replaced:
        raise _other_results(copy, source)
    clean_up(copy.files, snapshot, snapshot.last)
    for name in (DECLARED, *beside):
        if (content := source.read(name)) is not None:
            copy.files.put(name, content)
    write_copy_of(copy.files, CopyOf(source.root, is_over))
    return brought


def _bring_all(copy: Store, source: Source, brought: Brought) -> None:
    """Bring commits until there is none more."""
    for turn in range(MAX_ROUNDS):
        new = sorted(_numbers_there(source) - numbers_of(copy.files.entries("trials")))
        are_whole = list[bool]()
        for number in new:
            brought.left = len(new) - len(are_whole)
            are_whole.append(_bring(copy, source, number, brought))
        if not new or (turn and all(are_whole)):  # the first list may be of a moment at which a merge deleted others
            return
    raise StoreError(f"{source.root}: changes all the time; fetch again")


def _bring(copy: Store, source: Source, number: int, brought: Brought) -> bool:
    """Bring a commit; return False where it is not there any more."""
    name = commit_name(number)
    content = _read(source, name, partial(sound_file, name))
    file = sound_file(name, content) if content is not None else None
    if content is None or file is None or file.footer is None:
        return False
    footer = file.footer
    brought.add(content)

    def read(record: FileRecord) -> bytes | None:
        if (content := _read(source, record.name, record.matches)) is not None:
            brought.add(content)
        return content

    files = in_parallel(read, footer.files, source.parallel)
    found = {record.name: file for record, file in zip(footer.files, files, strict=True) if file is not None}
    if len(found) < len(footer.files):
        if source.read(name) is None:
            return False
        missing = next(record.name for record in footer.files if record.name not in found)
        raise InputError(f"{source.path(missing)}: missing, and a commit names it; `bnsweep verify` there says more")
    copy.files.put_many(found)
    copy.files.put(name, content)
    brought.commits += footer.kind is not Kind.TAKE_OVER
    return True


def _read(source: Source, name: str, is_whole: Callable[[bytes], object]) -> bytes | None:
    """Return the content of a file; None where there is none."""
    for _ in range(MAX_TRIES):
        content = source.read(name)
        if content is None or is_whole(content):
            return content
    raise InputError(f"{source.path(name)}: differs from what was written; `bnsweep verify` there says more")


def _check_same(copy: Store, source: Source, numbers: set[int]) -> None:
    """Raise `InputError` where the copy's first or last commit is another one in the source."""
    if not numbers and copy.files.entries("trials"):
        raise _other_results(copy, source)
    for number in {min(numbers), max(numbers)} if numbers else ():
        there = _read(source, commit_name(number), partial(sound_file, commit_name(number)))
        if there is not None and there != copy.files.read(commit_name(number)):
            raise _other_results(copy, source)


def _other_results(copy: Store, source: Source) -> InputError:
    return InputError(
        f"{copy.root}: holds other results than {source.root}, or a run or `compact` has written to it here; "
        "give a new directory"
    )


def _numbers_there(source: Source) -> set[int]:
    """Return the numbers of the commits.

    Raises:
        InputError: there are results that are in none.
    """
    entries = source.entries("trials")
    numbers = numbers_of(entries)
    if len(numbers) < len(entries):
        raise InputError(
            f"{source.root}: an earlier version or another program wrote there; `bnsweep compact` it first"
        )
    return numbers
