"""Committing a batch: all its files become visible, or none does."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import pyarrow as pa

from bnsweep.errors import StoreError, Superseded
from bnsweep.results import fence
from bnsweep.results.files import Files
from bnsweep.results.local import LocalFiles
from bnsweep.results.manifest import encode, file_name


def publish(files: Files, batch: str, tables: Mapping[str, pa.Table], last: str, token: str | None) -> None:
    """Make the files of a batch visible: the manifest after the others, and that of table `last` as the last of all.

    A batch that is there already is left as it is. Where it cannot be completed, what was made visible is removed.

    Raises:
        Superseded: `token` does not count any more. StoreError: a file cannot be written.
    """
    encoded = encode(batch, tables.items())
    final, manifest = file_name(last, batch), encoded.manifest.name
    metrics = [name for name in encoded.contents if name != final]
    with (
        files.staged({**encoded.contents, manifest: encoded.manifest.encode()}) as put,
        files.guard(exclusive=False),
    ):
        fence.check(files, token)
        if files.exists(final):
            return
        has_reached_final = False
        try:
            put(metrics)
            put([manifest])
            fence.check(files, token)
            has_reached_final = True
            put([final])
        except Superseded:  # files of these names may be the new run's by now
            raise
        except BaseException:
            if not (has_reached_final and _may_be_there(files, final)):
                with suppress(StoreError):
                    files.delete([*metrics, manifest])
            raise


def _may_be_there(files: Files, name: str) -> bool:
    """Return whether a file may have become visible although writing it failed: nobody knows of an unanswered PUT."""
    return not isinstance(files, LocalFiles) or files.exists(name)
