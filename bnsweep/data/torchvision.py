"""torchvision's data sets of images and classes, by their names there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from bnsweep.data.content import of_arrays
from bnsweep.data.dataset import Dataset
from bnsweep.data.pixels import Pixels, pixels
from bnsweep.data.sampling import Rows, sampled
from bnsweep.data.stacking import alike, stack
from bnsweep.errors import InputError
from bnsweep.spec import TorchvisionDatasetSpec
from bnsweep.spec.section import TORCHVISION_PREFIX

BY_FLAG: tuple[dict[str, Any], dict[str, Any]] = {"train": True}, {"train": False}
BY_SPLIT: tuple[dict[str, Any], dict[str, Any]] = {"split": "train"}, {"split": "test"}
TRAINVAL: tuple[dict[str, Any], dict[str, Any]] = {"split": "trainval"}, {"split": "test"}

TORCHVISION_DATASETS = {
    **dict.fromkeys(("MNIST", "FashionMNIST", "KMNIST", "QMNIST", "USPS", "CIFAR10", "CIFAR100"), BY_FLAG),
    **dict.fromkeys(("SVHN", "STL10", "GTSRB", "Flowers102", "DTD", "Food101", "Country211", "RenderedSST2"), BY_SPLIT),
    **dict.fromkeys(("FGVCAircraft", "OxfordIIITPet"), TRAINVAL),
}
"""By name: what makes torchvision's class give the images to train on, and those to test on."""


def load_torchvision(spec: TorchvisionDatasetSpec) -> Dataset:
    """Load the images and classes that torchvision finds in `root`, or downloads to it where `download` says so.

    Images are of one size, or get it by `size` (`pixels` says how); grey ones come as three equal channels.
    `train_limit` and `test_limit` take a stratified sample of them (`sampled`).

    Raises:
        InputError: they are not there and cannot be downloaded, are damaged, differ in size or do not fit into memory.
    """
    train, test = (_open(spec, options) for options in TORCHVISION_DATASETS[_name(spec)])
    train_y, test_y = _labels(train), _labels(test)
    train_rows = sampled(train_y, spec.train_limit, spec.sample_seed, "train")
    test_rows = sampled(test_y, spec.test_limit, spec.sample_seed, "test")
    where = f"{spec.name}, to train on", f"{spec.name}, to test on"
    train_x = stack(_images(train, train_rows, where[0], spec.size), len(train_rows), where[0])
    test_x = stack(_images(test, test_rows, where[1], spec.size), len(test_rows), where[1], beside=train_x.nbytes)
    train_x, test_x = alike(train_x, test_x, where)
    num_classes = int(max(train_y.max(), test_y.max())) + 1
    taken = (train_x, train_y[train_rows]), (test_x, test_y[test_rows])
    return Dataset.from_arrays(*taken, num_classes, of_arrays([array for part in taken for array in part]))


def _name(spec: TorchvisionDatasetSpec) -> str:
    return spec.name.removeprefix(TORCHVISION_PREFIX)


def _open(spec: TorchvisionDatasetSpec, options: dict[str, Any]) -> Any:
    from torchvision import datasets  # slow to load

    try:
        return getattr(datasets, _name(spec))(os.path.expanduser(spec.root), download=spec.download, **options)
    except Exception as error:  # of whatever kind: each class has errors of its own
        reason = (" ".join(str(error).split()) or type(error).__name__).split(" You can use download")[0]
        what = "cannot be downloaded to" if spec.download else "cannot be read from"
        advice = "put its files there" if spec.download else "download: true fetches it where there is internet"
        raise InputError(f"dataset.root: {spec.name} {what} {spec.root} ({reason}); {advice}") from error


def _labels(data: Any) -> Rows:
    """Return the class of each image, (N,): kept beside the images by most of torchvision's classes."""
    for name in ("targets", "labels", "_labels"):
        if hasattr(data, name) and (labels := np.asarray(getattr(data, name))).ndim == 1:
            return labels.astype(np.int64)
    return np.array([label for _, label in data], np.int64)


def _images(data: Any, rows: Rows, where: str, size: int | None) -> Iterator[tuple[str, Pixels]]:
    for row in rows.tolist():
        image = f"image {row} of {where}"
        yield image, pixels(data[row][0], image, size)
