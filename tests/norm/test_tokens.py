"""Every mode on tokens, against loops over the entries that share their statistics."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bnsweep.errors import InputError
from bnsweep.models.sites import Sites
from bnsweep.norm import NORMS, set_step
from tests import reference

N, T, D = 3, 4, 6


def tokens() -> torch.Tensor:
    """Features that differ in mean and scale, (N, T, D)."""
    x = torch.randn((N, T, D), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return x * torch.arange(1, D + 1) + torch.arange(D) - 2


def expected(mode: str, x: torch.Tensor) -> torch.Tensor:
    """Statistics per token, per feature over all tokens, or per feature of a sample over its tokens."""
    if mode == "instance":
        return torch.stack([reference.normalize("batch", sample) for sample in x])
    return reference.normalize(mode, x.reshape(N * T, D)).view(N, T, D)


@pytest.mark.parametrize("mode", [mode for mode in NORMS if mode != "noisy_batch"])
def test_a_token_is_to_its_mode_what_a_sample_is(mode: str) -> None:
    x = tokens()
    norm = Sites(mode, 0).of_tokens(D, T).double()
    torch.testing.assert_close(norm(x), expected(mode, x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mode", NORMS)
def test_features_may_come_first_and_positions_in_two_dimensions(mode: str) -> None:
    x = tokens()
    last, first = (Sites(mode, 0).of_tokens(D, T, dim).double() for dim in (-1, 1))
    for norm in (last, first):
        set_step(norm, 0)
    square = first(x.view(N, 2, 2, D).permute(0, 3, 1, 2))
    assert torch.equal(square.permute(0, 2, 3, 1).reshape(N, T, D), last(x))


def test_layer_is_torchs_own() -> None:
    x = tokens()
    torch.testing.assert_close(Sites("layer", 0).of_tokens(D, T).double()(x), nn.LayerNorm(D).double()(x))


def test_noise_is_drawn_for_each_token() -> None:
    x, norm = tokens(), Sites("noisy_batch", 1).of_tokens(D, T).double()
    set_step(norm, 3)
    s, m = (drawn.view(N, T, D) for drawn in norm.norm.noise(x.view(N * T, D)))
    torch.testing.assert_close(norm(x), reference.noisy(expected("batch", x), s, m), rtol=1e-10, atol=1e-12)


def test_instance_needs_more_than_one_token_and_others_do_not() -> None:
    with pytest.raises(InputError, match=r"norm: instance normalization needs more than two positions per channel"):
        Sites("instance", 0).of_tokens(D, 1)
    Sites("layer", 0).of_tokens(D, 1)


@pytest.mark.parametrize("sizes", [(0, 4), (6, -1), (6, 4, 2)])
def test_sizes_that_are_none_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"given norm\.of_tokens\(.*it takes the features of a token"):
        Sites("layer", 0).of_tokens(*sizes)
