"""Sharpness: the largest eigenvalue of the Hessian, beside the edge of stability (Cohen et al. 2021, 2022)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module

import torch
from torch import Tensor

from bnsweep.error_texts import first_line
from bnsweep.probes.hessian import Loss, hessian_product
from bnsweep.probes.joint import JointProbe, JointStep
from bnsweep.probes.lanczos import (
    FAILURE_PROBABILITY,
    Extremes,
    Product,
    extreme_eigenvalues,
    random_start,
    unknown,
)
from bnsweep.probes.members import flat, on_device
from bnsweep.probes.second_derivative import why_wrong
from bnsweep.probes.stability import Edges
from bnsweep.results.schema import Row

NOT_TWICE = ("differentiate twice", "is not implemented")
"""What PyTorch's messages say of a model that has no second derivative."""


@dataclass(frozen=True)
class Curvature(JointProbe):
    """Extreme eigenvalues of the Hessian of the step's mini-batch loss at W^t, batch statistics and noise included.

    Over the trained parameters. With them comes what the optimizer's edge of stability limits: the largest eigenvalue
    of P^-1 (H + decay I), which for SGD is sharpness + decay, and for Adam is measured by as many products again.
    A second derivative that does not hold is never stored as if it did: see `measured_extremes`.

    Args:
        tolerance: relative, of sharpness and the optimizer's own; see `extreme_eigenvalues`.
    """

    tolerance: float

    def __post_init__(self) -> None:
        """Import what measuring needs now, since that is no trial's time, and not where nobody measures."""
        import_module("scipy.linalg")
        import_module("scipy.special")

    def of_each(self, step: JointStep) -> list[list[Row]]:
        """Return one row: see the table's columns. Sharpness is infinite by overflow, NaN where `reason` says why.

        None of a member whose loss has diverged.
        """
        loss, edges, number = Loss.of_step(step.whole, step.members), step.edges(), step.whole.step
        found = measured_extremes(loss, self.tolerance, number, wanted=step.left)
        own = _of_optimizer(loss, found, edges, self.tolerance, number)
        return [
            [self._row(number, step.lrs[k], edges.limits[k], found[k], own[k])] if k in found else []
            for k in range(step.members)
        ]

    def _row(self, step: int, lr: float, limit: float | None, found: Extremes, own: Extremes) -> Row:
        return {
            "step": step,
            **extremes_columns(found, self.tolerance, "sharpness"),
            "two_over_lr": 2 / lr,
            "optimizer_sharpness": None if limit is None else own.largest,
            "stability_limit": limit,
            "num_hvps": found.num_products + own.num_products,
            "reason": found.reason or (own.reason and f"optimizer_sharpness: {own.reason}"),
        }


def extremes_columns(found: Extremes, tolerance: float, name: str) -> Row:
    """Return the columns that tables of eigenvalues share, that of the largest by its name."""
    return {
        name: found.largest,
        f"{name}_bound": found.largest_bound,
        "lowest_eigenvalue": found.lowest,
        "lowest_bound": found.lowest_bound,
        "failure_probability": FAILURE_PROBABILITY,
        "tolerance": tolerance,
    }


def measured_extremes(
    loss: Loss, tolerance: float, seed: int, scale: Tensor | None = None, wanted: Sequence[int] = (0,)
) -> dict[int, Extremes]:
    """Return the extreme eigenvalues of D H D of each member that is wanted, D the diagonal `scale` (K, P) or 1.

    They are unknown, with a reason, where the loss cannot be differentiated twice, where the product is not symmetric,
    and where it is not the derivative of the gradient: see `why_wrong`.
    """
    try:
        found = _extremes(loss, tolerance, seed, wanted, scale)
    except RuntimeError as error:
        if not any(text in str(error) for text in NOT_TWICE):
            raise
        nothing = unknown(math.nan, 0, f"the model has no second derivative: {first_line(error)}")
        return dict.fromkeys(wanted, nothing)
    known = [member for member, extremes in found.items() if math.isfinite(extremes.largest)]
    reasons = why_wrong(loss, seed) if known else []
    for member in known:
        if reason := reasons[member]:
            found[member] = unknown(math.nan, found[member].num_products, reason)
    return found


def _extremes(
    loss: Loss,
    tolerance: float,
    seed: int,
    wanted: Sequence[int],
    scale: Tensor | None = None,
    decays: Sequence[float] = (0.0,),
) -> dict[int, Extremes]:
    """Return the extreme eigenvalues of D (H + decay I) D."""
    with hessian_product(loss) as (product, gradient):
        start = random_start(gradient.shape[1], seed, gradient.device)
        if scale is not None:
            product = partial(_scaled, product, scale, on_device(decays, scale.device)[:, None])
        return extreme_eigenvalues(product, start, tolerance, torch.finfo(gradient.dtype).eps, wanted, loss.members)


def _scaled(product: Product, scale: Tensor, decays: Tensor, v: Tensor) -> Tensor:
    moved = scale * v
    return scale * torch.addcmul(product(moved).to(moved.dtype), moved, decays)


def _of_optimizer(
    loss: Loss, plain: Mapping[int, Extremes], edges: Edges, tolerance: float, seed: int
) -> dict[int, Extremes]:
    """Return the extreme eigenvalues of P^-1/2 (H + decay I) P^-1/2, which are those of P^-1 (H + decay I)."""
    found, preconditioner = {k: each.moved(edges.decays[k]) for k, each in plain.items()}, edges.preconditioner
    wanted = [k for k, each in plain.items() if edges.limits[k] is not None and math.isfinite(each.largest)]
    if preconditioner is None or not wanted:
        return found
    roots = flat((preconditioner[name] for name in loss.trained), loss.members).double().rsqrt()
    return found | _extremes(loss, tolerance, seed, wanted, roots, edges.decays)
