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
    generator: torch.Generator,
    shape: Sequence[int],
    dtype: torch.dtype = torch.float32,
    over: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the factors s and the offsets m, both of the activation's shape (N, C) or (N, C, H, W).

    The paper writes N(sigma, 0.1) without saying whether 0.1 is a variance or a standard deviation; it is taken as the
    standard deviation, as the radius 0.1 of m's interval suggests. Both are drawn with the channels last, whatever the
    activation's layout, and lie in memory so. m has 32 random bits each, two of them from a word of the generator:
    `uniform_` takes twice as long.

    Args:
        generator: where the noise comes from, and the device that it is for.
        shape: the activation's.
        dtype: the activation's.
        over: what was returned for another step with the same shape and type, to be written over: on a CPU memory that
            is fresh costs more than what is drawn.
    """
    device, (samples, channels, *size) = generator.device, shape
    s, m = over or (torch.empty((samples, *size, channels), device=device, dtype=dtype).movedim(-1, 1) for _ in "sm")
    mu, sigma = (torch.empty(channels, device=device, dtype=dtype) for _ in range(2))
    mu.uniform_(-MEAN_BOUND, MEAN_BOUND, generator=generator)
    sigma.uniform_(*SCALE_BOUNDS, generator=generator)
    words = torch.empty((m.numel() + 1) // 2, device=device, dtype=torch.int64)
    words.random_(-(2**63), None, generator=generator)
    bits = words.view(torch.int32)[: m.numel()].view(samples, *size, channels)
    torch.mul(bits, MEAN_JITTER / 2**31, out=m.movedim(1, -1)).add_(mu)
    s.movedim(1, -1).normal_(0.0, SCALE_JITTER, generator=generator).add_(sigma)
    return s, m
