"""`none` and `batch`: the two sides of the paper's comparison."""

from __future__ import annotations

from torch import nn

from bnsweep.norm.site import EPS, MOMENTUM, Normalization, NormSite


class NoNorm(nn.Identity, Normalization):
    """The identity: a module all the same, so that probes find every site in every mode."""

    def __init__(self, site: NormSite) -> None:
        super().__init__()
        self.site = site


class BatchNorm1d(nn.BatchNorm1d, Normalization):
    """PyTorch's batch normalization of (N, C)."""

    def __init__(self, site: NormSite) -> None:
        super().__init__(site.channels, eps=EPS, momentum=MOMENTUM)
        self.site = site


class BatchNorm2d(nn.BatchNorm2d, Normalization):
    """PyTorch's batch normalization of (N, C, H, W)."""

    def __init__(self, site: NormSite) -> None:
        super().__init__(site.channels, eps=EPS, momentum=MOMENTUM)
        self.site = site


def batch_norm(site: NormSite) -> BatchNorm1d | BatchNorm2d:
    """Return batch normalization of (N, C), after a fully connected layer, or of (N, C, H, W).

    Source: Ioffe & Szegedy 2015. With one value per channel (one sample at a single position) torch raises ValueError
    in training.
    """
    return BatchNorm1d(site) if site.spatial is None else BatchNorm2d(site)
