"""What the steps of narrow nets are made of, compiled: layers, losses and their gradients, for one net at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])
Floats = NDArray[Any]

ONE, END = np.float32(1), np.float32(9.3)
P = tuple(
    np.float32(number)
    for number in (
        4.89352455891786e-03,
        6.37261928875436e-04,
        1.48572235717979e-05,
        5.12229709037114e-08,
        -8.60467152213735e-11,
        2.00018790482477e-13,
        -2.76076847742355e-16,
    )
)
Q = tuple(
    np.float32(number)
    for number in (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)
)
"""Of tanh x: x times the polynomial of coefficients P in x^2, over that of Q."""


def compiled(function: F) -> F:
    """Compile a function when it is first called: sums may be taken in another order, NaN and infinity stay."""
    return cast("F", njit(fastmath={"reassoc", "contract"}, error_model="numpy", nogil=True)(function))


@compiled
def forward(w: Floats, b: Floats, x: Floats, z: Floats) -> None:
    """Write w x + b, two inputs at a time: (O, I), (O,), (I, B) to (O, B)."""
    odd = w.shape[1] % 2
    for o in range(w.shape[0]):
        if odd:
            first = w[o, 0]
            for s in range(x.shape[1]):
                z[o, s] = b[o] + first * x[0, s]
        else:
            first, second = w[o, 0], w[o, 1]
            for s in range(x.shape[1]):
                z[o, s] = b[o] + first * x[0, s] + second * x[1, s]
        for i in range(2 - odd, w.shape[1], 2):
            first, second = w[o, i], w[o, i + 1]
            for s in range(x.shape[1]):
                z[o, s] += first * x[i, s] + second * x[i + 1, s]


@compiled
def activate(z: Floats, is_tanh: bool) -> None:
    """Replace z by tanh z or max(z, 0); NaN stays."""
    zero = z.dtype.type(0)
    for o in range(z.shape[0]):
        if not is_tanh:
            for s in range(z.shape[1]):
                z[o, s] = zero if z[o, s] < zero else z[o, s]
        elif z.itemsize == 4:
            for s in range(z.shape[1]):
                z[o, s] = _tanh(z[o, s])
        else:
            for s in range(z.shape[1]):
                z[o, s] = math.tanh(z[o, s])


@compiled
def _tanh(x: np.float32) -> np.float32:
    """Return tanh x to 3e-7 of its size, 1 beyond 9.3: a quotient of polynomials, which is computed for many x at once.

    Source: Eigen's `ptanh`.
    """
    c = max(min(x, END), -END)
    z = c * c
    above = ((((((P[6] * z + P[5]) * z + P[4]) * z + P[3]) * z + P[2]) * z + P[1]) * z + P[0]) * c
    below = ((Q[3] * z + Q[2]) * z + Q[1]) * z + Q[0]
    return max(min(above / below, ONE), -ONE)


@compiled
def squared_error(outputs: Floats, targets: Floats, scale: Any, error: Floats) -> Any:
    """Return the sum of squared errors times the scale, and write its gradient by the outputs: (O, B) each."""
    loss = outputs.dtype.type(0)
    for o in range(outputs.shape[0]):
        for s in range(outputs.shape[1]):
            difference = outputs[o, s] - targets[o, s]
            loss += difference * difference
            error[o, s] = (scale + scale) * difference
    return loss * scale


@compiled
def cross_entropy(outputs: Floats, targets: Floats, scale: Any, error: Floats) -> Any:
    """Return the cross-entropy (nats) times the scale, and write its gradient by the outputs: (O, B) each."""
    loss = outputs.dtype.type(0)
    for s in range(outputs.shape[1]):
        largest, total = outputs[0, s], outputs.dtype.type(0)
        for o in range(1, outputs.shape[0]):
            largest = max(largest, outputs[o, s])
        for o in range(outputs.shape[0]):
            total += math.exp(outputs[o, s] - largest)
        log_total = math.log(total) + largest
        for o in range(outputs.shape[0]):
            log_probability = outputs[o, s] - log_total
            loss -= targets[o, s] * log_probability
            error[o, s] = scale * (math.exp(log_probability) - targets[o, s])
    return loss * scale


@compiled
def hits_of(outputs: Floats, labels: NDArray[np.int64]) -> int:
    """Return how many samples have their greatest output at their class; NaN is greatest, as PyTorch has it."""
    greatest, place = outputs[0].copy(), np.zeros(len(labels), np.int32)
    for o in range(1, outputs.shape[0]):
        for s in range(len(labels)):
            value, best = outputs[o, s], greatest[s]
            is_greater = (value > best) | (np.isnan(value) & ~np.isnan(best))
            greatest[s] = value if is_greater else best
            place[s] = np.int32(o) if is_greater else place[s]
    hits = 0
    for s in range(len(labels)):
        hits += place[s] == labels[s]
    return hits


@compiled
def backward(w: Floats, error: Floats, h: Floats, below: Floats, is_tanh: bool) -> None:
    """Write the gradient by what the layer below gave before its nonlinearity: (O, I), (O, B), (I, B) to (I, B)."""
    odd, one, zero = w.shape[0] % 2, h.dtype.type(1), h.dtype.type(0)
    for i in range(w.shape[1]):
        if odd:
            first = w[0, i]
            for s in range(h.shape[1]):
                below[i, s] = first * error[0, s]
        else:
            first, second = w[0, i], w[1, i]
            for s in range(h.shape[1]):
                below[i, s] = first * error[0, s] + second * error[1, s]
        for o in range(2 - odd, w.shape[0], 2):
            first, second = w[o, i], w[o + 1, i]
            for s in range(h.shape[1]):
                below[i, s] += first * error[o, s] + second * error[o + 1, s]
        if is_tanh:
            for s in range(h.shape[1]):
                below[i, s] *= one - h[i, s] * h[i, s]
        else:
            for s in range(h.shape[1]):
                below[i, s] = zero if h[i, s] <= zero else below[i, s]


@compiled
def differentiate(error: Floats, x: Floats, dw: Floats, db: Floats) -> None:
    """Write the gradient by W and b: (O, B), (I, B) to (O, I), (O,)."""
    zero = x.dtype.type(0)
    for o in range(dw.shape[0]):
        total = zero
        for s in range(x.shape[1]):
            total += error[o, s]
        db[o] = total
        for i in range(dw.shape[1]):
            total = zero
            for s in range(x.shape[1]):
                total += error[o, s] * x[i, s]
            dw[o, i] = total


@compiled
def norm_of(gradient: Floats) -> float:
    """Return the Euclidean norm."""
    total = 0.0
    for g in gradient:
        total += float(g) * float(g)
    return math.sqrt(total)
