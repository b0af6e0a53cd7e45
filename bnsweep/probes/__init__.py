"""Probes: measurements of a training step that leave no trace in the training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from bnsweep.errors import InputError
from bnsweep.probes.context import StepContext
from bnsweep.probes.curvature import Curvature
from bnsweep.probes.custom import load_probe
from bnsweep.probes.flatness import Flatness, TrainedModel
from bnsweep.probes.ics import Ics
from bnsweep.probes.joint import JointProbe
from bnsweep.probes.landscape import Landscape
from bnsweep.probes.layers import Layers
from bnsweep.probes.moments import Moments
from bnsweep.probes.schedule import Schedule, make_schedule
from bnsweep.probes.state import Remembering
from bnsweep.probes.summary import summarize
from bnsweep.results.schema import SCHEMAS, Row
from bnsweep.spec import ProbesSpec

__all__ = [
    "FINAL_PROBES",
    "PROBES",
    "FinalProbe",
    "JointProbe",
    "Measure",
    "ScheduledProbe",
    "StepContext",
    "TrainedModel",
    "build_final_probes",
    "build_probes",
    "summarize",
]

Measure = Callable[[StepContext], list[Row]]
"""Takes one measurement of a step: rows of the probe's table, without the trial's own columns."""

PROBES: dict[str, Callable[[Any], Measure]] = {
    "landscape": lambda spec: Landscape(spec.lr_multiples, spec.alphas),
    "ics": lambda spec: Ics(),  # noqa: ARG005  the registry's one signature
    "moments": lambda spec: Moments(),  # noqa: ARG005
    "layers": lambda spec: Layers(),  # noqa: ARG005
    "curvature": lambda spec: Curvature(spec.tolerance),
}
"""Every probe of steps by its name in the sweep file, also its table's: makes one from its section of the spec."""

FinalMeasure = Callable[[TrainedModel], list[Row]]
"""Takes one measurement of a trained model, likewise."""

FINAL_PROBES: dict[str, Callable[[Any], FinalMeasure]] = {
    "flatness": lambda spec: Flatness(spec.samples, spec.tolerance),
}
"""Every probe of what a trial ends with, likewise."""


@dataclass(frozen=True)
class ScheduledProbe:
    """A probe and when to use it.

    Args:
        table: the table that its rows go to.
        due: whether to measure the step that so many updates came before.
        measure: takes the measurement.
        schema: the table's schema.
    """

    table: str
    due: Schedule
    measure: Measure
    schema: pa.Schema

    def state_dict(self) -> dict[str, Any]:
        """Return what the probe remembers from step to step.

        Raises:
            NotPlain: one of the user's own remembers what cannot be saved.
        """
        return self.measure.state_dict() if isinstance(self.measure, Remembering) else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Have a probe that was just built remember what `state_dict` found another to."""
        if isinstance(self.measure, Remembering):
            self.measure.load_state_dict(state)


@dataclass(frozen=True)
class FinalProbe:
    """A probe that measures once, after the last step of a trial that completes.

    Args:
        table: the table that its rows go to.
        measure: takes the measurement.
        schema: the table's schema.
    """

    table: str
    measure: FinalMeasure
    schema: pa.Schema


def build_final_probes(spec: ProbesSpec) -> list[FinalProbe]:
    """Return the probes of what a trial ends with that `spec` asks for."""
    sections = {name: section for name in FINAL_PROBES if (section := getattr(spec, name)) is not None}
    return [FinalProbe(name, FINAL_PROBES[name](section), SCHEMAS[name]) for name, section in sections.items()]


def build_probes(spec: ProbesSpec, steps: int) -> list[ScheduledProbe]:
    """Return the probes that `spec` asks for in a trial of `steps` updates.

    Call it anew for each trial, since a probe may remember.

    Raises:
        InputError: a probe of the user's own cannot be loaded, or two have one table.
    """
    sections = {name: section for name in PROBES if (section := getattr(spec, name)) is not None}
    probes = [
        ScheduledProbe(name, make_schedule(section, steps), PROBES[name](section), SCHEMAS[name])
        for name, section in sections.items()
    ]
    for name, section in spec.custom.items():
        own = load_probe(name, section.options)
        table = own.probe.table
        if table in {probe.table for probe in probes}:
            raise InputError(f"probes.{name}: another probe's table is {table!r} already; one table, one probe")
        probes.append(ScheduledProbe(table, make_schedule(section, steps), own, own.schema))
    return probes
