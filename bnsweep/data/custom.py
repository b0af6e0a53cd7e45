"""Data of the user's own: returned by their callable, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bnsweep.data.arrays import PARTS, GivenArrays
from bnsweep.data.content import of_arrays
from bnsweep.data.dataset import Dataset
from bnsweep.errors import InputError
from bnsweep.plugins import load_callable, require_signature, user_code
from bnsweep.spec import CustomDatasetSpec

KEY = "dataset.name"


def load_custom(spec: CustomDatasetSpec) -> Dataset:
    """Return what `callable(**options)` returns: `(train_x, train_y, test_x, test_y)`, numpy arrays or tensors.

    What these should be, `GivenArrays` says. The callable should return the same at every call: a trial's key holds its
    name and options and nothing of what it returns. The sha256 of what it returned is stored with each trial.

    Raises:
        InputError: there is no such callable, it does not take these options or fails, or what it returns is no data
            to learn from.
    """
    build = load_dataset_function(spec)
    with user_code(spec.name, KEY, "when called", Exception):
        given = build(**spec.options)
    if not (isinstance(given, tuple | list) and len(given) == len(PARTS)):
        count = f" of {len(given)}" if isinstance(given, tuple | list) else ""
        raise _refusal(spec, f" returned a {type(given).__name__}{count}; it should return ({', '.join(PARTS)})")
    arrays = {part: _array(spec, part, value) for part, value in zip(PARTS, given, strict=True)}
    train, test = GivenArrays(arrays, f"{KEY}: {spec.name}").labelled()
    return Dataset.from_arrays(train, test, sha256=of_arrays(arrays.values()))


def load_dataset_function(spec: CustomDatasetSpec) -> Callable[..., Any]:
    """Return the callable.

    Raises:
        InputError: there is none, or it does not take the options.
    """
    build = load_callable(spec.name, KEY)
    require_signature(spec.name, KEY, build, spec.options)
    return build


def _refusal(spec: CustomDatasetSpec, reason: str) -> InputError:
    return InputError(f"{KEY}: {spec.name}{reason}")


def _array(spec: CustomDatasetSpec, part: str, given: Any) -> NDArray[Any]:
    """Return a copy, since what the user holds may be read-only, or change."""
    try:
        return np.array(given.detach().cpu().numpy() if isinstance(given, Tensor) else given, order="C")
    except (TypeError, ValueError, RuntimeError) as error:
        kind = type(given).__name__
        raise _refusal(spec, f": {part} is a {kind} ({error}); it should be a numpy array or a tensor") from error
