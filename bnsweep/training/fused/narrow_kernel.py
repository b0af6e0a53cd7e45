"""One step of many narrow fully connected nets, compiled: one net after another, in the nearest cache.

An operation of PyTorch on all nets at once reads and writes arrays of all of them, and so waits for memory; here what a
net computes stays in a few ten thousand bytes. Numba compiles it when it is first called, once for each precision.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnsweep.training.fused.narrow_layers import (
    Floats,
    activate,
    backward,
    compiled,
    cross_entropy,
    differentiate,
    forward,
    hits_of,
    norm_of,
    squared_error,
)


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
            losses[k] = cross_entropy(outputs, targets[batch_of[k]], loss_scale, error)
        else:
            losses[k] = squared_error(outputs, targets[batch_of[k]], loss_scale, error)
        hits[k] = hits_of(outputs, labels[batch_of[k]])
        start = len(gradient)
        for i in range(num_layers - 1, -1, -1):
            before, error = activations[starts[i] : starts[i + 1]], errors[starts[i + 1] : starts[i + 2]]
            middle = start - sizes[i + 1]
            first = middle - sizes[i] * sizes[i + 1]
            dw, db = gradient[first:middle], gradient[middle:start]
            differentiate(error, before, dw.reshape(sizes[i + 1], sizes[i]), db)
            norms[k, 2 * i], norms[k, 2 * i + 1] = norm_of(dw), norm_of(db)
            if i > 0:
                w = weights[k, first:middle].reshape(sizes[i + 1], sizes[i])
                backward(w, error, before, errors[starts[i] : starts[i + 1]], is_tanh)
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
            losses[k] += cross_entropy(outputs, targets[batch_of[k]], one, error)
        else:
            losses[k] += squared_error(outputs, targets[batch_of[k]], one, error)
        hits[k] += hits_of(outputs, labels[batch_of[k]])


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
        forward(weights[start:middle].reshape(sizes[i + 1], sizes[i]), weights[middle:stop], before, after)
        if i < len(sizes) - 2:
            activate(after, is_tanh)
        start = stop
