"""Members side by side: what K trials that train as one have in one tensor; K = 1 of a trial alone.

Shapes: a joined tensor is (K n, ...), the members' n rows one behind the other; what is taken of each is (K,).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from bnsweep.probes.in_force import as_real


def by_member(x: Tensor, dim: int, members: int) -> Tensor:
    """Return a view of x with a dimension of K n as two, (K, n)."""
    view: Tensor = x.unflatten(dim, (members, -1))  # type: ignore[no-untyped-call]  # torch's own
    return view


def of_each(tensor: Tensor, members: int) -> Tensor:
    """Return a view (K, n, ...) of a joined tensor; (1, 1) of a number, which only one alone has."""
    return by_member(tensor if tensor.ndim else tensor.view(1), 0, members)


def on_device(numbers: Sequence[Any], device: torch.device) -> Tensor:
    """Return the numbers, float64, without waiting for what the device has to do before."""
    return torch.tensor(numbers, dtype=torch.float64).to(device, non_blocking=True)


def columns(numbers: Tensor, like: Tensor) -> Tensor:
    """Return numbers (..., K) as (..., K, 1, ...), to multiply by them what `of_each` returned, in float32 at least."""
    as_it_is = numbers.to(torch.promote_types(like.real.dtype, torch.float32))
    return as_it_is.reshape(*numbers.shape, *([1] * (like.ndim - 1)))


def rows_of_each(tensor: Tensor, members: int) -> Tensor:
    """Return a member's entries in a row, (K, n); a complex one counts as two, its real and its imaginary part."""
    return of_each(as_real(tensor), members).flatten(1)


def flat(tensors: Iterable[Tensor], members: int) -> Tensor:
    """Return all entries of all tensors of each member, (K, P)."""
    return torch.cat([rows_of_each(tensor, members) for tensor in tensors], 1)


def norms(tensor: Tensor, members: int) -> Tensor:
    """Return the l2 norm of each member's part, (K,), float64, in which no square overflows."""
    parts = of_each(as_real(tensor), members)
    length: Tensor = torch.linalg.vector_norm(parts, dim=tuple(range(1, parts.ndim)), dtype=torch.float64)
    return length


def joint_norms(tensors: Iterable[Tensor], members: int) -> Tensor:
    """Return the l2 norm of each member's parts of all tensors together, (K,), float64."""
    total: Tensor = torch.linalg.vector_norm(torch.stack([norms(tensor, members) for tensor in tensors], 1), dim=1)
    return total


def dots(one: Tensor, other: Tensor) -> Tensor:
    """Return the product of each row of two matrices (K, P) with its like, (K,).

    Row by row: a batched product of matrices would round otherwise, and take no less for long rows.
    """
    return torch.stack([u.dot(v) for u, v in zip(one.unbind(), other.unbind(), strict=True)])
