"""A sweep that is put together in Python as the text of its file: both are read in one way, and the text is kept."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from bnsweep.errors import InputError
from bnsweep.spec.axes import check_count
from bnsweep.spec.error_messages import shown


def to_yaml(given: Mapping[str, Any]) -> str:
    """Return a mapping as YAML, its keys in their order.

    >>> print(to_yaml({"name": "a", "axes": {"lr": np.array([0.1, 1.0]), "seed": range(2)}}))
    name: a
    axes:
      lr: [0.1, 1.0]
      seed: [0, 1]
    <BLANKLINE>

    Raises:
        InputError: a value that a sweep file cannot hold, by its key.
    """
    yaml, out = YAML(), io.StringIO()
    yaml.default_flow_style = None  # lists of numbers on a line
    yaml.width = 1_000_000
    try:
        yaml.dump(_plain(given, ""), out)
    except RecursionError as error:
        raise InputError("sweep: nested too deeply, or within itself; a sweep file has a few levels") from error
    return out.getvalue()


def _plain(value: Any, key: str) -> Any:
    """Return a value as a sweep file would hold it."""
    if isinstance(value, np.longdouble):
        value = float(value)
    if hasattr(value, "tolist"):  # NumPy's, pandas', PyTorch's
        return _plain(value.tolist(), key)
    if isinstance(value, Mapping):
        return {str(name): _plain(inner, f"{key}.{name}".lstrip(".")) for name, inner in value.items()}
    if isinstance(value, range):
        check_count(key, len(value))
    if isinstance(value, os.PathLike):
        return _plain(os.fspath(value), key)
    if isinstance(value, list | tuple | range):
        return [_plain(inner, key) for inner in value]
    if value is None or type(value) in (str, bool, int, float):
        return value
    raise InputError(
        f"{key or 'sweep'}: given {shown(value)}; it should be a number, a text, a list, an array or a mapping of these"
    )
