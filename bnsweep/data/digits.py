"""scikit-learn's bundled digits: real 8x8 images that need no download."""

from __future__ import annotations

from importlib.metadata import distribution

import numpy as np

from bnsweep.data.dataset import Dataset
from bnsweep.spec import DigitsSpec

NUM_TRAIN = 1437
"""80 % of the 1,797 images; which, is drawn once and is the same for every seed."""


def load_digits(_spec: DigitsSpec) -> Dataset:
    """Load the images, split into a fixed training and test set."""
    rows = np.loadtxt(_file(), delimiter=",", dtype=np.int64)
    order = np.random.default_rng(0).permutation(len(rows))
    images, labels = rows[:, :-1].reshape(-1, 8, 8).astype(np.uint8)[order, None], rows[order, -1]
    return Dataset.from_arrays((images[:NUM_TRAIN], labels[:NUM_TRAIN]), (images[NUM_TRAIN:], labels[NUM_TRAIN:]))


def _file() -> str:
    """Find the images without the second and more that it takes to import scikit-learn, which they come with."""
    return str(distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz"))
