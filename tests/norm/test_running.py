"""Running statistics: who keeps them, and plain means in their place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bnsweep.norm import NORMS, NormSite, averaging, build_norm, running_norms, set_step

SITE = NormSite(channels=3, spatial=(2, 4), index=0, noise_seed=1)
KEEPING = {"batch", "noisy_batch", "l1", "l2", "linf"}
PYTORCHS: dict[str, Callable[[], nn.Module]] = {
    "batch": lambda: nn.BatchNorm2d(3),
    "batch, cumulative": lambda: nn.BatchNorm2d(3, momentum=None),
    "batch, still": lambda: nn.BatchNorm2d(3, momentum=0.0),
    "instance": lambda: nn.InstanceNorm2d(3, track_running_stats=True),
}


def activations(number: int = 5) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [
        scale * torch.randn((6, 3, 2, 4), generator=generator, dtype=torch.float64) + scale
        for scale in range(1, number + 1)
    ]


@pytest.mark.parametrize("mode", NORMS)
def test_modes_over_mini_batches_keep_running_statistics(mode: str) -> None:
    norm = build_norm(mode, SITE)
    assert len(running_norms(norm)) == (mode in KEEPING)
    assert any("running" in name for name, _ in norm.named_buffers()) == (mode in KEEPING)
    assert running_norms(norm.eval()) == []


def test_what_keeps_none_or_is_frozen_is_left_out() -> None:
    kept, frozen = nn.BatchNorm1d(3), nn.BatchNorm1d(3).eval()
    others = nn.BatchNorm1d(3, track_running_stats=False), nn.InstanceNorm1d(3), nn.LayerNorm(3)
    assert running_norms(nn.Sequential(kept, frozen, *others)) == [kept]


@pytest.mark.parametrize("mode", sorted(KEEPING))
def test_the_mean_is_that_of_the_modes_own_estimate(mode: str) -> None:
    """With momentum 0.1, from 0 and 1, one forward gives 0.1 of the mini-batch's statistics."""
    single = list[dict[str, Tensor]]()
    for x in activations():
        norm = build_norm(mode, SITE).double()
        set_step(norm, 0)
        norm(x)
        single.append({name: (b - 0.9 * ("mean" not in name)) / 0.1 for name, b in norm.named_buffers()})
    norm = build_norm(mode, SITE).double()
    set_step(norm, 0)
    with averaging(running_norms(norm)):
        for x in activations():
            norm(x)
    for name, statistic in norm.named_buffers():
        if "running" in name:
            torch.testing.assert_close(statistic, torch.stack([each[name] for each in single]).mean(0))


@pytest.mark.parametrize("kind", PYTORCHS)
def test_the_mean_is_plain_whatever_the_momentum_and_what_was_there(kind: str) -> None:
    norm = PYTORCHS[kind]().double()
    norm.running_mean.fill_(torch.nan)
    norm.running_var.fill_(torch.inf)
    with averaging(running_norms(norm)):
        for x in activations():
            norm(x)
    over, merged = ((0, 2, 3), ()) if "batch" in kind else ((2, 3), (0,))
    for statistic, of in ((norm.running_mean, Tensor.mean), (norm.running_var, Tensor.var)):
        each = [of(x, over).mean(merged) if merged else of(x, over) for x in activations()]
        torch.testing.assert_close(statistic, torch.stack(each).mean(0))


def test_forwards_of_a_norm_that_is_called_twice_count_alike() -> None:
    norm = nn.BatchNorm2d(3).double()
    twice = nn.Sequential(norm, nn.ReLU(), norm)
    with averaging(running_norms(twice)):
        for x in activations():
            twice(x)
    plain = nn.BatchNorm2d(3, track_running_stats=False).double()
    inputs = [each for x in activations() for each in (x, plain(x).relu())]
    torch.testing.assert_close(norm.running_mean, torch.stack([x.mean((0, 2, 3)) for x in inputs]).mean(0))


def test_a_norm_that_is_not_called_keeps_its_statistics() -> None:
    norm = nn.BatchNorm2d(3)
    norm.running_mean.fill_(7.0)
    with averaging([norm]):
        pass
    assert norm.running_mean.tolist() == [7.0] * 3


@pytest.mark.parametrize("kind", PYTORCHS)
def test_momentum_is_put_back_whatever_happens(kind: str) -> None:
    norm, same = PYTORCHS[kind](), PYTORCHS[kind]()
    with pytest.raises(ValueError, match="4D"), averaging([norm]):
        norm(torch.zeros(2))
    assert norm.momentum == same.momentum
    assert not norm._forward_pre_hooks
