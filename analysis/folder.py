"""Where a report goes: a folder that holds nothing else, and that is replaced whole."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bnsweep.errors import InputError
from bnsweep.results import Store

OURS = {"index.html", "figures"}


def target_folder(directory: str | os.PathLike[str], out: str | os.PathLike[str] | None) -> Path:
    """Return the folder that a report on `directory` belongs in: `out`, or `directory`/report.

    Raises:
        InputError: `directory` is remote and there is no `out`, or the folder holds other things than a report.
    """
    store = Store.open(directory)
    if out is None and not store.is_local:
        raise InputError(f"report: {os.fspath(directory)} is not on this machine; say where to write with --out FOLDER")
    if out is not None and "://" in os.fspath(out):
        raise InputError(f"report: --out {os.fspath(out)}: a report goes to a folder of this machine; give its path")
    target = Path(store.root, "report") if out is None else Path(out).expanduser().absolute()
    try:
        target.exists()
    except OSError as error:
        raise InputError(f"report: --out {target}: {error.strerror}; give another one") from error
    if target.is_dir():
        others = sorted(path.name for path in target.iterdir() if path.name not in OURS)
        if others:
            raise InputError(f"report: {target} holds other things ({', '.join(others[:3])}); give a new folder")
    elif target.exists():
        raise InputError(f"report: {target} is not a folder; give a new folder")
    return target


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield a new folder beside `target` that takes its place once the block is through, and goes if it fails."""
    token = uuid.uuid4().hex[:8]
    staging, old = (target.with_name(f"_{target.name}-{what}-{token}") for what in ("new", "old"))
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"report: {target} cannot be written ({error.strerror}); give another --out") from error
    try:
        yield staging
        if target.exists():
            target.rename(old)
        staging.rename(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
