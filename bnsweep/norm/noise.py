"""The noise of Algorithm 1 as a pure function of seed, site and step.

Santurkar et al. 2018, Algorithm 1, per unit j of a layer, fresh at every step:
mu_j ~ U(-0.5, 0.5), sigma_j ~ U(1, 1.25); then per sample i: m_ij ~ U(mu_j - 0.1, mu_j + 0.1), s_ij ~ N(sigma_j, 0.1).
The unit of a convolution is the channel, and each position of each sample counts as a sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bnsweep.rng import derive

MEAN_BOUND = 0.5
MEAN_JITTER = 0.1
SCALE_BOUNDS = (1.0, 1.25)
SCALE_JITTER = 0.1


def noise_generator(seed: int, site: int, step: int, device: torch.device) -> torch.Generator:
    """Return a generator on `device` whose state depends on the three numbers alone."""
    return torch.Generator(device).manual_seed(derive(seed, "noise", site, step))


def algorithm1_noise(
    generator: torch.Generator, shape: Sequence[int], dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """Return the factors s and the offsets m, both of the activation's shape (N, C) or (N, C, H, W).

    The paper writes N(sigma, 0.1) without saying whether 0.1 is a variance or a standard deviation; it is taken as the
    standard deviation, as the radius 0.1 of m's interval suggests.
    """
    device, channels = generator.device, shape[1]
    low, high = SCALE_BOUNDS
    per_unit = (1, channels, *(1 for _ in shape[2:]))
    mu = torch.empty(per_unit, device=device, dtype=dtype).uniform_(-MEAN_BOUND, MEAN_BOUND, generator=generator)
    sigma = torch.empty(per_unit, device=device, dtype=dtype).uniform_(low, high, generator=generator)
    m = torch.empty(tuple(shape), device=device, dtype=dtype).uniform_(-MEAN_JITTER, MEAN_JITTER, generator=generator)
    s = torch.empty(tuple(shape), device=device, dtype=dtype).normal_(0.0, SCALE_JITTER, generator=generator)
    return s.add_(sigma), m.add_(mu)
