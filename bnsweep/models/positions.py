"""Where a token is in its image, written down as numbers that are added to it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

LONGEST = 10_000.0
"""The longest wave, over that of the shortest, in tokens."""


def sines_of_positions(rows: int, columns: int, width: int) -> Tensor:
    """Return sines and cosines of each position's row and column, (rows * columns, width), float32.

    A quarter of the features each is sine and cosine of the column and of the row, with waves from 2 pi tokens on in
    geometric steps (Vaswani et al. 2017, section 3.5, in two dimensions as in Beyer et al. 2022, "Better plain ViT
    baselines for ImageNet-1k"); a width that is no multiple of 4 leaves the last ones out.
    """
    quarter = -(-width // 4)
    frequencies = LONGEST ** -(torch.arange(quarter, dtype=torch.float64) / max(quarter - 1, 1))
    row, column = (angles.flatten()[:, None] * frequencies for angles in _grid(rows, columns))
    return torch.cat([column.sin(), column.cos(), row.sin(), row.cos()], dim=1)[:, :width].float()


def _grid(rows: int, columns: int) -> tuple[Tensor, ...]:
    return torch.meshgrid(
        torch.arange(rows, dtype=torch.float64), torch.arange(columns, dtype=torch.float64), indexing="ij"
    )


class Tokens(nn.Module):
    """A map (N, D, H, W) as tokens (N, H * W, D), row by row, with their positions added."""

    positions: Tensor

    def __init__(self, width: int, rows: int, columns: int) -> None:
        super().__init__()
        self.register_buffer("positions", sines_of_positions(rows, columns, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens."""
        return x.flatten(2).transpose(1, 2) + self.positions


class MeanOverTokens(nn.Module):
    """(N, T, D) to (N, D): the mean over tokens."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of x over its tokens."""
        return x.mean(1)
