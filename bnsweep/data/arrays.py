"""Arrays that a user gives: checked before anything is trained on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnsweep.data.dataset import MAX_CLASSES, Labelled, Samples, Targets
from bnsweep.data.labels import require_from_zero
from bnsweep.errors import InputError

PARTS = ("train_x", "train_y", "test_x", "test_y")
"""What the arrays are called."""
COLOURS = (1, 3, 4)
"""Channels of an image in bytes."""


@dataclass(frozen=True)
class GivenArrays:
    """The four arrays of a data set.

    x is (N, C, H, W), or (N, D) for vectors of D features, which become (N, D, 1, 1): numbers of any type. y is (N,),
    integers from 0, or (N, K), real numbers, as targets of a regression.

    Args:
        arrays: by their names, `PARTS`.
        source: what messages begin with: the key of the sweep file, and where the arrays are from.
    """

    arrays: Mapping[str, NDArray[Any]]
    source: str

    def labelled(self) -> tuple[Labelled, Labelled]:
        """Return samples and targets to train and to test on.

        Raises:
            InputError: they are no data to learn from.
        """
        train, test = self._labelled("train"), self._labelled("test")
        self._require_one_task(train, test)
        kind = np.result_type(train[0], test[0])
        return (train[0].astype(kind, copy=False), train[1]), (test[0].astype(kind, copy=False), test[1])

    def _refusal(self, reason: str) -> InputError:
        return InputError(f"{self.source}{reason}")

    def _labelled(self, part: str) -> Labelled:
        x, y = self._samples(f"{part}_x"), self._targets(f"{part}_y")
        if len(x) != len(y):
            what = "targets" if y.ndim == 2 else "labels"
            raise self._refusal(f": {part}_x has {len(x)} samples, {part}_y {len(y)} {what}; they should be as many")
        return x, y

    def _samples(self, part: str) -> Samples:
        """Return x with its channels."""
        x = self.arrays[part]
        if x.ndim not in (2, 4) or x.size == 0:
            raise self._refusal(
                f": {part} has the shape {x.shape}; it should be (N, C, H, W), or (N, D) for vectors of D features"
            )
        if x.dtype.kind not in "biuf":
            raise self._refusal(f": {part} is {x.dtype}; it should be numbers")
        if x.dtype == np.uint8 and x.ndim == 4 and x.shape[3] in COLOURS and x.shape[1] > max(COLOURS):
            raise self._refusal(
                f": {part} has the shape {x.shape}, which is (N, H, W, C) of images; it should be (N, C, H, W): "
                "x.transpose(0, 3, 1, 2)"
            )
        if x.dtype.kind == "f":
            self._require_finite(part)
        return x[:, :, None, None] if x.ndim == 2 else x

    def _require_finite(self, part: str) -> None:
        with np.errstate(over="ignore"):
            is_held = np.isfinite(self.arrays[part].astype(np.float32)).all()
        if not is_held:
            raise self._refusal(f": {part} has entries that are no finite float32; replace them or leave them out")

    def _targets(self, part: str) -> Targets:
        y = self.arrays[part]
        if y.ndim == 2 and y.size and y.dtype.kind == "f":
            self._require_finite(part)
            return y.astype(np.float32)
        if y.ndim != 1 or y.size == 0 or y.dtype.kind not in "iu":
            raise self._refusal(
                f": {part} is {y.dtype} of the shape {y.shape}; it should be integers of the shape (N,), "
                "or for a regression floating-point numbers of the shape (N, K)"
            )
        least, most = int(y.min()), int(y.max())
        if least < 0 or most >= MAX_CLASSES:
            wrong = least if least < 0 else most
            raise self._refusal(f": {part} has the label {wrong}; labels should be 0 to {MAX_CLASSES - 1}")
        return y.astype(np.int64)

    def _require_one_task(self, train: Labelled, test: Labelled) -> None:
        """Raise InputError if samples or targets differ in shape between training and test, or are no classes."""
        shapes = train[0].shape[1:], test[0].shape[1:]
        if shapes[0] != shapes[1]:
            raise self._refusal(
                f": samples of train_x are {shapes[0]}, those of test_x {shapes[1]}; they should be alike"
            )
        if (train[1].shape[1:], train[1].dtype) != (test[1].shape[1:], test[1].dtype):
            kinds = (f"{y.dtype} of the shape {y.shape}" for y in (train[1], test[1]))
            raise self._refusal(f": train_y and test_y are {' and '.join(kinds)}; they should be alike")
        if train[1].ndim == 1 and max(train[1].max(), test[1].max()) == 0:
            raise self._refusal(" has one class; at least two are needed to learn anything")
        if train[1].ndim == 1:
            require_from_zero(train[1], test[1], self.source)
