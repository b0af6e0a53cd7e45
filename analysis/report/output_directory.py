"""Where a report goes: a directory that holds nothing else, and that is replaced whole."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bnsweep.errors import InputError, StoreError
from bnsweep.results import Store

PAGE = "index.html"
FINAL_PAGE = "_index_without_refresh.html"
"""The page as it is when nobody watches, kept beside one that reloads itself."""
OWN_NAMES = {PAGE, FINAL_PAGE, "figures"}


def output_directory(directory: str | os.PathLike[str], out: str | os.PathLike[str] | None) -> Path:
    """Return the directory that a report on `directory` belongs in: `out`, or `directory`/report.

    Raises:
        InputError: `directory` is remote and there is no `out`, or `out` holds other things than a report.
    """
    store = Store.open(directory)
    if out is None and not store.is_local:
        raise InputError(
            f"report: {os.fspath(directory)} is not on this machine; say where to write with --out DIRECTORY"
        )
    if out is not None and "://" in os.fspath(out):
        raise InputError(f"report: --out {os.fspath(out)}: a report is written to this machine; give a path")
    target = Path(store.root, "report") if out is None else Path(out).expanduser().absolute()
    _check(target)
    return target


def _check(target: Path) -> None:
    try:
        os.fspath(target).encode()
        others = sorted(path.name for path in target.iterdir() if path.name not in OWN_NAMES)
    except FileNotFoundError:
        return
    except UnicodeEncodeError as error:
        raise InputError(f"report: --out {str(target)!r}: a name that is not UTF-8; give another --out") from error
    except NotADirectoryError as error:
        raise InputError(f"report: {target} is not a directory; give a new one") from error
    except OSError as error:
        raise InputError(f"report: --out {target}: {error.strerror}; give another one") from error
    if others:
        raise InputError(f"report: {target} holds other things ({', '.join(others[:3])}); give a new directory")


@contextmanager
def replaced_whole(target: Path) -> Iterator[Path]:
    """Yield a new directory beside `target` that takes its place once the block is through, and goes if it fails.

    Raises:
        InputError: there can be no such directory. StoreError: the disk is full, or fails; `target` is as it was.
    """
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
    except OSError as error:
        kept = "the older report is kept; " if old.exists() or target.exists() else ""
        raise StoreError(
            f"report: {target} cannot be written ({error.strerror or error}); {kept}make room there and run the "
            "command again, or give another --out"
        ) from error
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
