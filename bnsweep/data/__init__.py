"""What trials train and test on: samples and labels, held whole as tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bnsweep.data.cifar10 import load_cifar10
from bnsweep.data.custom import load_custom
from bnsweep.data.dataset import Dataset
from bnsweep.data.digits import load_digits
from bnsweep.data.gaussian import load_gaussian
from bnsweep.data.images import load_images
from bnsweep.data.none import load_none
from bnsweep.data.npz import load_npz
from bnsweep.data.parquet import load_parquet
from bnsweep.data.torchvision import load_torchvision
from bnsweep.spec import CUSTOM, DatasetSpec
from bnsweep.spec.section import NONE, TORCHVISION, variant_tag

DATASETS: dict[str, Callable[[Any], Dataset]] = {
    "digits": load_digits,
    "cifar10": load_cifar10,
    "parquet": load_parquet,
    "npz": load_npz,
    "images": load_images,
    TORCHVISION: load_torchvision,
    "gaussian": load_gaussian,
    CUSTOM: load_custom,
    NONE: load_none,
}
"""Every dataset of the sweep file by name."""


def load_dataset(spec: DatasetSpec) -> Dataset:
    """Load the dataset that `spec` names.

    Raises:
        InputError: a file or column is missing, an image unreadable, or a user's own dataset cannot be used.
    """
    return DATASETS[str(variant_tag(spec))](spec)


__all__ = ["DATASETS", "Dataset", "load_dataset"]
