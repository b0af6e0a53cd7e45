"""What trials of one kind cost: seconds for each thing that they do, and bytes for each row that they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bnsweep.running.prices.load import Load


@dataclass(frozen=True)
class Costs:
    """Seconds and bytes.

    Args:
        trial_s: what each trial takes beside its steps, evaluations and measurements.
        step_s: a step without measurements.
        evaluation_s: a pass over the test set.
        probe_s: a measurement, by the probe's table.
        probe_rows: rows of a measurement, by table.
        file_bytes: a Parquet file without its rows, by table.
        row_bytes: a row in it, by table.
        compile_s: compiling the step, once in each worker.
    """

    trial_s: float
    step_s: float
    evaluation_s: float
    probe_s: Mapping[str, float]
    probe_rows: Mapping[str, float]
    file_bytes: Mapping[str, float]
    row_bytes: Mapping[str, float]
    compile_s: float = 0.0

    def seconds(self, load: Load) -> float:
        """Return what one trial of `load` takes."""
        measuring = sum(count * self.probe_s[table] for table, count in load.measurements.items())
        return self.trial_s + load.steps * self.step_s + load.evaluations * self.evaluation_s + measuring

    def row_bytes_of(self, load: Load) -> float:
        """Return what the rows of one trial of `load` add to the files of all tables."""
        rows = {table: count * self.probe_rows[table] for table, count in load.measurements.items()}
        rows |= {"curves": load.rows_of_curves, "trials": 1}
        return sum(count * self.row_bytes[table] for table, count in rows.items())


def mean_costs(costs: Sequence[Costs]) -> Costs:
    """Return the mean of each cost."""
    return Costs(
        trial_s=fmean(cost.trial_s for cost in costs),
        step_s=fmean(cost.step_s for cost in costs),
        evaluation_s=fmean(cost.evaluation_s for cost in costs),
        probe_s=_by_table(costs, lambda cost: cost.probe_s),
        probe_rows=_by_table(costs, lambda cost: cost.probe_rows),
        file_bytes=_by_table(costs, lambda cost: cost.file_bytes),
        row_bytes=_by_table(costs, lambda cost: cost.row_bytes),
        compile_s=fmean(cost.compile_s for cost in costs),
    )


def _by_table(costs: Iterable[Costs], pick: Callable[[Costs], Mapping[str, float]]) -> dict[str, float]:
    """Return the mean for each table; the trials of a sweep all have the same probes, hence tables."""
    picked = [pick(cost) for cost in costs]
    return {table: fmean(values[table] for values in picked) for table in picked[0]}
