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
from bnsweep.results.existing import existing_store

PAGE = "index.html"
FINAL_PAGE = "_index_without_refresh.html"
"""The page as it is when nobody watches, kept beside one that reloads itself."""
OWN_NAMES = {PAGE, FINAL_PAGE, "figures"}


def report_directory(directory: str | os.PathLike[str], out: str | os.PathLike[str] | None) -> Path:
    """Return the directory that a report on `directory` belongs in: `out`, or `directory`/report.

    Raises:
        InputError: there is no `out`, and `directory` is remote or not there; or what `output_directory` raises.
    """
    if out is not None:
        return output_directory(out)
    if not Store.open(directory).is_local:
        raise InputError(f"{os.fspath(directory)} is not on this machine; say where to write with --out DIRECTORY")
    return output_directory(os.path.join(existing_store(directory).root, "report"))


def output_directory(out: str | os.PathLike[str]) -> Path:
    """Return `out` as an absolute path.

    Raises:
        InputError: it is not on this machine, holds other things than a report, or is no directory.
    """
    if "://" in os.fspath(out):
        raise InputError(f"--out {os.fspath(out)}: a report is written to this machine; give a path")
    target = Path(out).expanduser().absolute()
    try:
        os.fspath(target).encode()
        others = sorted(path.name for path in target.iterdir() if path.name not in OWN_NAMES)
    except FileNotFoundError:
        return target
    except UnicodeEncodeError as error:
        shown = os.fspath(target).encode(errors="backslashreplace").decode()
        raise InputError(f"{shown}: the name is not UTF-8; give --out another one") from error
    except NotADirectoryError as error:
        raise InputError(f"{target} is not a directory; give --out a new one") from error
    except OSError as error:
        raise InputError(f"{target}: {error.strerror}; give --out another directory") from error
    if others:
        raise InputError(f"{target} holds other things ({', '.join(others[:3])}); give --out a new directory")
    return target


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
        raise InputError(f"{target} cannot be written ({error.strerror}); give --out another directory") from error
    try:
        yield staging
        if target.exists():
            target.rename(old)
        staging.rename(target)
    except OSError as error:
        kept = "what was there is kept; " if old.exists() or target.exists() else ""
        raise StoreError(
            f"{target} cannot be written ({error.strerror or error}); {kept}make room there and run the command "
            "again, or give --out another directory"
        ) from error
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
