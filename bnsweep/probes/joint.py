"""A step that K trials make as one, and how a probe measures it of all of them at once; K = 1 of a trial alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

from torch import Tensor

from bnsweep.probes.context import StepContext
from bnsweep.probes.stability import Edges
from bnsweep.results.schema import Row


@dataclass(frozen=True)
class JointStep:
    """One step of K trials, none of which acts on another.

    Args:
        whole: the step of their joined model: its parameters, buffers and gradients are the members', one behind the
            other in dimension 0, its loss is the sum of theirs, of which the gradient of each is its own. What is a
            member's own (lr, loss, clip_factor, momentum, edge) is not looked at.
        loss_of_each: outputs and targets of the joined model to the loss of each, (K,).
        losses: the training step's own loss of each.
        lrs: the learning rate of each.
        momenta: the momentum of each.
        clip_factors: what clipping multiplied the gradient of each by.
        edges: finds the edges of stability of their optimizers.
        left: the members whose loss has not diverged; what is measured of the others goes unread.
    """

    whole: StepContext
    loss_of_each: Callable[[Tensor, Tensor], Tensor]
    losses: Sequence[float]
    lrs: Sequence[float]
    momenta: Sequence[float]
    clip_factors: Sequence[float]
    edges: Callable[[], Edges]
    left: Sequence[int]

    @classmethod
    def alone(cls, ctx: StepContext) -> Self:
        """Return the step of one trial."""

        def loss_of_each(outputs: Tensor, y: Tensor) -> Tensor:
            return ctx.loss_fn(outputs, y).reshape(1)

        def edges() -> Edges:
            return Edges([ctx.edge.limit], [ctx.edge.decay], ctx.edge.preconditioner)

        return cls(ctx, loss_of_each, [ctx.loss], [ctx.lr], [ctx.train.momentum], [ctx.clip_factor], edges, [0])

    @property
    def members(self) -> int:
        """K."""
        return len(self.lrs)


@runtime_checkable
class JointProbe(Protocol):
    """A probe that measures the steps of K trials as one; those of the user's own measure one after another."""

    def of_each(self, step: JointStep) -> list[list[Row]]:
        """Return the rows of each member; those of one whose loss diverged hold whatever comes of it."""
        ...

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return the rows of a trial alone."""
        (rows,) = self.of_each(JointStep.alone(ctx))
        return rows
