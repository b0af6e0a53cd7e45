"""Residual networks for small images (He et al. 2015, section 4.2), normalized after each convolution."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from bnsweep.errors import InputError
from bnsweep.models.pool import GlobalAveragePool
from bnsweep.models.sites import Sites
from bnsweep.models.staged import Stage, StagedModel, conv3x3, linear
from bnsweep.spec import ResnetSpec

GROUPS = 3
MIN_PIXELS = 4
"""Pixels across that can be halved twice."""


class ResidualBlock(nn.Module):
    """relu(norm1(conv1(relu(norm0(conv0(x))))) + shortcut(x)): two weight layers that only run as one stage.

    The shortcut is option A, without weights: every stride-th pixel, and zeros for the channels that x lacks.

    Args:
        in_channels: channels of the input.
        channels: channels of the output, no fewer.
        spatial: (H, W) of the output.
        stride: of the first convolution.
        sites: builds the two normalizations.
    """

    def __init__(self, in_channels: int, channels: int, spatial: tuple[int, int], stride: int, sites: Sites) -> None:
        super().__init__()
        self.stride, self.added = stride, channels - in_channels
        self.conv0 = conv3x3(in_channels, channels, stride)
        self.norm0 = sites(channels, spatial)
        self.conv1 = conv3x3(channels, channels)
        self.norm1 = sites(channels, spatial)

    def forward(self, x: Tensor) -> Tensor:
        """Return the next block's input."""
        residual: Tensor = self.norm1(self.conv1(F.relu(self.norm0(self.conv0(x)))))
        return F.relu(residual + self._shortcut(x))

    def _shortcut(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.added)) if self.added else x


def resnet(
    spec: ResnetSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int
) -> StagedModel:
    """Return stages stem, block0, block1, ... and linear, on (C, H, W) images: 6n + 2 weight layers.

    Three groups of n blocks of width w, 2w and 4w; the second and the third group halve H and W, rounding up.

    Raises:
        InputError: images too small to be halved twice, or a mode that cannot work at a site's size.
    """
    channels, *size = input_shape
    height, width = size
    if min(size) < MIN_PIXELS:
        raise InputError(
            f"model.name: resnet (depth {spec.depth}) halves its input twice and needs at least "
            f"{MIN_PIXELS}x{MIN_PIXELS} pixels; given a {height}x{width} input"
        )
    sites = Sites(norm, noise_seed)
    stem = Stage(conv3x3(channels, spec.width), sites(spec.width, (height, width)), after=nn.ReLU())
    built: dict[str, nn.Module] = {"stem": stem}
    blocks = _blocks(spec, (height, width), sites)
    built |= {f"block{i}": block for i, block in enumerate(blocks)}
    built["linear"] = Stage(linear(spec.width << (GROUPS - 1), num_classes), before=GlobalAveragePool())
    return StagedModel(built)


def _blocks(spec: ResnetSpec, spatial: tuple[int, int], sites: Sites) -> list[ResidualBlock]:
    """Return all blocks, on maps of `spec.width` channels and size `spatial`."""
    blocks, channels = list[ResidualBlock](), spec.width
    for group in range(GROUPS):
        for i in range((spec.depth - 2) // (2 * GROUPS)):
            stride = 2 if group > 0 and i == 0 else 1
            spatial = (spatial[0] + stride - 1) // stride, (spatial[1] + stride - 1) // stride
            width = spec.width << group
            blocks.append(ResidualBlock(channels, width, spatial, stride, sites))
            channels = width
    return blocks
