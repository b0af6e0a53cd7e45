"""`none` and `batch`: the two sides of the paper's comparison."""

from __future__ import annotations

from torch import nn

from bnsweep.norm.site import EPS, MOMENTUM, NormSite


def no_norm(site: NormSite) -> nn.Module:
    """Return the identity: a module all the same, so that probes find every site in every mode."""
    del site
    return nn.Identity()


def batch_norm(site: NormSite) -> nn.BatchNorm1d | nn.BatchNorm2d:
    """Return PyTorch's batch normalization of (N, C), after a fully connected layer, or of (N, C, H, W).

    Source: Ioffe & Szegedy 2015. With one value per channel (one sample at a single position) torch raises ValueError
    in training.
    """
    if site.spatial is None:
        return nn.BatchNorm1d(site.channels, eps=EPS, momentum=MOMENTUM)
    return nn.BatchNorm2d(site.channels, eps=EPS, momentum=MOMENTUM)
