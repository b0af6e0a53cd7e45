"""Data of the user's own: returned by their callable, checked before anything is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bnsweep.data.dataset import MAX_CLASSES, Dataset, Labelled, Samples
from bnsweep.errors import InputError
from bnsweep.plugins import load_callable, require_signature, user_code
from bnsweep.spec import CustomDatasetSpec

KEY = "dataset.name"
RETURNED = ("train_x", "train_y", "test_x", "test_y")


def load_custom(spec: CustomDatasetSpec) -> Dataset:
    """Return what `callable(**options)` returns: `(train_x, train_y, test_x, test_y)`, numpy arrays or tensors.

    x is (N, C, H, W), or (N, D) for vectors of D features, which become (N, D, 1, 1). uint8 stays as it is, any other
    number becomes float32; trials standardize each channel by its mean and standard deviation over `train_x`. y is
    (N,), integers from 0. The callable should return the same at every call: a trial's key holds its name and options
    and nothing of what it returns.

    Raises:
        InputError: there is no such callable, it does not take these options or fails, or what it returns is no data
            to learn classes from.
    """
    build = load_callable(spec.name, KEY)
    require_signature(spec.name, KEY, build, spec.options)
    with user_code(spec.name, KEY, "when called", Exception):
        given = build(**spec.options)
    if not (isinstance(given, tuple | list) and len(given) == len(RETURNED)):
        count = f" of {len(given)}" if isinstance(given, tuple | list) else ""
        raise _refusal(spec, f" returned a {type(given).__name__}{count}; it should return ({', '.join(RETURNED)})")
    arrays = {part: _array(spec, part, value) for part, value in zip(RETURNED, given, strict=True)}
    train, test = _labelled(spec, arrays, "train"), _labelled(spec, arrays, "test")
    _require_one_task(spec, train, test)
    return Dataset.from_arrays(train, test)


def _refusal(spec: CustomDatasetSpec, reason: str) -> InputError:
    return InputError(f"{KEY}: {spec.name}{reason}")


def _array(spec: CustomDatasetSpec, part: str, given: Any) -> NDArray[Any]:
    """Return a copy, since what the user holds may be read-only, or change."""
    try:
        return np.array(given.detach().cpu().numpy() if isinstance(given, Tensor) else given, order="C")
    except (TypeError, ValueError, RuntimeError) as error:
        kind = type(given).__name__
        raise _refusal(spec, f": {part} is a {kind} ({error}); it should be a numpy array or a tensor") from error


def _labelled(spec: CustomDatasetSpec, arrays: dict[str, NDArray[Any]], part: str) -> Labelled:
    x, y = _samples(spec, f"{part}_x", arrays[f"{part}_x"]), _labels(spec, f"{part}_y", arrays[f"{part}_y"])
    if len(x) != len(y):
        raise _refusal(spec, f": {part}_x has {len(x)} samples, {part}_y {len(y)} labels; they should be as many")
    return x, y


def _samples(spec: CustomDatasetSpec, part: str, x: NDArray[Any]) -> Samples:
    """Return x with its channels, as bytes or float32."""
    if x.ndim not in (2, 4) or x.size == 0:
        raise _refusal(spec, f": {part} has the shape {x.shape}; it should be (N, C, H, W), or (N, D) for vectors")
    if x.dtype.kind not in "biuf":
        raise _refusal(spec, f": {part} is {x.dtype}; it should be numbers")
    if x.dtype != np.uint8:
        with np.errstate(over="ignore"):
            x = x.astype(np.float32)
    if not np.isfinite(x).all():
        raise _refusal(spec, f": {part} has entries that are no finite float32; replace them or leave them out")
    return x[:, :, None, None] if x.ndim == 2 else x


def _labels(spec: CustomDatasetSpec, part: str, y: NDArray[Any]) -> NDArray[np.int64]:
    if y.ndim != 1 or y.size == 0 or y.dtype.kind not in "iu":
        raise _refusal(spec, f": {part} is {y.dtype} of the shape {y.shape}; it should be integers of the shape (N,)")
    least, most = int(y.min()), int(y.max())
    if least < 0 or most >= MAX_CLASSES:
        wrong = least if least < 0 else most
        raise _refusal(spec, f": {part} has the label {wrong}; labels should be 0 to {MAX_CLASSES - 1}")
    return y.astype(np.int64)


def _require_one_task(spec: CustomDatasetSpec, train: Labelled, test: Labelled) -> None:
    """Raise InputError if samples differ in shape between training and test, or there is one class alone."""
    shapes = train[0].shape[1:], test[0].shape[1:]
    if shapes[0] != shapes[1]:
        raise _refusal(spec, f": samples of train_x are {shapes[0]}, those of test_x {shapes[1]}; they should be alike")
    if max(train[1].max(), test[1].max()) == 0:
        raise _refusal(spec, " has one class; at least two are needed to learn anything")
