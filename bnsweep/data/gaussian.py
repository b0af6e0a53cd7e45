"""Gaussian data: that of the paper's deep linear networks, as it is or asked as a question of classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnsweep.data.dataset import Dataset, Labelled
from bnsweep.data.memory import require_memory
from bnsweep.errors import InputError
from bnsweep.rng import derive
from bnsweep.spec import GaussianSpec

BYTES_PER_NUMBER = 16
"""As it is drawn, in float64 to be labelled, and standardized."""


def load_gaussian(spec: GaussianSpec) -> Dataset:
    """Draw x with entries from N(0, 1); the target is A x, or the class k for which (A x)_k is largest.

    A, (num_classes, dimension), is drawn from N(0, 1) as well. Real targets are what Santurkar et al. 2018 regress on
    x; classes are the same question with an accuracy. A linear network of any depth can fit either, without error.
    Everything depends on the spec alone; more samples are the same samples and further ones.

    Samples are vectors, (dimension, 1, 1).

    Raises:
        InputError: so many numbers do not fit into memory.
    """
    what = f"{spec.samples} and {spec.test_samples} samples of {spec.dimension} numbers"
    require_memory(BYTES_PER_NUMBER * (spec.samples + spec.test_samples) * spec.dimension, what)
    try:
        teacher = _generator(spec, "teacher").standard_normal((spec.num_classes, spec.dimension))
        train = _labelled(spec, "train", spec.samples, teacher)
        test = _labelled(spec, "test", spec.test_samples, teacher)
    except (MemoryError, ValueError, OverflowError) as error:  # the latter two beyond what an address can hold
        raise InputError(f"dataset: {what} do not fit into memory; give fewer") from error
    return Dataset.from_arrays(train, test, spec.num_classes)


def _labelled(spec: GaussianSpec, part: str, samples: int, teacher: NDArray[np.float64]) -> Labelled:
    x = _generator(spec, part).standard_normal((samples, spec.dimension), dtype=np.float32)
    real = x.astype(np.float64) @ teacher.T
    return x[:, :, None, None], real.astype(np.float32) if spec.targets == "real" else real.argmax(axis=1)


def _generator(spec: GaussianSpec, part: str) -> np.random.Generator:
    return np.random.default_rng(derive(spec.data_seed, f"gaussian_{part}"))
