"""A model with other parameters than its own, for as long as what was computed with them is needed.

`torch.func.functional_call` puts them in place during the forward alone. A backward that runs a part of the forward
again (`torch.utils.checkpoint`) then meets the model's own: so here they stay in place through the backward.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction
from torch.utils import checkpoint
from torch.utils._pytree import tree_map

from bnsweep.probes.attributes import Attributes
from bnsweep.rng import RngState, replayed


@contextmanager
def in_force(
    module: nn.Module,
    params: Mapping[str, Tensor],
    buffers: Mapping[str, Tensor],
    device: torch.device,
    rng_state: RngState | None = None,
    attributes: Attributes | None = None,
) -> Iterator[None]:
    """Put these in the place of the module's own within the block; afterwards all is as it was, to the bit.

    Args:
        module: it runs within the block, and so do the backwards of what it gives.
        params: by name; a tensor with a graph is used with it. A tensor gets the hooks of the parameter in its place.
        buffers: by name; the module gets copies, since a forward in train mode moves running statistics.
        device: of the module.
        rng_state: where the global random streams begin; None: where they are.
        attributes: what the modules' plain attributes hold at first; None: what they do.
    """
    fresh = {id(buffer): buffer.clone() for buffer in buffers.values()}
    given = {**params, **{name: fresh[id(buffer)] for name, buffer in buffers.items()}}
    own, now = _tables(module), Attributes.of({*module.modules(), *(attributes.values if attributes else ())})
    held = [(table, name, tensor) for table, name, tensor in own if tensor is not None]
    by_id = {id(tensor): given[path] for path, tensor in _named(module) if path in given}
    for table, name, tensor in held:
        if (replacement := by_id.get(id(tensor))) is not None:
            table[name] = _hooked(replacement, tensor)
    if attributes is not None:
        attributes.put_back()
    plainly = nullcontext() if torch.is_grad_enabled() else without_old_checkpoints()
    try:
        with replayed(rng_state, device), plainly:
            yield
    finally:
        for table, name, tensor in held:
            table[name] = tensor
        now.put_back()


def _tables(module: nn.Module) -> list[tuple[dict[str, Any], str, Tensor | None]]:
    """Return where each parameter and buffer is registered."""
    tables = [table for inner in module.modules() for table in (inner._parameters, inner._buffers)]
    return [(table, name, tensor) for table in tables for name, tensor in table.items()]


def _named(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)


def _hooked(tensor: Tensor, own: Tensor) -> Tensor:
    """Give a leaf the hooks that change the own parameter's gradient, once."""
    if tensor.requires_grad and tensor.is_leaf and tensor is not own:
        for hook in (own._backward_hooks or {}).values():
            if hook not in (tensor._backward_hooks or {}).values():
                tensor.register_hook(hook)  # type: ignore[no-untyped-call]  # torch's own
    return tensor


def copied(x: Any, with_grad: bool = False) -> Any:
    """Return a copy of what a module is given, since it may write to it; `with_grad` as what has a graph behind it.

    A checkpointed part of the old form (use_reentrant) has no gradient unless its input asks for one.
    """
    if not with_grad:
        return deepcopy(x)
    return tree_map(lambda t: _behind_a_graph(t) if isinstance(t, Tensor) else deepcopy(t), x)


def _behind_a_graph(tensor: Tensor) -> Tensor:
    is_real = tensor.is_floating_point() or tensor.is_complex()
    return tensor.detach().requires_grad_(is_real).clone()


def gradients(loss: Tensor, leaves: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradient of a scalar with respect to each of the leaves, zeros where it does not depend on it.

    What a user's own `autograd.Function`, or a checkpoint, computes in its backward by another backward reaches the
    leaves' `.grad` alone. Elsewhere what the leaves do not need is left out.
    """
    if not loss.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    if not has_own_functions(loss):
        return list(torch.autograd.grad(loss, leaves, materialize_grads=True))
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own
    found = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    return found


def has_own_functions(output: Tensor) -> bool:
    """Return whether the graph has a node whose backward is written in Python."""
    pending, seen = [output.grad_fn], set[Any]()
    while pending:
        node = pending.pop()
        if node is None or node in seen:
            continue
        if isinstance(node, BackwardCFunction):
            return True
        seen.add(node)
        pending += [following for following, _ in node.next_functions]
    return False


class _Plainly:
    """Stands in for a checkpoint of the old form, whose backward cannot be differentiated: it has nothing to repeat."""

    @staticmethod
    def apply(function: Any, preserve_rng_state: bool, *inputs: Any) -> Any:
        """Run the function."""
        del preserve_rng_state
        return function(*inputs)


@contextmanager
def without_old_checkpoints() -> Iterator[None]:
    """Let checkpoints of the old form, within the block, keep what they compute.

    So it can be differentiated twice; and without gradients they would warn that there are none.
    """
    own = checkpoint.CheckpointFunction
    setattr(checkpoint, "CheckpointFunction", _Plainly)  # noqa: B010  mypy takes an assignment for another type
    try:
        yield
    finally:
        setattr(checkpoint, "CheckpointFunction", own)  # noqa: B010


def as_real(tensor: Tensor) -> Tensor:
    """Return a tensor of real numbers: of a complex one real and imaginary parts, in a last dimension of their own."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
