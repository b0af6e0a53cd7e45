"""Code of the user's own, named in a sweep file as `package.module:callable`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from bnsweep.errors import InputError


def load_callable(name: str, key: str) -> Callable[..., Any]:
    """Return what `name` names; modules beside the current directory are found, as with `python -m`.

    Raises:
        InputError: it cannot be imported, is not there, or cannot be called; `key` is where the sweep file names it.
    """
    module, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{key}: {name} cannot be loaded ({error}); give package.module:callable") from error
    if not callable(found):
        raise InputError(f"{key}: {name} is a {type(found).__name__}; it should be callable")
    return found  # type: ignore[no-any-return]  # callable, as just checked
