"""One step of many narrow fully connected nets, compiled: one net after another, in the nearest cache.

An operation of PyTorch on all nets at once reads and writes arrays of all of them, and so waits for memory; here what a
net computes stays in a few ten thousand bytes. Numba compiles it when it is first called, once per type, and keeps that
until this file changes; so all of it is in one file.
"""

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
    """Compile a function: sums may be taken in another order, but NaN and infinity stay what they are."""

    def compiled_for(cache: bool) -> F:
        jit = njit(cache=cache, fastmath={"reassoc", "contract"}, error_model="numpy", nogil=True)
        return cast("F", jit(function))

    try:
        return compiled_for(cache=True)
    except RuntimeError:  # there is no place to keep what was compiled in
        return compiled_for(cache=False)


@compiled
def step(
    weights: Floats,
    velocities: Floats,
    sizes: NDArray[np.int64],
    x: Floats,
    targets: Floats,
    labels: NDArray[np.int64],
    batch_of: NDArray[np.int64],
    is_left: NDArray[np.bool_],
    is_tanh: bool,
    is_cross_entropy: bool,
    loss_scale: Any,
    lrs: Floats,
    momenta: Floats,
    decays: Floats,
    is_nesterov: bool,
    losses: Floats,
    hits: NDArray[np.int64],
    norms: Floats,
) -> None:
    """Move the weights of each net that is left by one step of SGD on its mini-batch.

    Args:
        weights: (K, P), of each net W (out, in) and b (out,) of each of its L layers, one behind the other; moved.
        velocities: (K, P) of momentum; moved.
        sizes: (L + 1,), of the input and of what each layer gives.
        x: (S, I, B), the mini-batches.
        targets: (S, O, B), what the outputs should be; probabilities for cross-entropy.
        labels: (S, B), the classes; of no samples where there are none.
        batch_of: (K,), which mini-batch is a net's.
        is_left: (K,), which nets train.
        is_tanh: whether the nonlinearity is tanh, or else ReLU.
        is_cross_entropy: whether the loss is, or else the sum of squared errors.
        loss_scale: what the sum over samples and outputs is multiplied by.
        lrs: (K,), as momenta and decays.
        momenta: the share of the velocity that stays.
        decays: weight decay.
        is_nesterov: whether a step looks ahead.
        losses: (K,), written.
        hits: (K,), written: how many samples are classified rightly.
        norms: (K, 2 L), written: of the gradient of each W and b.
    """
    num_layers, starts = len(sizes) - 1, _starts(sizes)
    activations = np.empty((starts[-1], x.shape[2]), weights.dtype)
    errors = np.empty(activations.shape, weights.dtype)  # the gradients of the loss by what a layer gives
    gradient = np.empty(weights.shape[1], weights.dtype)
    for k in range(len(weights)):
        if not is_left[k]:
            continue
        activations[: sizes[0]] = x[batch_of[k]]
        _propagate(weights[k], sizes, starts, activations, is_tanh)
        outputs, error = activations[starts[num_layers] :], errors[starts[num_layers] :]
        if is_cross_entropy:
            losses[k] = _cross_entropy(outputs, targets[batch_of[k]], loss_scale, error)
        else:
            losses[k] = _squared_error(outputs, targets[batch_of[k]], loss_scale, error)
        hits[k] = _hits(outputs, labels[batch_of[k]])
        start = len(gradient)
        for i in range(num_layers - 1, -1, -1):
            before, error = activations[starts[i] : starts[i + 1]], errors[starts[i + 1] : starts[i + 2]]
            middle = start - sizes[i + 1]
            first = middle - sizes[i] * sizes[i + 1]
            _differentiate(
                error, before, gradient[first:middle].reshape(sizes[i + 1], sizes[i]), gradient[middle:start]
            )
            norms[k, 2 * i], norms[k, 2 * i + 1] = _norm(gradient[first:middle]), _norm(gradient[middle:start])
            if i > 0:
                w = weights[k, first:middle].reshape(sizes[i + 1], sizes[i])
                _backward(w, error, before, errors[starts[i] : starts[i + 1]], is_tanh)
            start = first
        for j in range(len(gradient)):
            g = gradient[j] + decays[k] * weights[k, j]
            velocity = momenta[k] * velocities[k, j] + g
            velocities[k, j] = velocity
            weights[k, j] -= lrs[k] * (g + momenta[k] * velocity if is_nesterov else velocity)


@compiled
def judge(
    weights: Floats,
    sizes: NDArray[np.int64],
    x: Floats,
    targets: Floats,
    labels: NDArray[np.int64],
    batch_of: NDArray[np.int64],
    is_left: NDArray[np.bool_],
    is_tanh: bool,
    is_cross_entropy: bool,
    losses: NDArray[np.float64],
    hits: NDArray[np.int64],
) -> None:
    """Add to losses (K,) the sum over a batch's samples and outputs, and to hits (K,) how many are classified rightly.

    The other arguments are those of `step`.
    """
    starts, one = _starts(sizes), weights.dtype.type(1)
    activations = np.empty((starts[-1], x.shape[2]), weights.dtype)
    error = np.empty((sizes[-1], x.shape[2]), weights.dtype)
    for k in range(len(weights)):
        if not is_left[k]:
            continue
        activations[: sizes[0]] = x[batch_of[k]]
        _propagate(weights[k], sizes, starts, activations, is_tanh)
        outputs = activations[starts[len(sizes) - 1] :]
        if is_cross_entropy:
            losses[k] += _cross_entropy(outputs, targets[batch_of[k]], one, error)
        else:
            losses[k] += _squared_error(outputs, targets[batch_of[k]], one, error)
        hits[k] += _hits(outputs, labels[batch_of[k]])


@compiled
def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where among all activations those of each layer start, and where they end."""
    starts = np.zeros(len(sizes) + 1, np.int64)
    for i in range(len(sizes)):
        starts[i + 1] = starts[i] + sizes[i]
    return starts


@compiled
def _propagate(
    weights: Floats, sizes: NDArray[np.int64], starts: NDArray[np.int64], activations: Floats, is_tanh: bool
) -> None:
    """Write what each layer of a net gives, behind the inputs: (P,), activations (sum of sizes, B)."""
    start = 0
    for i in range(len(sizes) - 1):
        before, after = activations[starts[i] : starts[i + 1]], activations[starts[i + 1] : starts[i + 2]]
        middle = start + sizes[i] * sizes[i + 1]
        stop = middle + sizes[i + 1]
        _forward(weights[start:middle].reshape(sizes[i + 1], sizes[i]), weights[middle:stop], before, after)
        if i < len(sizes) - 2:
            _activate(after, is_tanh)
        start = stop


@compiled
def _forward(w: Floats, b: Floats, x: Floats, z: Floats) -> None:
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
def _activate(z: Floats, is_tanh: bool) -> None:
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
def _squared_error(outputs: Floats, targets: Floats, scale: Any, error: Floats) -> Any:
    """Return the sum of squared errors times the scale, and write its gradient by the outputs: (O, B) each."""
    loss = outputs.dtype.type(0)
    for o in range(outputs.shape[0]):
        for s in range(outputs.shape[1]):
            difference = outputs[o, s] - targets[o, s]
            loss += difference * difference
            error[o, s] = (scale + scale) * difference
    return loss * scale


@compiled
def _cross_entropy(outputs: Floats, targets: Floats, scale: Any, error: Floats) -> Any:
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
def _hits(outputs: Floats, labels: NDArray[np.int64]) -> int:
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
def _backward(w: Floats, error: Floats, h: Floats, below: Floats, is_tanh: bool) -> None:
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
def _differentiate(error: Floats, x: Floats, dw: Floats, db: Floats) -> None:
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
def _norm(gradient: Floats) -> float:
    """Return the Euclidean norm."""
    total = 0.0
    for g in gradient:
        total += float(g) * float(g)
    return math.sqrt(total)
