"""The function that a sweep file names as its trials' loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bnsweep.errors import InputError
from bnsweep.plugins import load_callable, require_signature
from bnsweep.trial_function import MARK

KEY = "trial.name"
"""Where a sweep file names it."""


def load_trial_function(name: str) -> Callable[[Any, Any], Any]:
    """Return the function that `name` names.

    Raises:
        InputError: it cannot be loaded, is not decorated, or does not take (config, ctx).
    """
    found = load_callable(name, KEY)
    if not getattr(found, MARK, False):
        raise InputError(f"{KEY}: {name} is no trial; decorate it with @bnsweep.trial")
    require_signature(name, KEY, found, {"config": None, "ctx": None})
    return found
