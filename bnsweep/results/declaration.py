"""`_sweep.json`: which trials the sweep declares that was last run into a directory; sealed by a digest of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bnsweep.errors import InputError, StoreError
from bnsweep.results.keys import Keys, to_texts
from bnsweep.results.locations import Files

DECLARED = "_sweep.json"


def write_declaration(
    files: Files,
    name: str,
    trial_keys: Keys | Iterable[str],
    sweep_file: str,
    search: Mapping[str, Any] | None = None,
) -> None:
    """Remember which trials a sweep declares; of one that searches, those that it asked for, and how far it is."""
    keys = to_texts(trial_keys) if isinstance(trial_keys, np.ndarray) else list(trial_keys)
    searched = {} if search is None else {"search": dict(search)}
    files.put(DECLARED, seal({"name": name, "trial_keys": keys, "sweep_file": sweep_file, **searched}))


def read_declaration(files: Files) -> dict[str, Any] | None:
    """Return name, trial_keys, sweep_file and, of a sweep that searches, search; None where no sweep ever ran.

    What `search` holds: its name, num_rounds, end (why it is over; null where it is not), common_lrs (the learning
    rates that it gives to all modes; null where it adds none to them).

    Raises:
        InputError: it is damaged.
    """
    path = files.path(DECLARED)
    try:
        content = files.read(DECLARED)
        return None if content is None else unseal(content)
    except StoreError as error:
        if not isinstance(error.__cause__, IsADirectoryError):
            raise
        raise InputError(f"{path}: a directory; it should be a file, which `bnsweep run` writes") from error
    except ValueError as error:
        raise InputError(f"{path}: damaged ({error}); run the sweep again to write it anew") from error


def seal(value: Mapping[str, Any]) -> bytes:
    """Return `value` as JSON whose last entry is a digest of all before it; `unseal` reads it back.

    >>> unseal(seal({"name": "mini"}))
    {'name': 'mini'}
    """
    return _closed(json.dumps(value, indent=1).encode().removesuffix(b"\n}"))


def unseal(content: bytes) -> dict[str, Any]:
    """Return what was sealed.

    Raises:
        ValueError: a byte differs from what `seal` wrote.
    """
    if content != _closed(content[: -len(_closed(b""))]):
        raise ValueError("it differs from what was written")
    value: dict[str, Any] = json.loads(content)
    del value["check"]
    return value


def _closed(body: bytes) -> bytes:
    return body + f',\n "check": "{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode()
