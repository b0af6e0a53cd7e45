"""Residual networks for small images (He et al. 2015, section 4.2), normalized after each convolution or before it."""

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

Size = tuple[int, int]


class Shortcut(nn.Module):
    """Option A, without weights: every stride-th pixel in each direction, and so many channels of zeros added."""

    def __init__(self, stride: int, added: int) -> None:
        super().__init__()
        self.stride, self.added = stride, added

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C + added, H / stride, W / stride) of x (N, C, H, W)."""
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.added)) if self.added else x


class ResidualBlock(nn.Module):
    """relu(norm1(conv1(relu(norm0(conv0(x))))) + shortcut(x)): two weight layers that only run as one stage.

    Args:
        in_channels: channels of the input.
        channels: channels of the output, no fewer.
        spatial: (H, W) of the input.
        stride: of the first convolution.
        sites: builds the two normalizations.
    """

    def __init__(self, in_channels: int, channels: int, spatial: Size, stride: int, sites: Sites) -> None:
        super().__init__()
        self.conv0 = conv3x3(in_channels, channels, stride)
        self.norm0 = sites(channels, strided(spatial, stride))
        self.conv1 = conv3x3(channels, channels)
        self.norm1 = sites(channels, strided(spatial, stride))
        self.shortcut = Shortcut(stride, channels - in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the next block's input."""
        residual: Tensor = self.norm1(self.conv1(F.relu(self.norm0(self.conv0(x)))))
        output: Tensor = F.relu(residual + self.shortcut(x))
        return output


class PreActivationBlock(nn.Module):
    """conv1(relu(norm1(conv0(relu(norm0(x)))))) + shortcut(x): nothing is done to the sum.

    Source: He et al. 2016, "Identity Mappings in Deep Residual Networks", figure 4e. The shortcut and the arguments are
    those of `ResidualBlock`.
    """

    def __init__(self, in_channels: int, channels: int, spatial: Size, stride: int, sites: Sites) -> None:
        super().__init__()
        self.norm0 = sites(in_channels, spatial)
        self.conv0 = conv3x3(in_channels, channels, stride)
        self.norm1 = sites(channels, strided(spatial, stride))
        self.conv1 = conv3x3(channels, channels)
        self.shortcut = Shortcut(stride, channels - in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the next block's input."""
        residual: Tensor = self.conv1(F.relu(self.norm1(self.conv0(F.relu(self.norm0(x))))))
        output: Tensor = residual + self.shortcut(x)
        return output


BLOCKS: dict[str, type[ResidualBlock | PreActivationBlock]] = {"post": ResidualBlock, "pre": PreActivationBlock}
"""Every block by its `norm_position`."""


def strided(spatial: Size, stride: int) -> Size:
    """Return the size of a map after a convolution with this stride, which rounds up."""
    return (spatial[0] + stride - 1) // stride, (spatial[1] + stride - 1) // stride


def resnet(
    spec: ResnetSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int
) -> StagedModel:
    """Return stages stem, block0, block1, ... and linear, on (C, H, W) images: 6n + 2 weight layers.

    Three groups of n blocks of width w, 2w and 4w; the second and the third group halve H and W, rounding up. With
    `norm_position: pre` the stem is its convolution alone, and what leaves the last block is normalized before the
    pooling: as many sites as with `post`.

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
    sites, is_pre = Sites(norm, noise_seed), spec.norm_position == "pre"
    stem = conv3x3(channels, spec.width)
    built: dict[str, nn.Module] = {
        "stem": Stage(stem) if is_pre else Stage(stem, sites(spec.width, (height, width)), after=nn.ReLU())
    }
    blocks, spatial = _blocks(spec, (height, width), sites)
    built |= {f"block{i}": block for i, block in enumerate(blocks)}
    features = spec.width << (GROUPS - 1)
    last = [sites(features, spatial), nn.ReLU()] if is_pre else []
    built["linear"] = Stage(linear(features, num_classes), before=nn.Sequential(*last, GlobalAveragePool()))
    return StagedModel(built)


def _blocks(spec: ResnetSpec, spatial: Size, sites: Sites) -> tuple[list[nn.Module], Size]:
    """Return all blocks, on maps of `spec.width` channels and size `spatial`, and the size of what leaves them."""
    blocks, channels = list[nn.Module](), spec.width
    for group in range(GROUPS):
        for i in range((spec.depth - 2) // (2 * GROUPS)):
            stride = 2 if group > 0 and i == 0 else 1
            width = spec.width << group
            blocks.append(BLOCKS[spec.norm_position](channels, width, spatial, stride, sites))
            channels, spatial = width, strided(spatial, stride)
    return blocks, spatial
