"""Extreme eigenvalues of a symmetric matrix that is known by its products alone, with bounds of a stated probability.

ARPACK (scipy's `eigsh`) looks at the error only after each restart, which takes up to twice the products, keeps six
vectors where three do, on the CPU, and bounds the distance to some eigenvalue, not to the extreme one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bnsweep.probes.members import dots

Product = Callable[[Tensor], Tensor]
"""v to H v of each of K matrices, both of shape (K, P)."""

MAX_PRODUCTS = 200
FAILURE_PROBABILITY = 0.001
"""Of each bound, over the random start."""
MAX_ASYMMETRY = 1e-3
"""Of the largest eigenvalue in size: far above what rounding in float32 leaves, below what wrong derivatives do."""


@dataclass(frozen=True)
class Extremes:
    """The extreme eigenvalues of a matrix, as far as they were found.

    Args:
        largest: largest Ritz value; infinite where a product is not finite, NaN where it is not known.
        largest_bound: what no eigenvalue is above, but with FAILURE_PROBABILITY.
        lowest: lowest Ritz value, to no tolerance.
        lowest_bound: what no eigenvalue is below, but with FAILURE_PROBABILITY.
        num_products: products taken.
        reason: why `largest` is no finite number; else None.
    """

    largest: float
    largest_bound: float
    lowest: float
    lowest_bound: float
    num_products: int
    reason: str | None = None

    def moved(self, by: float) -> Self:
        """Return what is known of the matrix plus so many times the identity, for no further product."""
        largest, lowest = (self.largest + by, self.largest_bound + by), (self.lowest + by, self.lowest_bound + by)
        return type(self)(*largest, *lowest, 0, self.reason)


def unknown(value: float, num_products: int, reason: str) -> Extremes:
    """Return what is known of a matrix of which nothing is: the largest eigenvalue is `value`, NaN or infinite."""
    return Extremes(value, value, math.nan, math.nan, num_products, reason)


def extreme_eigenvalues(
    product: Product, start: Tensor, tolerance: float, eps: float, wanted: Sequence[int] = (0,), members: int = 1
) -> dict[int, Extremes]:
    """Return the largest eigenvalue, to a relative tolerance, and the lowest one that the same products show.

    Of those of K matrices that are wanted, by their numbers: each by itself, as if it were alone. All are multiplied at
    once, as long as one needs it, and the numbers of all are read at once.

    By Lanczos in float64 from `start` (P,), of which the probability is: `random_start`. It ends as soon as the largest
    Ritz value theta, which is never above the largest eigenvalue x, and the bound on x are within `tolerance` |theta|,
    or the same as far as products can tell whose relative rounding is `eps`. The bound: let u be the eigenvector of x,
    q the unit start, and p the characteristic polynomial of the tridiagonal matrix of k steps, which has norm
    ||p(H) q|| = beta_1 ... beta_k. So

        |p(x)| |u.q| <= beta_1 ... beta_k,    and |u.q| >= `least_overlap`, but with FAILURE_PROBABILITY, for every k;

    p grows beyond theta, so x is at most where p reaches the quotient. Where the Krylov space is exhausted, beta_k is
    zero and the bound is theta.

    A vector is orthogonal to the two before it alone: the bound rests on the recurrence of u.q_k and needs no more, and
    copies of eigenvalues found already do not move the extremes. Of products in float32 it bounds the eigenvalues that
    these have. One that is not symmetric ends it: q_(k-1).H q_k is compared with q_k.H q_(k-1) at every step.

    Sources: Kuczynski and Wozniakowski 1992, "Estimating the largest eigenvalue by the power and Lanczos algorithms
    with a random start", with the polynomial of the run instead of the best one for the worst matrix, as in
    van Dorsselaer, Hochstenbach and van der Vorst 2000, "Computing probabilistic bounds for extreme eigenvalues of
    symmetric matrices with the Lanczos method"; Paige 1980, "Accuracy and effectiveness of the Lanczos algorithm for
    the symmetric eigenproblem".
    """
    overlap, found = least_overlap(len(start)), dict[int, Extremes]()
    q = F.normalize(start.double(), dim=0).expand(members, -1)
    previous, off_diagonal = torch.zeros_like(q), torch.zeros(members, dtype=q.dtype, device=q.device)
    runs = {member: Lanczos(tolerance, eps, overlap) for member in wanted}
    while runs:
        raw = product(q)
        in_double = raw.to(q.dtype)
        back, ahead = dots(previous, in_double), dots(q, in_double)
        w = raw - ahead[:, None] * q - off_diagonal[:, None] * previous
        for known in (q, previous):  # again, for what is left where the Krylov space ends is rounding
            w.addcmul_(known, -dots(known, w)[:, None])
        off_diagonal = torch.linalg.vector_norm(w, dim=1)
        read = torch.stack([back, ahead, off_diagonal], 1).tolist()
        for member, run in [*runs.items()]:
            if (outcome := run.after(*read[member])) is not None:
                found[member] = outcome
                del runs[member]
        for row, (_, _, length) in zip(w, read, strict=True):
            row.div_(length)  # on a GPU a division by a number rounds otherwise than one by a tensor
        previous, q = q, w
    return {member: found[member] for member in wanted}


def random_start(size: int, seed: int, device: torch.device) -> Tensor:
    """Return a vector whose direction is uniform, (P,), the same on every device."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(size)).to(device)


def least_overlap(size: int) -> float:
    """Return what |u.q| is at least, but with FAILURE_PROBABILITY, for a fixed unit u and q uniform on the unit sphere.

    Its square has the distribution Beta(1/2, (size - 1) / 2).
    """
    from scipy.special import betaincinv

    return math.sqrt(betaincinv(0.5, (size - 1) / 2, FAILURE_PROBABILITY)) if size > 1 else 1.0


class Lanczos:
    """What the products with one matrix have shown so far.

    Args:
        tolerance: relative, of the largest eigenvalue.
        eps: relative rounding of the products.
        overlap: what the start has in common with an extreme eigenvector, at least.
    """

    def __init__(self, tolerance: float, eps: float, overlap: float) -> None:
        self._tolerance, self._eps, self._overlap = tolerance, eps, overlap
        self._diagonal, self._off_diagonal = list[float](), [0.0]

    def after(self, back: float, ahead: float, length: float) -> Extremes | None:
        """Return how it ended by one more product; None where it goes on.

        Args:
            back: the product H q times the vector before q.
            ahead: the same times q.
            length: of what is left of it, from which the next vector is made.
        """
        asymmetry = abs(back - self._off_diagonal[-1])
        self._diagonal.append(ahead)
        self._off_diagonal.append(length)
        calls = len(self._diagonal)
        if not (math.isfinite(ahead) and math.isfinite(length)):
            return unknown(math.inf, calls, "the Hessian-vector product overflows")
        krylov = Krylov(self._diagonal, self._off_diagonal[1:], self._overlap)
        if asymmetry > MAX_ASYMMETRY * krylov.size:
            share = f"v.Hu and u.Hv differ by {asymmetry / krylov.size:.2g} of ||H||"
            return unknown(math.nan, calls, f"the Hessian-vector product is not symmetric: {share}")
        if krylov.is_within(max(self._tolerance * abs(krylov.values[-1]), 10 * self._eps * krylov.size)):
            return krylov.extremes(calls)
        if calls == MAX_PRODUCTS:
            return krylov.extremes(calls, f"not known to {self._tolerance:g} after {MAX_PRODUCTS} products")
        return None


class Krylov:
    """The tridiagonal matrix of k steps, and what it says of the whole one.

    Args:
        diagonal: k numbers.
        off_diagonal: k numbers, the last of which leads on to the next vector.
        overlap: what the start has in common with an extreme eigenvector, at least.
    """

    def __init__(self, diagonal: Sequence[float], off_diagonal: Sequence[float], overlap: float) -> None:
        from scipy.linalg import eigvalsh_tridiagonal

        self.values = eigvalsh_tridiagonal(np.array(diagonal), np.array(off_diagonal[:-1]))
        self.size = float(np.abs(self.values).max())
        is_exhausted = off_diagonal[-1] == 0
        self._log_quotient = -math.inf if is_exhausted else float(np.log(off_diagonal).sum()) - math.log(overlap)

    def is_within(self, distance: float) -> bool:
        """Return whether no eigenvalue is more than so far above the largest Ritz value."""
        return self._is_beyond(self.values, distance)

    def extremes(self, calls: int, reason: str | None = None) -> Extremes:
        """Return the extreme Ritz values with their bounds; the largest is not known where there is a reason."""
        largest, lowest = float(self.values[-1]), float(self.values[0])
        above, below = self._distance(self.values), self._distance(-self.values[::-1])
        return Extremes(math.nan if reason else largest, largest + above, lowest, lowest - below, calls, reason)

    def _is_beyond(self, values: np.ndarray, distance: float) -> bool:
        """Return whether the polynomial with these zeros exceeds the quotient so far above the largest of them."""
        heights = np.maximum(values[-1] - values + distance, np.finfo(float).tiny)
        return bool(np.log(heights).sum() >= self._log_quotient)

    def _distance(self, values: np.ndarray) -> float:
        """Return how far above the largest of `values` an eigenvalue may be, rounded up by a thousandth."""
        low = high = max(float(np.finfo(float).eps) * self.size, float(np.finfo(float).tiny))
        while not self._is_beyond(values, high):
            low, high = high, 2 * high
        while high > 1.001 * low:
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self._is_beyond(values, middle) else (middle, high)
        return high
