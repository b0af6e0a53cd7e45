"""The probes of trials that train as one: they measure a step of all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import compress

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from bnsweep.probes import JointProbe, ScheduledProbe, build_probes
from bnsweep.probes.context import StepContext, StepStart
from bnsweep.probes.joint import JointStep
from bnsweep.probes.members import by_member
from bnsweep.training.context import step_context
from bnsweep.training.fused.step import JoinedTrials
from bnsweep.training.training import Training


class JointProbing:
    """What probes remember and measure of K members, and whose the rows and the time are.

    What a probe remembers is the members', one behind the other in dimension 0 of each of its tensors. A probe of the
    user's own measures one member after another, and remembers in each one's own probing.

    Args:
        members: between two steps; all K of them.
        joint: what trains them.
    """

    def __init__(self, members: Sequence[Training], joint: JoinedTrials) -> None:
        self._members, self._joint = members, joint
        spec = members[0].spec
        self.probes = build_probes(spec.probes, spec.train.steps)
        for place, probe, _ in self._of_all():
            of_each = [member.probing.probes[place].state_dict() for member in members]
            probe.load_state_dict(tree_map(lambda *parts: torch.cat(parts), *of_each))

    def share(self, member: int) -> None:
        """Let a member's own probes remember what is its own."""
        for place, probe, _ in self._of_all():
            own = tree_map(lambda whole: by_member(whole, 0, len(self._members))[member], probe.state_dict())
            self._members[member].probing.probes[place].load_state_dict(own)

    def _of_all(self) -> Iterator[tuple[int, ScheduledProbe, JointProbe]]:
        """Yield the probes that measure all at once, with their places among all."""
        for place, probe in enumerate(self.probes):
            if isinstance(probe.measure, JointProbe):
                yield place, probe, probe.measure

    def is_due(self, step: int) -> bool:
        """Return whether a probe measures the step that so many updates came before."""
        return any(probe.due(step) for probe in self.probes)

    def start(self, x: Tensor, left: Iterable[int]) -> StepStart:
        """Return copies of what a step on the mini-batches x (K, B, C, H, W) may move."""
        with self._timed(left):
            return StepStart.of(self._joint.model, self._joint.laid_out(x))

    def measure(self, step: JointStep) -> None:
        """Add the rows of those that are left, by those probes that measure all at once."""
        tables = {slot: self._members[slot].result.tables for slot in step.left}
        with self._timed(step.left):
            for _, probe, measure in self._of_all():
                if probe.due(step.whole.step):
                    of_each = measure.of_each(step)
                    for slot, own in tables.items():
                        own[probe.table].extend(of_each[slot])

    def measure_one(self, step: JointStep, slot: int) -> None:
        """Add the rows of a member by probes of the user's own, which look at its own model."""
        probing = self._members[slot].probing
        is_due = [probe.due(step.whole.step) and not isinstance(probe.measure, JointProbe) for probe in self.probes]
        due = list(compress(probing.probes, is_due))
        if due:
            with probing.timed():
                self._joint.share(slot)
                probing.measure(due, self._context(step, slot))

    def _context(self, step: JointStep, slot: int) -> StepContext:
        """Return the step of a member by itself."""
        whole, member, count = step.whole, self._members[slot], step.members
        model, x = member.trial.model, by_member(whole.x, 1, count)[:, slot].contiguous()
        parameters = _own(model.named_parameters(), whole.params_before.values(), count, slot)
        buffers = _own(model.named_buffers(), whole.buffers.values(), count, slot)
        assert whole.rng_state is not None
        assert whole.attributes is not None
        start = StepStart(x, parameters, buffers, whole.rng_state, whole.attributes)
        return step_context(member.spec, member.trial, start, whole.step, whole.y[:, slot], step.losses[slot])

    @contextmanager
    def _timed(self, slots: Iterable[int]) -> Iterator[None]:
        """Count the time within the block as that of the probes of each: its share of it."""
        with ExitStack() as stack:
            for slot in slots:
                stack.enter_context(self._members[slot].probing.timed())
            yield


def _own(named: Iterable[tuple[str, Tensor]], joined: Iterable[Tensor], members: int, slot: int) -> dict[str, Tensor]:
    """Return a member's parts, by its own names; a count of steps is that of all."""
    pairs = zip(named, joined, strict=True)
    return {name: by_member(whole, 0, members)[slot] if whole.ndim else whole for (name, _), whole in pairs}
