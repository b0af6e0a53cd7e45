"""How data sets travel to workers."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import ray
import torch

from bnsweep.data import Dataset


def share_datasets() -> None:
    """Make data sets travel as arrays: Ray keeps one copy on each node, which all its workers map."""
    ray.util.register_serializer(Dataset, serializer=_to_arrays, deserializer=_from_arrays)


def _to_arrays(data: Dataset) -> dict[str, Any]:
    fields = {field.name: getattr(data, field.name) for field in dataclasses.fields(data)}
    return {name: value.numpy() if isinstance(value, torch.Tensor) else value for name, value in fields.items()}


def _from_arrays(arrays: dict[str, Any]) -> Dataset:
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # the arrays are read-only, and so is data
        tensors = {name: torch.from_numpy(value) for name, value in arrays.items() if isinstance(value, np.ndarray)}
    return Dataset(**{**arrays, **tensors})
