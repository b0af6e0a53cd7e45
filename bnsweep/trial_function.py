"""`bnsweep.trial`: marks a function of a user's own module as a training loop that a sweep file may name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[[Any, Any], Mapping[str, Any]])
MARK = "__bnsweep_trial__"
"""The attribute that says so."""


def trial(function: Function) -> Function:
    """Decorate a function `(config, ctx)` that trains one trial and returns its last numbers by name.

    Args:
        function: called with a `bnsweep.training.own.Config` and a `bnsweep.training.own.Context`.
    """
    setattr(function, MARK, True)
    return function
