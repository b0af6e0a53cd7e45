"""scikit-learn's bundled digits: real 8x8 images that need no download."""

from __future__ import annotations

import numpy as np

from bnsweep.data.dataset import Dataset
from bnsweep.spec import DigitsSpec

NUM_TRAIN = 1437
"""80 % of the 1,797 images; which, is drawn once and is the same for every seed."""


def load_digits(_spec: DigitsSpec) -> Dataset:
    """Load the images, split into a fixed training and test set."""
    from sklearn import datasets

    bundle = datasets.load_digits()
    order = np.random.default_rng(0).permutation(len(bundle.target))
    images = bundle.images.astype(np.uint8)[order, None]
    labels = bundle.target.astype(np.int64)[order]
    return Dataset.from_arrays((images[:NUM_TRAIN], labels[:NUM_TRAIN]), (images[NUM_TRAIN:], labels[NUM_TRAIN:]))
