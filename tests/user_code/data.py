"""Datasets that a user might name in a sweep file, good and bad."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

SIZES = {"train": 6, "test": 4}


def images(channels: int = 2, as_tensors: bool = False) -> tuple[Any, ...]:
    """Bytes of (channels, 3, 5), in three classes, read-only as from a memory map."""
    rng, parts = np.random.default_rng(0), list[Any]()
    for count in SIZES.values():
        x = rng.integers(0, 256, (count, channels, 3, 5), dtype=np.uint8)
        y = np.arange(count) % 3
        for array in (x, y):
            array.setflags(write=as_tensors)
            parts.append(torch.from_numpy(array) if as_tensors else array)
    return tuple(parts)


def vectors(**replaced: Any) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    parts = {f"{part}_{kind}": None for part in SIZES for kind in "xy"}
    for part, count in SIZES.items():
        parts[f"{part}_x"] = rng.normal(1e-9, 1e-9, (count, 4))
        parts[f"{part}_y"] = np.arange(count) % 2
    return {**parts, **replaced}


def features() -> list[Any]:
    """Vectors of tiny numbers in float64, one of them constant."""
    parts = vectors()
    for part in SIZES:
        parts[f"{part}_x"][:, 2] = 0.1
    return list(parts.values())


def far_from_zero(far: float) -> tuple[Any, ...]:
    """Vectors in float64 around a number beside which float32 has none of their digits."""
    x, y = np.random.default_rng(2).normal(size=(64, 5)) + far, np.arange(64) % 2
    return x, y, x[:32], y[:32]


def mixed() -> tuple[Any, ...]:
    """Bytes to train on, the same numbers in float64 to test on."""
    x, y, _, _ = images()
    return x, y, x.astype(np.float64), y


def sparse() -> tuple[Any, ...]:
    """Labels that leave classes out."""
    return tuple(vectors(train_y=np.array([0, 3, 5, 0, 3, 5]), test_y=np.array([0, 3, 5, 0])).values())


BROKEN: dict[str, dict[str, Any]] = {
    "greyscale": {"train_x": np.zeros((6, 8, 8))},
    "empty": {"test_x": np.zeros((0, 4))},
    "text": {"train_x": np.full((6, 4), "a")},
    "ragged": {"train_x": [[1.0, 2.0], [1.0]]},
    "nan": {"train_x": np.full((6, 4), np.nan)},
    "huge": {"train_x": np.full((6, 4), 1e300)},
    "one_hot": {"train_y": np.eye(6, dtype=int)},
    "real_labels": {"train_y": np.arange(6) / 2},
    "negative": {"train_y": np.arange(6) - 1},
    "too_many": {"train_y": np.arange(6) * 100_000},
    "from_one": {"train_y": np.arange(6) + 1, "test_y": np.arange(4) + 1},
    "longer": {"train_y": np.arange(7)},
    "wider": {"test_x": np.zeros((4, 5))},
    "one_class": {"train_y": np.zeros(6, int), "test_y": np.zeros(4, int)},
}


def broken(how: str) -> tuple[Any, ...]:
    return tuple(vectors(**BROKEN[how]).values())


def three() -> tuple[int, ...]:
    return 1, 2, 3


def nothing() -> None:
    return None


def failing(path: str) -> None:
    with open(path):
        pass


NO_CALLABLE = 3
