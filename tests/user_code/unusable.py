"""Models, datasets and probes that a user might name in a sweep file, none of which can be used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
from torch import Tensor, nn

from bnsweep.probes import StepContext


def exits(**_: object) -> NoReturn:
    sys.exit(3)


def recurses(**options: object) -> object:
    return recurses(**options)


def runs_out(**_: object) -> NoReturn:
    raise MemoryError


def says_much(**_: object) -> NoReturn:
    raise ValueError("the first line\nthe second line")


def nothing(**_: object) -> None:
    return None


def yields(**_: object) -> Iterator[int]:
    yield 1


class Hollow(nn.Module):
    """Forgets to call `super().__init__()`."""

    def __init__(self, **_: object) -> None:
        pass


def linear(num_classes: int) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))


def wrong_size(input_shape: object, num_classes: int, norm: object) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(63, num_classes)))


def three_classes(input_shape: object, num_classes: int, norm: object) -> nn.Module:
    return linear(3)


def frozen(input_shape: object, num_classes: int, norm: object) -> nn.Module:
    return linear(num_classes).requires_grad_(False)


def in_float64(input_shape: object, num_classes: int, norm: object) -> nn.Module:
    return linear(num_classes).double()


def negative_site(input_shape: object, num_classes: int, norm: Any) -> nn.Module:
    return nn.Sequential(*linear(num_classes), norm(-3, None))


def wrong_site(input_shape: object, num_classes: int, norm: Any) -> nn.Module:
    return nn.Sequential(*linear(num_classes), norm(7, None))


class Detached(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.inner = linear(num_classes)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(x)
        return out.detach()


def detached(input_shape: object, num_classes: int, norm: object) -> nn.Module:
    return Detached(num_classes)


def one_class() -> tuple[Any, ...]:
    return np.zeros((40, 4)), np.zeros(40, int), np.zeros((4, 4)), np.zeros(4, int)


class Probe:
    columns = {"value": pa.float64()}  # noqa: RUF012  # what a user writes

    def __init__(self, table: str) -> None:
        self.table = table

    def __call__(self, _: StepContext) -> NoReturn:
        raise RuntimeError("the probe broke")


def probe(table: str = "mine") -> Probe:
    return Probe(table)


def probe_again() -> Probe:
    return Probe("mine")


CONSTANT = 3
