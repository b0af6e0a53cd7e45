"""Whether a model's second derivative is the derivative of its first: a user's own backward may make it another one.

A product that is not symmetric is found by Lanczos, at no cost. But where an own backward only takes something for
constant that is none, elementwise, what comes of it is symmetric and wrong all the same (PyTorch issue 58509).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bnsweep.probes.hessian import Loss, flat, hessian_product, shaped
from bnsweep.probes.lanczos import random_start

MAX_SAMPLES = 8
"""Of the mini-batch, that are looked at: what is checked is code, and all of them in double precision would take longer
than the measurement."""
MAX_DIFFERENCE = 0.01
"""Of a product from the gradient's change, over its length."""
DISTANCE, SHORTER = 1e-7, 8.0
"""How far the gradient is looked at, over the length of the parameters, and by what factor less the second time."""


def why_wrong(loss: Loss, seed: int) -> str | None:
    """Return how the Hessian's product with a random vector differs from the gradient's change along it, if it does.

    On a few samples, in double precision, where a kink is hardly ever crossed in so small a step. Two gradients and a
    product are taken, and where these differ another gradient. What differs at one distance and otherwise at another
    (a kink that is met exactly, as with dead units) has no second derivative there and is no error. None also where
    the model cannot be run so.
    """
    try:
        return _difference(loss.of_first(MAX_SAMPLES).in_double(), seed)
    except (RuntimeError, TypeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        return None


def _difference(loss: Loss, seed: int) -> str | None:
    here = {name: loss.params[name].detach() for name in loss.trained}
    gradient = loss.gradient(loss.at_params())
    v = F.normalize(random_start(len(gradient), seed, gradient.device), dim=0)
    with hessian_product(loss) as (product, _):
        claimed = product(v)
    distance = DISTANCE * max(1.0, torch.linalg.vector_norm(flat(here.values())).item())

    def change(step: float) -> Tensor:
        moved = shaped(step * v, here)
        there = loss.gradient({name: (w + moved[name]).requires_grad_() for name, w in here.items()})
        return (there - gradient) / step

    found = change(distance)
    if _apart(claimed, found) <= MAX_DIFFERENCE:
        return None
    again = change(distance / SHORTER)
    if not _apart(claimed, again) > MAX_DIFFERENCE or _apart(found, again) > 0.1 * _apart(claimed, again):
        return None
    share = f"H v differs by {_apart(claimed, again):.2g} of its length from the gradient's change along v"
    return f"the model's second derivative is wrong: {share}"


def _apart(one: Tensor, other: Tensor) -> float:
    """Return the distance over the longer one's length; 0 where both are zero."""
    lengths = [torch.linalg.vector_norm(vector) for vector in (one, other, one - other)]
    first, second, apart = torch.stack(lengths).tolist()
    longer = max(first, second)
    return apart / longer if longer else 0.0
