"""The work that trials make: which of them cost the same per step, and how much each does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bnsweep.probes import build_probes
from bnsweep.running.packs import dataset_key
from bnsweep.spec import TrialSpec

Kind = tuple[str | int | bool, ...]
"""What a step, an evaluation and a measurement cost depends on."""


@dataclass(frozen=True)
class Load:
    """Trials that all do the same work.

    Args:
        kind: what their steps cost.
        example: one of them.
        count: how many there are.
        steps: updates of each.
        evaluations: of each, the last one included.
        rows_of_curves: of each.
        measurements: of each, by the probe's table.
    """

    kind: Kind
    example: TrialSpec
    count: int
    steps: int
    evaluations: int
    rows_of_curves: int
    measurements: Mapping[str, int]


def loads(trials: Iterable[TrialSpec]) -> list[Load]:
    """Return the trials by their work, in the order in which they first come; none of them diverges."""
    counts, examples = Counter[tuple[Kind, str]](), dict[tuple[Kind, str], TrialSpec]()
    for spec in trials:
        key = kind_of(spec), spec.train.model_dump_json()
        counts[key] += 1
        examples.setdefault(key, spec)
    return [_load(key[0], examples[key], count) for key, count in counts.items()]


def kind_of(spec: TrialSpec) -> Kind:
    """Return the kind of a trial; learning rate, initialization and seed do not change what a step costs."""
    train = spec.train
    return (
        *(spec.model.model_dump_json(), spec.norm, dataset_key(spec.dataset), spec.probes.model_dump_json()),
        *(train.batch_size, train.optimizer, bool(train.momentum), train.log_every, train.compile),
    )


def _load(kind: Kind, spec: TrialSpec, count: int) -> Load:
    steps, train = spec.train.steps, spec.train
    logged = range(0, steps, train.log_every)
    evaluated = range(0, steps, train.eval_every) if train.eval_every else range(0)
    extra = sum(step not in logged for step in evaluated)
    due = {probe.table: sum(map(probe.due, range(steps))) for probe in build_probes(spec.probes, steps)}
    return Load(kind, spec, count, steps, len(evaluated) + 1, len(logged) + extra + 1, due)
