"""Replacing batches by others, whole or not at all, whatever dies when.

What is new is staged under `_replace/`. Then the journal `_replace.json` says what goes and what comes: once it is
there the replacement counts, and whoever finds it finishes it. So a kill before that leaves the old files, and one
after it the new ones. Table by table the old files go before the new ones come, hence a plain reader of a table never
sees a row twice; on a local filesystem it sees no such table in between, on object storage too few rows. bnsweep's own
readers look at the journal before and after they list a table, and refuse what is pending.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from bnsweep.errors import StoreError
from bnsweep.results.files import Files, write
from bnsweep.results.manifest import Encoded
from bnsweep.results.seal import read_sealed, seal

JOURNAL = "_replace.json"
STAGED = "_replace"

Names = dict[str, list[str]]
"""Names of files by the folder that they are in."""


def state(files: Files) -> str | None:
    """Return what differs after every replacement; None where there never was one.

    Raises:
        StoreError: a replacement is pending.
    """
    journal = _read(files)
    if journal and journal["is_pending"]:
        raise StoreError(
            f"{files.root}: its files are being compacted or repaired, or that was cut off; "
            f"wait for it, or finish it by `bnsweep compact`; nothing is lost"
        )
    return str(journal["id"]) if journal else None


def replace(files: Files, old: Names, new: Iterable[Encoded]) -> None:
    """Replace files by those of new batches. To be called under the lock.

    Args:
        files: where they are.
        old: what goes: names by folder, manifests among them.
        new: what comes; taken one by one, so that only one needs to be in memory.
    """
    try:
        come = _stage(files, new)
    except BaseException:
        with suppress(StoreError):
            _discard(files)
        raise
    folders = {folder: {"go": old.get(folder, []), "come": come.get(folder, [])} for folder in sorted({*old, *come})}
    write(files, JOURNAL, seal({"id": uuid.uuid4().hex, "is_pending": True, "folders": folders}))
    finish(files)


def _stage(files: Files, new: Iterable[Encoded]) -> Names:
    come: Names = {}
    for encoded in new:
        contents = {**encoded.contents, encoded.manifest.name: encoded.manifest.encode()}
        for name, content in contents.items():
            folder, _, file = name.partition("/")
            write(files, _staged(folder, file), content)
            come.setdefault(folder, []).append(file)
    return come


def finish(files: Files) -> None:
    """Finish a replacement that was cut off, whatever part of it is done; discard what was staged and never counted."""
    journal = _read(files)
    if journal and journal["is_pending"]:
        with files.guard(exclusive=True):
            for folder, names in journal["folders"].items():
                go = {name: _staged(folder, f"{name}.old") for name in names["go"] if name not in names["come"]}
                files.swap(folder, go, {name: _staged(folder, name) for name in names["come"]})
        write(files, JOURNAL, seal({**journal, "is_pending": False, "folders": {}}))
    _discard(files)


def _discard(files: Files) -> None:
    files.delete(f"{STAGED}/{entry.name}" for entry in files.entries(STAGED))


def is_pending(files: Files) -> bool:
    """Return whether a replacement was cut off, or is under way."""
    journal = _read(files)
    return journal is not None and bool(journal["is_pending"])


def _staged(folder: str, file: str) -> str:
    return f"{STAGED}/{folder}@{file}"


def _read(files: Files) -> dict[str, Any] | None:
    try:
        return read_sealed(files, JOURNAL)
    except ValueError as error:
        raise StoreError(f"{files.path(JOURNAL)}: damaged ({error}); `bnsweep verify --repair` mends it") from error
