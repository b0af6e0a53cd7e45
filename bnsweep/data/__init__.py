"""Image sets, held whole as tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bnsweep.data.dataset import Dataset
from bnsweep.data.digits import load_digits
from bnsweep.data.parquet import load_parquet
from bnsweep.spec import DatasetSpec

DATASETS: dict[str, Callable[[Any], Dataset]] = {"digits": load_digits, "parquet": load_parquet}
"""Every dataset of the sweep file by name."""


def load_dataset(spec: DatasetSpec) -> Dataset:
    """Load the dataset that `spec` names.

    Raises:
        InputError: a file or column is missing, or an image unreadable.
    """
    return DATASETS[spec.name](spec)


__all__ = ["DATASETS", "Dataset", "load_dataset"]
