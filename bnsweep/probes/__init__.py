"""Probes: measurements of a training step that leave no trace in the training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bnsweep.probes.context import StepContext
from bnsweep.probes.ics import Ics
from bnsweep.probes.landscape import Landscape
from bnsweep.probes.moments import Moments
from bnsweep.probes.summary import summarize
from bnsweep.results.schema import Row
from bnsweep.spec import ProbesSpec

__all__ = ["PROBES", "Measure", "ScheduledProbe", "StepContext", "build_probes", "summarize"]

Measure = Callable[[StepContext], list[Row]]
"""Takes one measurement of a step: rows of the probe's table, without the trial's own columns."""

PROBES: dict[str, Callable[[Any], Measure]] = {
    "landscape": lambda spec: Landscape(spec.lr_multiples),
    "ics": lambda spec: Ics(),  # noqa: ARG005  the registry's one signature
    "moments": lambda spec: Moments(),  # noqa: ARG005
}
"""Every probe by its name in the sweep file, which is also its table's: makes one from its section of the spec."""


@dataclass(frozen=True)
class ScheduledProbe:
    """A probe and when to use it.

    Args:
        name: the table that its rows go to.
        every: steps from one measurement to the next; the first is at step 0.
        measure: takes the measurement.
    """

    name: str
    every: int
    measure: Measure

    def due(self, step: int) -> bool:
        """Return whether to measure the step that `step` updates came before.

        >>> [step for step in range(60) if ScheduledProbe("ics", 25, lambda ctx: []).due(step)]
        [0, 25, 50]
        """
        return step % self.every == 0


def build_probes(spec: ProbesSpec) -> list[ScheduledProbe]:
    """Return the probes that `spec` asks for; call it anew for each trial, since a probe may remember."""
    sections = {name: getattr(spec, name) for name in PROBES}
    return [
        ScheduledProbe(name, section.every, PROBES[name](section))
        for name, section in sections.items()
        if section is not None
    ]
