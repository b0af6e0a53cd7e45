"""Members side by side in one tensor."""

from __future__ import annotations

from torch import Tensor


def by_member(x: Tensor, dim: int, members: int) -> Tensor:
    """Return a view of x with a dimension of K n as two, (K, n)."""
    view: Tensor = x.unflatten(dim, (members, -1))  # type: ignore[no-untyped-call]  # torch's own
    return view
