"""Where a model's normalizations go: numbered as it is built, found again by the probes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from torch import nn

from bnsweep.errors import InputError
from bnsweep.norm import Normalization, NormSite, build_norm
from bnsweep.norm.tokens import OVER_POSITIONS, TokenNorm


@dataclass(frozen=True)
class Sites:
    """Builds the trial's normalization, mode and all, at one site after another.

    Args:
        norm: the normalization mode.
        noise_seed: seed of the noise of `noisy_batch`.
    """

    norm: str
    noise_seed: int
    _indices: Iterator[int] = field(default_factory=count, repr=False)

    def __call__(self, channels: int, spatial: tuple[int, int] | None) -> nn.Module:
        """Return the normalization at the next site, in the order of the calls.

        Args:
            channels: channels C of a map (N, C, H, W), or features of a fully connected layer (N, C).
            spatial: (H, W) of the map, None after a fully connected layer.

        Raises:
            InputError: sizes that are none, or at which the mode cannot work.
        """
        if not (_is_size(channels) and (spatial is None or _is_map(spatial))):
            raise InputError(
                f"norm: given norm({channels!r}, {spatial!r}); it takes the channels and (height, width), "
                "or None after a fully connected layer"
            )
        size = None if spatial is None else (spatial[0], spatial[1])
        return self._build(channels, size)

    def of_tokens(self, features: int, count: int, dim: int = -1) -> nn.Module:
        """Return the normalization at the next site, of tokens: see `bnsweep.norm.tokens.TokenNorm`.

        Args:
            features: features D of a token.
            count: tokens of a sample.
            dim: which dimension of the input the features are: -1, (N, ..., D), or 1, (N, D, ...).

        Raises:
            InputError: sizes that are none, or at which the mode cannot work.
        """
        if not (_is_size(features) and _is_size(count) and dim in (1, -1)):
            raise InputError(
                f"norm: given norm.of_tokens({features!r}, {count!r}, {dim!r}); it takes the features of a token, the "
                "tokens of a sample, and -1 or 1, where the features are"
            )
        return TokenNorm(self._build(features, (count, 1) if self.norm in OVER_POSITIONS else None), dim)

    def _build(self, channels: int, size: tuple[int, int] | None) -> Normalization:
        return build_norm(self.norm, NormSite(channels, size, next(self._indices), self.noise_seed))


def _is_map(spatial: object) -> bool:
    return isinstance(spatial, tuple | list) and len(spatial) == 2 and all(_is_size(n) for n in spatial)


def _is_size(number: object) -> bool:
    return isinstance(number, int) and number > 0
