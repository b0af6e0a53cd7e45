"""scikit-learn's bundled digits: real 8x8 images that need no download."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

import numpy as np

from bnsweep.data.dataset import Dataset
from bnsweep.spec import DigitsSpec

FILE = "sklearn/datasets/data/digits.csv.gz"
"""Where scikit-learn keeps them. To read it takes 0.02 s; to import scikit-learn, for its `load_digits`, 1.5 to 2 s."""
NUM_TRAIN = 1437
"""80 % of the 1,797 images; which, is drawn once and is the same for every seed."""


def load_digits(_spec: DigitsSpec) -> Dataset:
    """Load the images, split into a fixed training and test set."""
    images, labels = _images_and_labels()
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels = images.astype(np.uint8)[order, None], labels.astype(np.int64)[order]
    return Dataset.from_arrays((images[:NUM_TRAIN], labels[:NUM_TRAIN]), (images[NUM_TRAIN:], labels[NUM_TRAIN:]))


def _images_and_labels() -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, 8, 8) and labels (N,) from scikit-learn's file, or by scikit-learn where it is elsewhere."""
    try:
        rows = np.loadtxt(str(distribution("scikit-learn").locate_file(FILE)), delimiter=",")
    except (OSError, PackageNotFoundError):  # installed in another way, or the file has moved
        from sklearn import datasets

        bundle = datasets.load_digits()
        return bundle.images, bundle.target
    return rows[:, :-1].reshape(-1, 8, 8), rows[:, -1]
