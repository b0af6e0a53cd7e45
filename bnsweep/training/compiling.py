"""`train.compile`: the training step's forward and backward as kernels that PyTorch generates for them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bnsweep.errors import InputError
from bnsweep.norm import noisy_sites

_compiled_for: object = None
"""The kind of model that was compiled last in this process."""


def compiled(model: nn.Module, kind: object) -> Callable[[Tensor], Tensor]:
    """Return the model's forward, compiled for the shapes that it meets; the model stays as it is.

    Random numbers are those of the model itself, so that a probe can draw them again. The noise of `noisy_batch` is
    not compiled: it depends on the step, and each step would be compiled anew.

    Args:
        model: the model.
        kind: equal for models that are compiled to the same. With another kind than before PyTorch starts afresh, since
            what it gave up on in one model it would not try in the next.
    """
    import torch._dynamo.config as dynamo  # slow to load
    import torch._inductor.config as inductor

    global _compiled_for
    if kind != _compiled_for:
        torch.compiler.reset()
        _compiled_for = kind
    dynamo.fail_on_recompile_limit_hit = True
    inductor.fallback_random = True
    for site in noisy_sites(model):
        site.noise = torch.compiler.disable(site.noise)  # type: ignore[method-assign,no-untyped-call]
    forward: Callable[[Tensor], Tensor] = torch.compile(model, dynamic=False)
    return forward


def check_compiler() -> None:
    """Compile something small.

    Raises:
        InputError: that cannot be done here.
    """
    layer = nn.Linear(1, 1)
    try:
        compiled(layer, None)(torch.ones(2, 1)).sum().backward()  # type: ignore[no-untyped-call]  # torch's own
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        advice = "install a C++ compiler and Python's headers, or leave compile out"
        raise InputError(f"train.compile: PyTorch cannot compile here ({reason}); {advice}") from error
