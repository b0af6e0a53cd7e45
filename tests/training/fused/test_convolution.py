"""The convolution of members on small maps is the plain one, with its first and second derivatives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bnsweep.training.fused.convolution import MAX_POSITIONS, JoinedConvolution, OfSmallMaps

MEMBERS, BATCH, CHANNELS, OUTPUTS = 3, 5, 4, 6


def joined(stride: int = 1, dtype: torch.dtype = torch.float64) -> JoinedConvolution:
    """Return a convolution of members with drawn weights, channels last, as in training."""
    layers = [nn.Conv2d(CHANNELS, OUTPUTS, 3, stride, padding=1) for _ in range(MEMBERS)]
    layer = JoinedConvolution(layers).to_empty(device="cpu").to(dtype)
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    return layer.to(memory_format=torch.channels_last)


def inputs(size: int, dtype: torch.dtype = torch.float64) -> Tensor:
    x = torch.randn(BATCH, MEMBERS * CHANNELS, size, size, dtype=dtype)
    return x.contiguous(memory_format=torch.channels_last).requires_grad_()


def gradients(layer: nn.Module, x: Tensor, of_outputs: Tensor) -> list[Tensor]:
    """Return those of x, weight and bias."""
    return list(torch.autograd.grad(layer(x), [x, *layer.parameters()], of_outputs))


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_on_small_maps_it_is_the_plain_one(size: int, stride: int) -> None:
    layer, x = joined(stride), inputs(size)
    plain = nn.Conv2d.forward(layer, x)
    assert plain[0, 0].numel() <= MAX_POSITIONS
    assert torch.equal(layer(x), plain)
    assert type(layer(x).grad_fn).__name__ == "OfSmallMapsBackward"
    of_outputs = torch.randn_like(plain)
    expected = torch.autograd.grad(plain, [x, *layer.parameters()], of_outputs)
    for found, one in zip(gradients(layer, x, of_outputs), expected, strict=True):
        torch.testing.assert_close(found, one, rtol=1e-12, atol=1e-12)
    options = (layer.bias, (stride, stride), (1, 1), MEMBERS)
    assert torch.autograd.gradgradcheck(lambda *ours: OfSmallMaps.apply(*ours, *options), (x[:1], layer.weight))


def test_larger_maps_are_left_to_pytorch() -> None:
    assert type(joined()(inputs(4)).grad_fn).__name__ == "ConvolutionBackward0"


def test_no_member_moves_the_bits_of_another() -> None:
    layer, x = joined(dtype=torch.float32), inputs(2, torch.float32)
    of_outputs = torch.randn(BATCH, MEMBERS * OUTPUTS, 2, 2)
    before = gradients(layer, x, of_outputs)
    with torch.no_grad():
        x[:, CHANNELS:] = float("nan")
        of_outputs[:, OUTPUTS:] *= 3
    for one, other, own in zip(before, gradients(layer, x, of_outputs), (None, OUTPUTS, OUTPUTS), strict=True):
        first = (slice(None), slice(CHANNELS)) if own is None else (slice(own),)
        assert torch.equal(one[first], other[first])


def test_under_autocast_gradients_have_the_precision_of_the_parameters() -> None:
    layer, x = joined(dtype=torch.float32), inputs(2, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(x)
    found = torch.autograd.grad(output, [x, *layer.parameters()], torch.ones_like(output))
    with torch.autocast("cpu", torch.bfloat16):
        plain = nn.Conv2d.forward(layer, x)
    expected = torch.autograd.grad(plain, [x, *layer.parameters()], torch.ones_like(plain))
    assert output.dtype == torch.bfloat16
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, theirs, rtol=0.02, atol=0.02 * float(theirs.abs().max()))
