"""CIFAR-10 as its authors publish it (Krizhevsky 2009), read by torchvision from the unpacked archive."""

from __future__ import annotations

import os

import numpy as np

from bnsweep.data.content import of_arrays
from bnsweep.data.dataset import Dataset, Labelled
from bnsweep.errors import InputError
from bnsweep.spec import Cifar10Spec

FOLDER = "cifar-10-batches-py"
ARCHIVE = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"


def load_cifar10(spec: Cifar10Spec) -> Dataset:
    """Load the 50,000 images to train on and the 10,000 to test on, (3, 32, 32), from `root`/cifar-10-batches-py.

    Nothing is downloaded. Files whose checksum is not the published one are refused before they are opened.

    Raises:
        InputError: the folder is not there, or not as published; the message says what to download and where to put it.
    """
    root = os.path.expanduser(spec.root)
    if not os.path.isdir(os.path.join(root, FOLDER)):
        raise InputError(
            f"dataset.root: {spec.root} holds no folder {FOLDER}; give the folder that holds it, or download {ARCHIVE} "
            "and unpack it there; {name: parquet, train: FILE, test: FILE} reads the copy on Hugging Face"
        )
    train, test = _load(root, train=True), _load(root, train=False)
    return Dataset.from_arrays(train, test, num_classes=10, sha256=of_arrays([*train, *test]))


def _load(root: str, train: bool) -> Labelled:
    from torchvision.datasets import CIFAR10

    try:
        images = CIFAR10(root, train=train, download=False)
    except (RuntimeError, OSError) as error:  # torchvision's own message advises what is not to be had here
        raise InputError(
            f"dataset.root: {os.path.join(root, FOLDER)} lacks a file or has one whose MD5 is not the published one; "
            f"download {ARCHIVE} and unpack it in {root} again"
        ) from error
    return np.ascontiguousarray(images.data.transpose(0, 3, 1, 2)), np.array(images.targets, np.int64)
