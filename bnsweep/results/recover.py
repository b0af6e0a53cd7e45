"""Recovery: what a killed run left behind is put in order before the next one starts."""

from __future__ import annotations

import re

from bnsweep.results import checkpoints
from bnsweep.results.duplicates import remove_duplicates
from bnsweep.results.files import STAGING, Files
from bnsweep.results.manifest import COMMITS, file_name, manifest_name
from bnsweep.results.reading import listed, trial_keys
from bnsweep.results.replace import finish
from bnsweep.results.schema import METRIC_TABLES

BATCH = re.compile("[0-9a-f]{16}")
FOREIGN, UNCOMMITTED = "_foreign", "_uncommitted"


def recover(files: Files) -> list[str]:
    """Finish what was cut off, remove what was never committed; return the names of the files removed.

    Raises:
        InputError: a file is damaged. StoreError: a file cannot be removed.
    """
    finish(files)
    with files.guard(exclusive=True):  # what is being committed at the moment does not look torn then
        removed = _remove_uncommitted(files)
    remove_duplicates(files)
    return removed + _drop_finished_checkpoints(files)


def tables(files: Files) -> set[str]:
    """Return the names of the tables that are there, those of users' own probes among them."""
    return {entry.name for entry in files.entries() if not (entry.is_file or entry.name.startswith(("_", ".")))}


def _remove_uncommitted(files: Files) -> list[str]:
    """Remove what was staged and what was not committed.

    Set aside is what no batch is called, and batches that lack nothing but their file in `trials/`: were that folder
    lost, all would look like this.
    """
    committed, failed = listed(files, "trials").keys(), listed(files, "failures").keys()
    manifests = {entry.name.removesuffix(".json") for entry in files.entries(COMMITS)}
    torn, aside = [f"{STAGING}/{entry.name}" for entry in files.entries(STAGING)], list[tuple[str, str]]()
    for table in sorted(tables(files) - {"trials", "failures"}):
        for batch in sorted(listed(files, table).keys() - committed):
            name = file_name(table, batch)
            if batch in manifests:  # cut off just before the last file, or that file was lost later
                aside.append((name, UNCOMMITTED))
            elif BATCH.fullmatch(batch):
                torn.append(name)
            elif table in METRIC_TABLES:
                aside.append((name, FOREIGN))
    aside += [(manifest_name(batch), UNCOMMITTED) for batch in sorted(manifests - committed - failed)]
    files.delete(torn)
    for name, folder in aside:
        set_aside(files, name, folder)
    return torn + [name for name, _ in aside]


def set_aside(files: Files, name: str, folder: str) -> str:
    """Move a file to where readers do not see it, and no other file is; return its new name."""
    to = f"{folder}/{name}"
    while files.exists(to):
        to += "~"
    files.move(name, to)
    return to


def _drop_finished_checkpoints(files: Files) -> list[str]:
    saved = checkpoints.keys(files)
    done = sorted(saved & {key for keys in trial_keys(files).values() for key in keys}) if saved else []
    checkpoints.drop(files, done)
    return [f"{checkpoints.CHECKPOINTS}/{key}" for key in done]
