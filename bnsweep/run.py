"""A run: what is declared minus what is stored, cut into packs and handed to an executor."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bnsweep.data import Dataset, load_dataset
from bnsweep.errors import InputError, Superseded
from bnsweep.executors import Executor, Job, PackQueue, Report
from bnsweep.executors.pack import dataset_key
from bnsweep.executors.supply import Pace, Supply
from bnsweep.models import build_model, describe_split
from bnsweep.plan import Plan
from bnsweep.probes import build_probes
from bnsweep.provenance import git_sha
from bnsweep.results import Store
from bnsweep.spec import TrialSpec
from bnsweep.sweep import Sweep


@dataclass(frozen=True)
class Prepared:
    """A run that was checked and can start: nothing is written yet."""

    sweep: Sweep
    store: Store
    plan: Plan
    datasets: dict[str, Dataset]
    notes: tuple[str, ...]


def prepare(sweep: Sweep, store: Store) -> Prepared:
    """Load the data and check that every missing trial can be built.

    Raises:
        InputError: the directory cannot be written, the data not read, or a model or probe not built.
    """
    store.check_writable()
    plan = Plan.of(sweep, store)
    datasets = {dataset_key(spec.dataset): spec.dataset for spec in plan.missing}
    loaded = {key: load_dataset(spec) for key, spec in datasets.items()}
    _check_batch_sizes(plan.missing, loaded)
    for probes, steps in {
        spec.probes.model_dump_json(): (spec.probes, spec.train.steps) for spec in plan.missing
    }.values():
        build_probes(probes, steps)
    return Prepared(sweep, store, plan, loaded, _check_models(plan.missing, loaded))


def _check_models(trials: Sequence[TrialSpec], datasets: dict[str, Dataset]) -> tuple[str, ...]:
    """Build every distinct combination of model, norm and data once: what cannot be built is said before the start.

    Return what the user should know of them.
    """
    distinct = {(spec.model.model_dump_json(), spec.norm, dataset_key(spec.dataset)): spec for spec in trials}
    notes = dict[str, None]()
    for (text, norm, key), spec in distinct.items():
        try:
            model = build_model(spec.model, norm, datasets[key].input_shape, datasets[key].num_classes, noise_seed=0)
        except (RuntimeError, MemoryError) as error:
            raise InputError(
                f"model: {text} cannot be built ({str(error).splitlines()[0]}); give other sizes"
            ) from error
        if spec.probes.ics and (note := describe_split(model, spec.model.name)):
            notes[note] = None
    return tuple(notes)


def _check_batch_sizes(trials: Sequence[TrialSpec], datasets: dict[str, Dataset]) -> None:
    for batch_size, key in sorted({(spec.train.batch_size, dataset_key(spec.dataset)) for spec in trials}):
        available = len(datasets[key].train_y)
        if batch_size > available:
            raise InputError(f"train.batch_size: given {batch_size}; the training set has {available} samples")


def run(
    prepared: Prepared,
    executor: Executor,
    start: Callable[[int, int], Report],
    *,
    is_interrupted: Callable[[], bool] = lambda: False,
    checkpoint_every_s: float = 600.0,
) -> list[str]:
    """Run the missing trials; return the keys of those that have no result in the end.

    Args:
        prepared: what to run.
        executor: what runs it.
        start: called with num_trials and num_workers once the executor is up; returns where reports go.
        is_interrupted: asked all the time; once it says yes, what finished is committed and nothing more is begun.
        checkpoint_every_s: how often a trial that takes long is saved.

    Raises:
        InputError: another run holds the directory, or not all workers share it. StoreError: results cannot be written.
    """
    sweep, store, missing = prepared.sweep, prepared.store, prepared.plan.missing
    with ExitStack() as stack:
        if missing:
            stack.enter_context(executor)
            executor.check_place(store)
        num_workers = executor.num_workers(sweep.resources) if missing else 0
        hold = stack.enter_context(store.lock())
        store.begin(hold.token)
        store.recover()
        store.declare(sweep.name, (spec.trial_key for spec in sweep.trials), sweep.text)
        missing = Plan.of(sweep, store).missing  # once more, now that no other run can commit
        if not missing:
            return []

        def must_stop() -> bool:
            if hold.is_lost():
                raise Superseded(f"{store.root}: another run has taken it over; this one commits nothing any more")
            return is_interrupted()

        supply = Supply(missing, Pace(num_workers), store.attempts(), frozenset(store.checkpoints()))
        job = Job(sweep.name, store, hold.token, git_sha(), prepared.datasets, checkpoint_every_s)
        report = start(len(missing), num_workers)
        executor.run(PackQueue(supply, store, hold.token), job, sweep.resources, report, must_stop)
        store.begin(uuid.uuid4().hex)  # a worker that was given up for dead commits nothing from here on
        store.recover()  # and what it committed before, another one may have committed too
    return [spec.trial_key for spec in Plan.of(sweep, store).missing]
