"""Sharpness: the largest eigenvalue of the Hessian, beside the edge of stability (Cohen et al. 2021, 2022)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from importlib import import_module

import torch
from torch import Tensor

from bnsweep.error_texts import first_line
from bnsweep.probes.context import StepContext
from bnsweep.probes.hessian import Loss, flat, hessian_product
from bnsweep.probes.lanczos import (
    FAILURE_PROBABILITY,
    Extremes,
    Product,
    extreme_eigenvalues,
    random_start,
    unknown,
)
from bnsweep.probes.second_derivative import why_wrong
from bnsweep.probes.stability import Stability
from bnsweep.results.schema import Row

NOT_TWICE = ("differentiate twice", "is not implemented")
"""What PyTorch's messages say of a model that has no second derivative."""


@dataclass(frozen=True)
class Curvature:
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

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return one row: see the table's columns. Sharpness is infinite by overflow, NaN where `reason` says why."""
        loss, edge = Loss.of_step(ctx), ctx.edge
        found = measured_extremes(loss, self.tolerance, ctx.step)
        own = _of_optimizer(loss, found, edge, self.tolerance, ctx.step)
        return [
            {
                "step": ctx.step,
                **extremes_columns(found, self.tolerance, "sharpness"),
                "two_over_lr": 2 / ctx.lr,
                "optimizer_sharpness": None if edge.limit is None else own.largest,
                "stability_limit": edge.limit,
                "num_hvps": found.num_products + own.num_products,
                "reason": found.reason or (own.reason and f"optimizer_sharpness: {own.reason}"),
            }
        ]


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


def measured_extremes(loss: Loss, tolerance: float, seed: int, scale: Tensor | None = None) -> Extremes:
    """Return the extreme eigenvalues of D H D, where D is the diagonal `scale`, (P,), or the identity.

    They are unknown, with a reason, where the loss cannot be differentiated twice, where the product is not symmetric,
    and where it is not the derivative of the gradient: see `why_wrong`.
    """
    try:
        found = _extremes(loss, tolerance, seed, scale)
    except RuntimeError as error:
        if not any(text in str(error) for text in NOT_TWICE):
            raise
        return unknown(math.nan, 0, f"the model has no second derivative: {first_line(error)}")
    if math.isfinite(found.largest) and (reason := why_wrong(loss, seed)):
        return unknown(math.nan, found.num_products, reason)
    return found


def _extremes(loss: Loss, tolerance: float, seed: int, scale: Tensor | None, decay: float = 0.0) -> Extremes:
    """Return the extreme eigenvalues of D (H + decay I) D."""
    with hessian_product(loss) as (product, gradient):
        start = random_start(len(gradient), seed, gradient.device)
        scaled = product if scale is None else partial(_scaled, product, scale, decay)
        return extreme_eigenvalues(scaled, start, tolerance, torch.finfo(gradient.dtype).eps)


def _scaled(product: Product, scale: Tensor, decay: float, v: Tensor) -> Tensor:
    moved = scale * v
    return scale * torch.add(product(moved), moved, alpha=decay)


def _of_optimizer(loss: Loss, plain: Extremes, edge: Stability, tolerance: float, seed: int) -> Extremes:
    """Return the extreme eigenvalues of P^-1/2 (H + decay I) P^-1/2, which are those of P^-1 (H + decay I)."""
    if edge.preconditioner is None or edge.limit is None or not math.isfinite(plain.largest):
        return plain.moved(edge.decay)
    roots = flat(edge.preconditioner[name] for name in loss.trained).double().rsqrt()
    return _extremes(loss, tolerance, seed, roots, edge.decay)
