"""Where full-batch training by an optimizer stops being stable, in terms of the loss's Hessian H."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Stability:
    """The edge of stability of one step's optimizer: on a quadratic, full batches diverge where it is exceeded.

    What it limits is the optimizer's own sharpness, the largest eigenvalue of P^-1 (H + decay I).

    Args:
        limit: the edge; None where none is known.
        decay: the weight decay that the optimizer adds to the gradient.
        preconditioner: P, a diagonal, positive, by the name of the trained parameter; None: the identity.
    """

    limit: float | None = None
    decay: float = 0.0
    preconditioner: Mapping[str, Tensor] | None = None


@dataclass(frozen=True)
class Edges:
    """Those of K members, whose P is joined.

    Args:
        limits: of each.
        decays: of each.
        preconditioner: P of all, by the joined model's names; None: the identity.
    """

    limits: Sequence[float | None]
    decays: Sequence[float]
    preconditioner: Mapping[str, Tensor] | None
