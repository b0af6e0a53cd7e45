"""`train.compile`: the training step's forward and backward as kernels that PyTorch generates for them."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import torch
from torch import Tensor, nn

from bnsweep.error_texts import first_line
from bnsweep.errors import InputError


class Compiler:
    """Compiles models one after another; what it compiled for one serves the next of the same kind.

    PyTorch keeps what it compiled, and its settings, once per process: so a process that trains has one compiler,
    and its owner hands it to every trial. In a notebook it takes what else was compiled there away.
    """

    def __init__(self) -> None:
        self._kind: Hashable | None = None

    def __call__(self, model: nn.Module, kind: Hashable) -> Callable[[Tensor], Tensor]:
        """Return the model's forward, compiled for the shapes that it meets; the model stays as it is.

        Random numbers are those of the model itself, so that a probe can draw them again. A model that would have to be
        compiled again and again is an error: what PyTorch then leaves uncompiled depends on what it compiled before.

        Args:
            model: the model.
            kind: equal for models that are compiled to the same. With another kind than before PyTorch starts afresh,
                since what it gave up on in one model it would not try in the next.
        """
        import torch.compiler.config as settings  # slow to load

        if kind != self._kind:
            torch.compiler.reset()
            self._kind = kind
        settings.fail_on_recompile_limit_hit = True
        forward: Callable[[Tensor], Tensor] = torch.compile(model, dynamic=False, options={"fallback_random": True})
        return forward


def check_compiler() -> None:
    """Compile something small.

    Raises:
        InputError: that cannot be done here.
    """
    layer = nn.Linear(1, 1)
    try:
        Compiler()(layer, "check")(torch.ones(2, 1)).sum().backward()  # type: ignore[no-untyped-call]  # torch's own
    except Exception as error:
        reason = first_line(error)
        advice = "install a C++ compiler and Python's headers, or leave compile out"
        raise InputError(f"train.compile: PyTorch cannot compile here ({reason}); {advice}") from error
