"""Sharpness: the largest eigenvalue of the Hessian, to be read beside 2/lr (Cohen et al. 2021).

By double backward and Lanczos. curvlinops would do the first, but it cannot take a batch normalization in train mode:
its function transforms refuse the running statistics. ARPACK (scipy's `eigsh`) would do the second, but it looks at the
error only after each restart, which takes up to twice the products, keeps six vectors where three do, on the CPU, and
stops too early where all eigenvalues are small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bnsweep.probes.context import StepContext
from bnsweep.results.schema import Row

MAX_PRODUCTS = 200
RANDOM_LENGTH = 0.1
"""Length of the random part of the start vector; the gradient, which top eigenvectors are close to, has 1."""


@dataclass(frozen=True)
class Curvature:
    """Largest eigenvalue of the Hessian of the step's mini-batch loss at W^t, batch statistics and noise included.

    Over the trained parameters. The graph of the gradient is built once; each product is one backward through it.

    Args:
        tolerance: relative; see `largest_eigenvalue`. Of 216 measurements in small nets those at 0.01 took 8 products
            and were at most 0.1 % low, those at 0.1 took 5 and 9 of them were more than 10 % low.
    """

    tolerance: float

    def __post_init__(self) -> None:
        """Import what measuring needs now, since that is no trial's time, and not where nobody measures."""
        import_module("scipy.linalg")

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return one row: step, sharpness (inf: overflow, NaN: no convergence), two_over_lr, tolerance, num_hvps."""
        product, gradient = hessian_product(ctx)
        sharpness, num_hvps = largest_eigenvalue(product, gradient, self.tolerance)
        row = {"step": ctx.step, "sharpness": sharpness, "two_over_lr": 2 / ctx.lr}
        return [{**row, "tolerance": self.tolerance, "num_hvps": num_hvps}]


def hessian_product(ctx: StepContext) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """Return v -> H v for vectors of shape (P,) over all trained parameters in order, and the gradient, (P,)."""
    leaves = {name: ctx.params_before[name].detach().requires_grad_() for name in ctx.grads}
    parameters = list(leaves.values())
    with torch.enable_grad():
        loss = ctx.loss_fn(ctx.forward({**ctx.params_before, **leaves}), ctx.y)
        gradient = _flat(torch.autograd.grad(loss, parameters, create_graph=True, materialize_grads=True))

    def product(vector: Tensor) -> Tensor:
        blocks = torch.autograd.grad(
            gradient, parameters, vector.to(gradient.dtype), retain_graph=True, materialize_grads=True
        )
        return _flat(blocks)

    return product, gradient.detach()


def largest_eigenvalue(product: Callable[[Tensor], Tensor], toward: Tensor, tolerance: float) -> tuple[float, int]:
    """Return the largest eigenvalue of a symmetric matrix, given by its product with a vector, and the products taken.

    By Lanczos in float64, started near `toward` (P,), until the largest Ritz value theta has a residual of at most
    `tolerance` |theta|, or is zero as far as the products can tell. So theta is at most the largest eigenvalue, and
    some eigenvalue is within the tolerance of it: the largest, unless its vector has hardly shown yet. The error is
    about the square of the residual over the gap to the next eigenvalue, mostly far below the tolerance. Nothing is
    orthogonalized again, which may bring copies of eigenvalues found already and does not move the largest.

    Infinite where a product is not finite; NaN where MAX_PRODUCTS do not reach the tolerance.

    Source: Paige 1980, "Accuracy and effectiveness of the Lanczos algorithm for the symmetric eigenproblem".
    """
    random = torch.from_numpy(np.random.default_rng(0).standard_normal(len(toward))).to(toward.device)
    q = F.normalize(F.normalize(toward.double(), dim=0) + RANDOM_LENGTH * F.normalize(random, dim=0), dim=0)
    previous = torch.zeros_like(q)
    diagonal, off_diagonal = list[float](), [0.0]
    for calls in range(1, MAX_PRODUCTS + 1):
        raw = product(q)
        w = previous.mul_(-off_diagonal[-1]).add_(raw)  # in place: fresh memory costs more than the arithmetic
        diagonal.append(q.dot(w).item())
        w.sub_(q, alpha=diagonal[-1])
        off_diagonal.append(torch.linalg.vector_norm(w).item())
        if not (math.isfinite(diagonal[-1]) and math.isfinite(off_diagonal[-1])):
            return math.inf, calls
        theta, residual, length = _ritz(diagonal, off_diagonal[1:])
        if residual <= max(tolerance * abs(theta), torch.finfo(raw.dtype).eps * length):
            return theta, calls
        previous, q = q, w.div_(off_diagonal[-1])
    return math.nan, MAX_PRODUCTS


def _ritz(diagonal: Sequence[float], off_diagonal: Sequence[float]) -> tuple[float, float, float]:
    """Return the largest eigenvalue of the tridiagonal matrix, its residual, and the largest in size."""
    from scipy.linalg import eigh_tridiagonal

    values, vectors = eigh_tridiagonal(np.array(diagonal), np.array(off_diagonal[:-1]))
    return float(values[-1]), abs(off_diagonal[-1] * vectors[-1, -1]), float(np.abs(values).max())


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])
