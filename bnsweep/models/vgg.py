"""VGG (Simonyan & Zisserman 2015) of any widths, with a normalization site before each ReLU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import nn

from bnsweep.errors import InputError
from bnsweep.models.pool import GlobalAveragePool, HalvingMaxPool
from bnsweep.models.sites import Sites
from bnsweep.models.staged import Stage, StagedModel, conv3x3, linear
from bnsweep.spec import VggSpec

Widths = Sequence[int | Literal["M"]]


def vgg(spec: VggSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int) -> StagedModel:
    """Return stages conv0, conv1, ... of 3x3 convolutions and linear, on (C, H, W) images.

    A pooling belongs to the stage before it; poolings in front of the first convolution belong to the first.

    Raises:
        InputError: more poolings than the images can be halved, or a mode that cannot work at a site's size.
    """
    channels, height, width = input_shape
    _require_pixels(spec.widths, height, width)
    first, blocks = _blocks(spec.widths)
    size, sites = (height >> first, width >> first), Sites(norm, noise_seed)
    built: dict[str, Stage] = {}
    for i, (width_out, poolings) in enumerate(blocks):
        before = nn.Sequential(*_pools(first)) if i == 0 else None
        head = [GlobalAveragePool()] if i == len(blocks) - 1 else []
        after = nn.Sequential(nn.ReLU(), *_pools(poolings), *head)
        built[f"conv{i}"] = Stage(conv3x3(channels, width_out), sites(width_out, size), before, after)
        channels, size = width_out, (size[0] >> poolings, size[1] >> poolings)
    built["linear"] = Stage(linear(channels, num_classes))
    return StagedModel(built)


def _pools(count: int) -> list[nn.Module]:
    return [HalvingMaxPool() for _ in range(count)]


def _blocks(widths: Widths) -> tuple[int, list[tuple[int, int]]]:
    """Return how many poolings come first, and each convolution's width with the poolings that follow it.

    >>> _blocks(["M", 16, 32, "M", "M", 64])
    (1, [(16, 0), (32, 2), (64, 0)])
    """
    first, blocks = 0, list[tuple[int, int]]()
    for width in widths:
        if width != "M":
            blocks.append((width, 0))
        elif blocks:
            blocks[-1] = blocks[-1][0], blocks[-1][1] + 1
        else:
            first += 1
    return first, blocks


def _require_pixels(widths: Widths, height: int, width: int) -> None:
    """Raise InputError if the poolings leave no pixel: each halves H and W, rounding down."""
    poolings = sum(entry == "M" for entry in widths)
    most = min(height, width).bit_length() - 1
    if poolings > most:
        raise InputError(
            f"model.widths: {poolings} poolings (M) are too many for a {height}x{width} input; at most {most} M fit"
        )
