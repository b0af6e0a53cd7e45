"""Models whose backward is right, and the derivative of whose backward is not."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Site = Callable[[int, tuple[int, int] | None], nn.Module]


class KeptSigmoid(torch.autograd.Function):
    """SiLU that keeps its sigmoid outside the graph: what it gives is symmetric, and wrong."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.s = torch.sigmoid(x)
        ctx.save_for_backward(x)
        return x * ctx.s

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * (ctx.s + x * ctx.s * (1 - ctx.s))


class OnceAlone(torch.autograd.Function):
    """Softplus whose backward PyTorch is told not to differentiate."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return F.softplus(x)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * torch.sigmoid(x)


class Detached(torch.autograd.Function):
    """Softplus whose backward forgets the graph of the gradient: what it gives is not symmetric."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return F.softplus(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad.detach() * torch.sigmoid(x)


class InFloat(torch.autograd.Function):
    """`KeptSigmoid` that refuses double precision."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        if x.dtype != torch.float32:
            raise TypeError("float32 alone")
        return KeptSigmoid.forward(ctx, x)

    backward = KeptSigmoid.backward


KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "right": F.silu,
    "kept": KeptSigmoid.apply,
    "once": OnceAlone.apply,
    "detached": Detached.apply,
    "in_float": InFloat.apply,
}


class Activated(nn.Module):
    def __init__(self, features: int, num_classes: int, norm: Site, how: str) -> None:
        super().__init__()
        self.first, self.site, self.out = nn.Linear(features, 8), norm(8, None), nn.Linear(8, num_classes)
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        return self.out(KINDS[self.how](self.site(self.first(x.flatten(1)))))


def activated(input_shape: tuple[int, ...], num_classes: int, norm: Site, how: str) -> nn.Module:
    return Activated(prod(input_shape), num_classes, norm, how)
