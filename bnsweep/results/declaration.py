"""`_sweep.json`: which trials the sweep declares that was last run into a directory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from bnsweep.errors import InputError, StoreError
from bnsweep.results.files import Files
from bnsweep.results.keys import Keys, to_texts
from bnsweep.results.seal import read_sealed, seal

DECLARED = "_sweep.json"


def write_declaration(files: Files, name: str, trial_keys: Keys | Iterable[str], sweep_file: str) -> None:
    """Remember which trials a sweep declares."""
    keys = to_texts(trial_keys) if isinstance(trial_keys, np.ndarray) else list(trial_keys)
    files.put(DECLARED, seal({"name": name, "trial_keys": keys, "sweep_file": sweep_file}))


def read_declaration(files: Files) -> dict[str, Any] | None:
    """Return name, trial_keys and sweep_file; None where no sweep ever ran.

    Raises:
        InputError: it is damaged.
    """
    try:
        return read_sealed(files, DECLARED)
    except StoreError as error:
        if not isinstance(error.__cause__, IsADirectoryError):
            raise
        raise InputError(
            f"{files.path(DECLARED)}: a directory; it should be a file, which `bnsweep run` writes"
        ) from error
    except ValueError as error:
        raise InputError(f"{files.path(DECLARED)}: damaged ({error}); run the sweep again to write it anew") from error
