"""A results directory as a user names it: its store, or what is likely to be meant where there is none."""

from __future__ import annotations

import os
from pathlib import Path

from bnsweep.errors import InputError, closest
from bnsweep.results.store import Store

DEFAULT = Path("results")
"""Where runs put their directories unless told otherwise."""


def existing_store(location: str | os.PathLike[str]) -> Store:
    """Return the store in a directory.

    Raises:
        InputError: there is no such directory; the message names the one that is likely to be meant.
    """
    store = Store.open(location)
    if not store.is_there():
        raise InputError(f"{os.fspath(location)}: no such directory; {which_directory(location)}")
    return store


def which_directory(location: str | os.PathLike[str], otherwise: str = "give the --out of a `bnsweep run`") -> str:
    """Return in words which directory to give in the place of one without results; `otherwise` where none is likely."""
    place = Path(location)
    folders = dict.fromkeys((DEFAULT, place.parent))
    there = [path.parent for folder in folders for path in sorted(folder.glob("*/trials"))]
    others = [os.fspath(path) for path in there if path.resolve() != place.resolve()]
    same = [path for path in others if Path(path).name in (place.name, place.stem)]
    near = same[0] if same else None if place.exists() else closest(os.fspath(place), others)
    return f"did you mean '{near}'?" if near else otherwise
