"""What `variants_cpu.yaml` has beside the defaults: the walk in eval mode, and normalizations at other scales."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import pyarrow as pa
import torch
from torch import Tensor, nn

from bnsweep.probes import StepContext

MULTIPLES = (0.5, 1.0, 2.0, 4.0)


class EvalLandscape:
    """The walk along the gradient with loss and gradients in eval mode: normalized by the running statistics.

    As `landscape` in all else: w - alpha g on the step's mini-batch, g the gradient at w, here the one in eval mode.
    """

    table = "landscape_eval"
    columns: ClassVar[dict[str, pa.DataType]] = {
        name: pa.float64() for name in ("lr_multiple", "alpha", "loss", "grad_diff_l2", "grad_norm", "beta")
    }

    def __call__(self, ctx: StepContext) -> list[dict[str, Any]]:
        """Return a row per multiple of lr."""
        ctx.model.eval()
        start = {name: ctx.params_before[name] for name in ctx.grads}
        _, gradient = _at(ctx, start)
        grad_norm = _norm(gradient)
        rows = []
        for multiple in MULTIPLES:
            alpha = multiple * ctx.lr
            loss, there = _at(ctx, {name: w - alpha * gradient[name] for name, w in start.items()})
            difference = _norm({name: there[name] - gradient[name] for name in gradient})
            rows.append(
                {
                    "step": ctx.step,
                    "lr_multiple": multiple,
                    "alpha": alpha,
                    "loss": loss,
                    "grad_diff_l2": difference,
                    "grad_norm": grad_norm,
                    "beta": difference / (alpha * grad_norm) if grad_norm else float("nan"),
                }
            )
        return rows


def _at(ctx: StepContext, trained: Mapping[str, Tensor]) -> tuple[float, dict[str, Tensor]]:
    leaves = {name: w.detach().requires_grad_() for name, w in trained.items()}
    with torch.enable_grad(), ctx.in_force({**ctx.params_before, **leaves}):
        loss = ctx.loss_fn(ctx.model(ctx.x), ctx.y)
        gradient = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    return loss.item(), dict(zip(leaves, gradient, strict=True))


def _norm(tensors: Mapping[str, Tensor]) -> float:
    norms = [torch.linalg.vector_norm(tensor, dtype=torch.float64) for tensor in tensors.values()]
    return float(torch.linalg.vector_norm(torch.stack(norms)))


class Scaled(nn.Module):
    """A normalization whose output is multiplied by a constant, as that of another formula for the same norm is.

    The sum of |x|^p in the place of the mean, the largest |x| of a channel in the place of an average of largest ones:
    for Gaussian activations each is the other times a constant.
    """

    def __init__(self, norm: nn.Module, scale: float) -> None:
        super().__init__()
        self.norm, self.scale = norm, scale

    def forward(self, x: Tensor) -> Tensor:
        """Return it for x, of any shape that the normalization takes."""
        scaled: Tensor = self.norm(x) * self.scale
        return scaled


def vgg(
    input_shape: tuple[int, int, int],
    num_classes: int,
    norm: Callable[..., nn.Module],
    widths: Sequence[int | Literal["M"]] = (8, "M", 16, "M", 32, "M"),
    scale: float = 1.0,
) -> nn.Sequential:
    """Return the small VGG of `robustness_cpu.yaml`, the output of each normalization times `scale`."""
    channels, height, width = input_shape
    modules: list[nn.Module] = []
    for entry in widths:
        if entry == "M":
            modules.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
            continue
        modules += [nn.Conv2d(channels, entry, 3, padding=1), Scaled(norm(entry, (height, width)), scale), nn.ReLU()]
        channels = entry
    return nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))
