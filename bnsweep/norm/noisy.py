"""`noisy_batch`: batch normalization whose output is made to shift (Santurkar et al. 2018, Algorithm 1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnsweep.norm.noise import algorithm1_noise, noise_generator
from bnsweep.norm.site import EPS, MOMENTUM, Normalization, NormSite

_NoiseKey = tuple[int, torch.Size, torch.device, torch.dtype]


class NoisyBatchNorm(Normalization):
    """Batch normalization (N, C) or (N, C, H, W), then a <- s a + m with the noise of Algorithm 1.

    In training the noise depends on the site's seed and index and on `step` alone: every forward at one step, a probe's
    too, sees the same noise, and no global random stream is touched. In evaluation there is none. `set_step` sets
    `step`; a training forward before that is a RuntimeError, because noise that never changes is another experiment.
    """

    def __init__(self, site: NormSite) -> None:
        super().__init__()
        self.site = site
        batch_norm = nn.BatchNorm1d if site.spatial is None else nn.BatchNorm2d
        self.batch = batch_norm(site.channels, eps=EPS, momentum=MOMENTUM)
        self.step: int | None = None
        self._drawn: tuple[_NoiseKey, tuple[Tensor, Tensor]] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized x, of the same shape, with this step's noise if in training."""
        a: Tensor = self.batch(x)
        if not self.training:
            return a
        if torch.compiler.is_compiling():  # the noise is another at each step, and each would be compiled anew
            from bnsweep.norm.outside_compilation import uncompiled

            s, m = uncompiled(self.noise, a)
        else:
            s, m = self.noise(a)
        return torch.addcmul(m, s, a)

    def noise(self, a: Tensor) -> tuple[Tensor, Tensor]:
        """Return this step's factors s and offsets m for the activation a, both of its shape; the next step's call
        writes over them. That of a lower precision than float32 is drawn in float32, so that it is the same.
        """
        if self.step is None:
            raise RuntimeError("noisy_batch draws its noise per step: call bnsweep.norm.set_step(model, step) first")
        dtype = torch.float32 if a.dtype.itemsize < torch.float32.itemsize else a.dtype
        key = (self.step, a.shape, a.device, dtype)
        if self._drawn is None or self._drawn[0] != key:
            generator = noise_generator(self.site.noise_seed, self.site.index, self.step, a.device)
            over = self._drawn[1] if self._drawn and self._drawn[0][1:] == key[1:] else None
            self._drawn = key, algorithm1_noise(generator, a.shape, dtype, over)
        return self._drawn[1]

    def extra_repr(self) -> str:
        """Return what `print(model)` shows beside the wrapped batch normalization."""
        return f"site={self.site.index}, noise_seed={self.site.noise_seed}"


def noisy_sites(model: nn.Module) -> list[NoisyBatchNorm]:
    """Return every `noisy_batch` in `model`, whose `step` is to be set to the number of updates made."""
    return [module for module in model.modules() if isinstance(module, NoisyBatchNorm)]


def set_step(model: nn.Module, step: int) -> None:
    """Tell every `noisy_batch` in `model` that `step` updates have been made, counted from 0."""
    for site in noisy_sites(model):
        site.step = step
