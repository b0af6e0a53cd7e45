"""Which `analysis` is imported: the package beside `bnsweep`, not a user's `analysis.py` in the working directory."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from bnsweep.errors import InputError

NAME = "analysis"
ROOT = Path(__file__).parents[2]


def import_own_analysis() -> None:
    """Import the package `analysis` that lies beside `bnsweep`, so that later imports of that name find it.

    `python -m bnsweep` and notebooks search the working directory first, and `analysis` is a name that users give to
    scripts.

    Raises:
        InputError: such a script was imported before.
    """
    spec = PathFinder.find_spec(NAME, [str(ROOT)])
    assert spec is not None
    assert spec.loader is not None
    imported = sys.modules.get(NAME)
    if imported is not None and imported.__file__ == spec.origin:
        return
    if imported is not None:
        raise InputError(
            f"analysis: {imported.__file__} was imported under the name of the package that comes with bnsweep; give "
            "it another name, or import bnsweep's first"
        )
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)
