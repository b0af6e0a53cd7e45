"""`layer`, `group`, `instance`: statistics of each sample by itself, gain and shift per channel.

All three are group normalization (Wu & He 2018) of C channels in 1, gcd(8, C) and C groups.
"""

from __future__ import annotations

from math import gcd

from torch import nn

from bnsweep.norm.site import EPS, Normalization, NormSite

MAX_GROUPS = 8


class GroupNorm(nn.GroupNorm, Normalization):
    """PyTorch's group normalization of (N, C) or (N, C, H, W)."""

    def __init__(self, groups: int, site: NormSite) -> None:
        super().__init__(groups, site.channels, eps=EPS)
        self.site = site


def layer_norm(site: NormSite) -> GroupNorm:
    """Return normalization of each sample over (C, H, W) (Ba et al. 2016).

    `torch.nn.LayerNorm` would have a gain per element; ours is per channel, as in the other modes.
    """
    site.require_many("layer", site.channels * site.positions, "value per sample", use="batch")
    return GroupNorm(1, site)


def group_norm(site: NormSite) -> GroupNorm:
    """Return normalization of each sample over (C / G, H, W) in G = gcd(8, C) groups of neighbouring channels."""
    return grouped(site, "group")


def grouped(site: NormSite, mode: str) -> GroupNorm:
    """Return group normalization for the mode of this name."""
    groups = gcd(MAX_GROUPS, site.channels)
    site.require_many(mode, site.channels // groups * site.positions, "value per group", use="layer, or more channels")
    return GroupNorm(groups, site)


def instance_norm(site: NormSite) -> GroupNorm:
    """Return normalization of each channel of each sample over (H, W) (Ulyanov et al. 2016)."""
    site.require_many("instance", site.positions, "position per channel", use="layer or group")
    return GroupNorm(site.channels, site)
