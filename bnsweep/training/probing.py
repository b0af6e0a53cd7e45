"""The probes of a trial under way, and the rows that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from bnsweep.probes import ScheduledProbe, StepContext, TrainedModel, build_final_probes, build_probes
from bnsweep.spec import TrialSpec
from bnsweep.training.result import TrialResult


class Probing:
    """Measures what `spec` asks for, and adds the rows and the time to a result.

    Attributes:
        probes: of steps.
        final_probes: of what the trial ends with.
    """

    def __init__(self, spec: TrialSpec, result: TrialResult, clock: Callable[[], float] = perf_counter) -> None:
        self.probes, self.final_probes = build_probes(spec.probes, spec.train.steps), build_final_probes(spec.probes)
        self._result, self._clock = result, clock
        schemas = {probe.table: probe.schema for probe in self.probes}
        schemas |= {probe.table: probe.schema for probe in self.final_probes}
        result.schemas |= schemas
        result.tables |= {table: [] for table in schemas}

    def due(self, step: int) -> list[ScheduledProbe]:
        """Return the probes that measure the step that so many updates came before."""
        return [probe for probe in self.probes if probe.due(step)]

    def measure(self, due: Iterable[ScheduledProbe], context: StepContext) -> None:
        """Add the rows that these probes make of a step."""
        for probe in due:
            self._result.tables[probe.table].extend(probe.measure(context))

    def measure_trained(self, trained: TrainedModel) -> None:
        """Add the rows that the probes make of what the trial ends with."""
        for probe in self.final_probes:
            self._result.tables[probe.table].extend(probe.measure(trained))

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time within the block as the probes'."""
        started = self._clock()
        yield
        self._result.probe_time_s += self._clock() - started

    def state_dict(self) -> list[dict[str, Any]]:
        """Return what each probe of steps remembers."""
        return [probe.state_dict() for probe in self.probes]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Have probes that were just built remember it."""
        for probe, remembered in zip(self.probes, state, strict=True):
            probe.load_state_dict(remembered)
