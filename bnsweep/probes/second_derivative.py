"""Whether a model's second derivative is the derivative of its first: a user's own backward may make it another one.

A product that is not symmetric is found by Lanczos, at no cost. But where an own backward only takes something for
constant that is none, elementwise, what comes of it is symmetric and wrong all the same (PyTorch issue 58509).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bnsweep.probes.hessian import Loss, hessian_product, shaped
from bnsweep.probes.lanczos import random_start
from bnsweep.probes.members import flat

MAX_SAMPLES = 8
"""Of the mini-batch, that are looked at: what is checked is code, and all of them in double precision would take longer
than the measurement."""
MAX_DIFFERENCE = 0.01
"""Of a product from the gradient's change, over its length."""
DISTANCE, SHORTER = 1e-7, 8.0
"""How far the gradient is looked at, over the length of the parameters, and by what factor less the second time."""


def why_wrong(loss: Loss, seed: int) -> list[str | None]:
    """Return how each Hessian's product with a random vector differs from its gradient's change along it, if it does.

    On a few samples, in double precision, where a kink is hardly ever crossed in so small a step. Two gradients and a
    product are taken, and where these differ another gradient. What differs at one distance and otherwise at another
    (a kink that is met exactly, as with dead units) has no second derivative there and is no error. None also where
    the model cannot be run so.
    """
    try:
        return _differences(loss.of_first(MAX_SAMPLES).in_double(), seed)
    except (RuntimeError, TypeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        return [None] * loss.members


def _differences(loss: Loss, seed: int) -> list[str | None]:
    here = {name: loss.params[name].detach() for name in loss.trained}
    gradient = loss.gradient(loss.at_params())
    v = F.normalize(random_start(gradient.shape[1], seed, gradient.device), dim=0).expand(loss.members, -1)
    with hessian_product(loss) as (product, _):
        claimed = product(v)
    distances = DISTANCE * torch.linalg.vector_norm(flat(here.values(), loss.members), dim=1, keepdim=True).clamp(min=1)

    def change(steps: Tensor) -> Tensor:
        moved = shaped(steps * v, here)
        there = loss.gradient({name: (w + moved[name]).requires_grad_() for name, w in here.items()})
        return (there - gradient) / steps

    found = change(distances)
    is_off = [not apart <= MAX_DIFFERENCE for apart in _apart(claimed, found).tolist()]
    if not any(is_off):
        return [None] * loss.members
    again = change(distances / SHORTER)
    numbers = zip(is_off, *torch.stack([_apart(claimed, again), _apart(found, again)]).tolist(), strict=True)
    return [
        _reason(off) if was_off and off > MAX_DIFFERENCE and not moved > 0.1 * off else None
        for was_off, off, moved in numbers
    ]


def _reason(off: float) -> str:
    share = f"H v differs by {off:.2g} of its length from the gradient's change along v"
    return f"the model's second derivative is wrong: {share}"


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """Return the distance of each over the longer one's length, (K,); 0 where both are zero."""
    first, second, apart = (torch.linalg.vector_norm(vectors, dim=1) for vectors in (one, other, one - other))
    return torch.where(apart == 0, 0.0, apart / torch.maximum(first, second))
