"""Normalization modes: what stands between a layer's weights and its nonlinearity.

Every mode but `none` and `weight` has a gain of 1 and a shift of 0 per channel at the start; `weight` leaves what comes
out of the layer as it is and normalizes its weight instead. `weight_standardization` does both.
"""

from __future__ import annotations

from collections.abc import Callable

from bnsweep.errors import InputError, did_you_mean
from bnsweep.norm.batch import NoNorm, batch_norm
from bnsweep.norm.dyt import DynamicTanh
from bnsweep.norm.group import group_norm, instance_norm, layer_norm
from bnsweep.norm.lp import l1_norm, l2_norm, linf_norm
from bnsweep.norm.noisy import NoisyBatchNorm, noisy_sites, set_step
from bnsweep.norm.rms import rms_norm
from bnsweep.norm.running import averaging, running_norms
from bnsweep.norm.site import Normalization, NormSite
from bnsweep.norm.weight import WeightLayer, normalize_weight
from bnsweep.norm.weight_standardization import standardize_weight, weight_standardization

__all__ = [
    "NORMS",
    "WEIGHTS",
    "NormSite",
    "Normalization",
    "averaging",
    "build_norm",
    "noisy_sites",
    "running_norms",
    "set_step",
]

NORMS: dict[str, Callable[[NormSite], Normalization]] = {
    "none": NoNorm,
    "batch": batch_norm,
    "noisy_batch": NoisyBatchNorm,
    "l1": l1_norm,
    "l2": l2_norm,
    "linf": linf_norm,
    "layer": layer_norm,
    "group": group_norm,
    "instance": instance_norm,
    "rms": rms_norm,
    "weight": NoNorm,
    "weight_standardization": weight_standardization,
    "dyt": DynamicTanh,
}
"""Every mode by its name in the sweep file: what it puts at a site."""

WEIGHTS: dict[str, Callable[[WeightLayer], None]] = {
    "weight": normalize_weight,
    "weight_standardization": standardize_weight,
}
"""The modes that put something in the place of the weight of the layer before each site."""


def build_norm(name: str, site: NormSite) -> Normalization:
    """Return the normalization `name` for `site`.

    Raises:
        InputError: no such mode, or the mode cannot work at a site of this size.
    """
    if name not in NORMS:
        raise InputError(f"norm: given {name!r}; {did_you_mean(name, NORMS)}")
    return NORMS[name](site)
