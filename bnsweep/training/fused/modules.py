"""What each module of K members becomes when they are joined, and which can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bnsweep.models.pool import GlobalAveragePool, HalvingMaxPool
from bnsweep.models.resnet import PreActivationBlock, ResidualBlock, Shortcut
from bnsweep.models.staged import Stage, StagedModel
from bnsweep.norm import WEIGHTS
from bnsweep.norm.batch import BatchNorm1d, BatchNorm2d, NoNorm
from bnsweep.norm.dyt import DynamicTanh
from bnsweep.norm.group import GroupNorm
from bnsweep.norm.lp import LpBatchNorm
from bnsweep.norm.noisy import NoisyBatchNorm
from bnsweep.norm.rms import RmsNorm
from bnsweep.norm.site import Normalization, NormSite
from bnsweep.norm.weight import WeightNorm
from bnsweep.norm.weight_standardization import WeightStandardization
from bnsweep.training.fused.convolution import JoinedConvolution
from bnsweep.training.fused.joined_layers import (
    JoinedFlatten,
    JoinedLinear,
    JoinedPool,
    JoinedRms,
    JoinedShortcut,
    JoinedTanh,
    Members,
    OverBatch,
    OverFeatures,
)


class JoinedNoisy(Normalization):
    """Batch normalization, then each member's own noise of the step."""

    def __init__(self, members: Members) -> None:
        super().__init__()
        sites = [cast("NoisyBatchNorm", member) for member in members]
        self.batch = joined([site.batch for site in sites])
        self.site, self._sites = _site(members), sites

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized x, of the same shape, with the noise if in training."""
        a: Tensor = self.batch(x)
        if not self.training:
            return a
        is_map = self.site.spatial is not None
        each = a.chunk(len(self._sites), 1) if is_map else a.transpose(1, 2)
        drawn = zip(*(site.noise(own) for site, own in zip(self._sites, each, strict=True)), strict=True)
        s, m = (
            torch.cat(of_each, 1) if self.site.spatial else torch.stack(of_each).transpose(1, 2) for of_each in drawn
        )
        return torch.addcmul(m, s, a)


def _batch_norm_1d(members: Members) -> nn.Module:
    return OverBatch(BatchNorm1d(_site(members)))


def _batch_norm_2d(members: Members) -> nn.Module:
    return BatchNorm2d(_site(members))


def _plain_batch_norm(members: Members) -> nn.Module:
    """That within `noisy_batch`."""
    own = cast("nn.BatchNorm1d | nn.BatchNorm2d", members[0])
    norm = type(own)(len(members) * own.num_features, eps=own.eps, momentum=own.momentum)
    return OverBatch(norm) if isinstance(own, nn.BatchNorm1d) else norm


def _lp(members: Members) -> nn.Module:
    site, own = _site(members), cast("LpBatchNorm", members[0])
    norm = LpBatchNorm(site, own.p)
    return norm if site.spatial else OverBatch(norm)


def _group(members: Members) -> nn.Module:
    site, own = _site(members), cast("GroupNorm", members[0])
    norm = GroupNorm(len(members) * own.num_groups, site)
    return norm if site.spatial else OverFeatures(norm)


def _rms(members: Members) -> nn.Module:
    site = _site(members)
    norm = JoinedRms(site, len(members))
    return norm if site.spatial else OverFeatures(norm)


def _dyt(members: Members) -> nn.Module:
    site = _site(members)
    norm = JoinedTanh(site, len(members))
    return norm if site.spatial else OverFeatures(norm)


def _site(members: Members) -> NormSite:
    """Return the members' site with the channels of all."""
    site = cast("NormSite", members[0].site)
    return replace(site, channels=len(members) * site.channels)


LEAVES: dict[type[nn.Module], Callable[[Members], nn.Module]] = {
    nn.Conv2d: JoinedConvolution,
    nn.Linear: JoinedLinear,
    nn.Flatten: JoinedFlatten,
    GlobalAveragePool: JoinedPool,
    Shortcut: JoinedShortcut,
    BatchNorm1d: _batch_norm_1d,
    BatchNorm2d: _batch_norm_2d,
    nn.BatchNorm1d: _plain_batch_norm,
    nn.BatchNorm2d: _plain_batch_norm,
    LpBatchNorm: _lp,
    GroupNorm: _group,
    RmsNorm: _rms,
    DynamicTanh: _dyt,
}
"""What becomes something else."""
ELEMENTWISE = (nn.ReLU, nn.Tanh, nn.Identity, NoNorm, HalvingMaxPool)
"""What treats each channel by itself and has no parameters: it is as it is."""
CONTAINERS = (StagedModel, Stage, nn.Sequential, ResidualBlock, PreActivationBlock)
"""What runs what it holds."""
PARAMETRIZATIONS: dict[type[nn.Module], str] = {WeightNorm: "weight", WeightStandardization: "weight_standardization"}
"""What normalizes the weights of a unit by themselves, by its mode."""


def joined(members: Members) -> nn.Module:
    """Return one module for those of K members, whose parameters and buffers become parts of its own.

    Raises:
        KeyError: of a kind that cannot be joined; see `refuses`.
    """
    first = members[0]
    if isinstance(first, NoisyBatchNorm):
        return JoinedNoisy(members)
    if isinstance(first, ELEMENTWISE):
        return first
    if isinstance(first, CONTAINERS):
        twin = copy(first)
        twin._modules = {
            name: child and joined([cast("nn.Module", member._modules[name]) for member in members])
            for name, child in first._modules.items()
        }
        return twin
    leaf = LEAVES[_kind(first)](members)
    owner = leaf.norm if isinstance(leaf, OverBatch | OverFeatures) else leaf
    _take_over(owner, members)
    return leaf


def _kind(module: nn.Module) -> type[nn.Module]:
    """Return the class of a module, parametrized or not."""
    return type(module).__bases__[0] if parametrize.is_parametrized(module) else type(module)


def _take_over(owner: nn.Module, members: Members) -> None:
    """Give the owner the members' parameters and buffers, one behind the other, and the members its parts."""
    if parametrize.is_parametrized(members[0]):
        (mode,) = (
            PARAMETRIZATIONS[type(module)] for module in members[0].modules() if type(module) in PARAMETRIZATIONS
        )
        WEIGHTS[mode](cast("nn.Linear | nn.Conv2d", owner.to_empty(device="cpu")))
    for path, own in members[0].named_modules():
        holders = [member.get_submodule(path) for member in members]
        for name in own._parameters:
            if own._parameters[name] is not None:
                whole = _shared([cast("Tensor", holder._parameters[name]) for holder in holders])
                owner.get_submodule(path)._parameters[name] = nn.Parameter(whole)
        for name, buffer in own._buffers.items():
            if buffer is not None and buffer.ndim == 0:  # a count of steps, which is the same for all
                for holder in (owner.get_submodule(path), *holders):
                    holder._buffers[name] = buffer
            elif buffer is not None:
                whole = _shared([cast("Tensor", holder._buffers[name]) for holder in holders])
                owner.get_submodule(path)._buffers[name] = whole


def _shared(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors one behind the other, laid out as they are, and let each be a view of its part."""
    whole = torch.cat([tensor.detach() for tensor in tensors])
    if whole.ndim == 4 and tensors[0].is_contiguous(memory_format=torch.channels_last):
        whole = whole.contiguous(memory_format=torch.channels_last)
    for tensor, part in zip(tensors, whole.chunk(len(tensors)), strict=True):
        tensor.data = part
    return whole
