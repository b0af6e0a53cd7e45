"""Sharpness: the largest eigenvalue of the Hessian, to be read beside 2/lr (Cohen et al. 2021).

By double backward and ARPACK's Lanczos. curvlinops would do the first, but it cannot take a batch normalization in
train mode: its function transforms refuse the running statistics.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh
from torch import Tensor

from bnsweep.probes.context import StepContext
from bnsweep.results.schema import Row

Vector = NDArray[np.floating]

LANCZOS_VECTORS = 6
"""Fewer restart more often, more cost more before the first check; on small VGGs 6 took the fewest products."""
MAX_RESTARTS = 50


@dataclass(frozen=True)
class Curvature:
    """Largest eigenvalue of the Hessian of the step's mini-batch loss at W^t, batch statistics and noise included.

    Lanczos from a fixed start vector until the eigenvalue's estimated error is below `tolerance` times its size. The
    graph of the gradient is built once; each product is one backward through it.

    Args:
        tolerance: relative; 0.01 takes 10 to 15 products where 0.00001 takes 20 and more.
    """

    tolerance: float

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return one row: step, sharpness, two_over_lr, tolerance, num_hvps; sharpness is NaN where there is none."""
        product, size = hessian_product(ctx)
        sharpness, num_hvps = largest_eigenvalue(product, size, self.tolerance)
        row = {"step": ctx.step, "sharpness": sharpness, "two_over_lr": 2 / ctx.lr}
        return [{**row, "tolerance": self.tolerance, "num_hvps": num_hvps}]


def hessian_product(ctx: StepContext) -> tuple[Callable[[Vector], Vector], int]:
    """Return v -> H v for vectors of shape (P,) over all parameters in order, and P."""
    leaves = {name: w.detach().requires_grad_() for name, w in ctx.params_before.items()}
    parameters = list(leaves.values())
    with torch.enable_grad():
        loss = ctx.loss_fn(ctx.forward(leaves), ctx.y)
        gradient = _flat(torch.autograd.grad(loss, parameters, create_graph=True, materialize_grads=True))

    def product(vector: Vector) -> Vector:
        v = torch.as_tensor(vector, dtype=gradient.dtype).reshape(-1).to(gradient.device)
        blocks = torch.autograd.grad(gradient, parameters, v, retain_graph=True, materialize_grads=True)
        result: Vector = _flat(blocks).cpu().numpy()
        return result

    return product, len(gradient)


def largest_eigenvalue(product: Callable[[Vector], Vector], size: int, tolerance: float) -> tuple[float, int]:
    """Return the largest eigenvalue of a symmetric matrix, given by its product with a vector, and the products taken.

    NaN where a product is not finite or Lanczos does not converge.
    """
    start = np.random.default_rng(0).standard_normal(size)
    calls = 1
    first = product(start)
    if not np.isfinite(first).all():
        return math.nan, calls
    if not first.any():  # a random vector is in the kernel of nothing but 0
        return 0.0, calls

    def counted(vector: Vector) -> Vector:
        nonlocal calls
        calls += 1
        return product(vector)

    operator = LinearOperator((size, size), matvec=counted, dtype=first.dtype)
    vectors = min(size, LANCZOS_VECTORS)
    try:
        found = eigsh(
            operator,
            1,
            which="LA",
            v0=start,
            ncv=vectors,
            tol=tolerance,
            maxiter=MAX_RESTARTS,
            return_eigenvectors=False,
        )
    except ArpackError:
        return math.nan, calls
    return float(found[0]), calls


def _flat(tensors: tuple[Tensor, ...]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])
