"""Which `analysis` is imported: the package beside `bnsweep`, not a user's `analysis.py` in the working directory."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import bnsweep

NAME = "analysis"


def import_own_analysis() -> None:
    """Import the package `analysis` that lies beside `bnsweep`, so that later imports of that name find it.

    `python -m bnsweep` searches the working directory first, and `analysis` is a name that users give to scripts.
    """
    spec = PathFinder.find_spec(NAME, [str(Path(bnsweep.__file__).parents[1])])
    assert spec is not None
    assert spec.loader is not None
    imported = sys.modules.get(NAME)
    if imported is not None and imported.__file__ == spec.origin:
        return
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)
