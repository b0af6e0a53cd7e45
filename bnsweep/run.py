"""A run: what is declared minus what is stored, cut into packs and handed to an executor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from bnsweep.data import Dataset, load_dataset
from bnsweep.errors import InputError
from bnsweep.executors import Executor, Job, Lost, Pack, Report
from bnsweep.executors.pack import dataset_key, make_packs
from bnsweep.models import build_model
from bnsweep.plan import Plan
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


def prepare(sweep: Sweep, store: Store) -> Prepared:
    """Load the data and check that every missing trial can be built.

    Raises:
        InputError: the directory cannot be written, the data not read, or a model not built.
    """
    store.check_writable()
    plan = Plan.of(sweep, store)
    datasets = {dataset_key(spec.dataset): spec.dataset for spec in plan.missing}
    loaded = {key: load_dataset(spec) for key, spec in datasets.items()}
    _check_buildable(plan.missing, loaded)
    return Prepared(sweep, store, plan, loaded)


def _check_buildable(trials: Sequence[TrialSpec], datasets: dict[str, Dataset]) -> None:
    """Build every distinct combination of model, norm and data once: what cannot be built is said before the start."""
    distinct = {(spec.model, spec.norm, dataset_key(spec.dataset)) for spec in trials}
    for model, norm, key in sorted(distinct, key=str):
        build_model(model, norm, datasets[key].input_shape, datasets[key].num_classes, noise_seed=0)
    for batch_size, key in sorted({(spec.train.batch_size, dataset_key(spec.dataset)) for spec in trials}):
        available = len(datasets[key].train_y)
        if batch_size > available:
            raise InputError(f"train.batch_size: given {batch_size}; the training set has {available} images")


def run(prepared: Prepared, executor: Executor, start: Callable[[int, int], Report]) -> list[str]:
    """Run the missing trials; return the keys of those that failed.

    `start(num_trials, num_workers)` is called once the executor is up, and returns where reports go.
    """
    sweep, store, missing = prepared.sweep, prepared.store, prepared.plan.missing
    with ExitStack() as stack:
        if missing:
            stack.enter_context(executor)
        num_workers = executor.num_workers(sweep.resources) if missing else 0
        store.recover()
        store.declare(sweep.name, (spec.trial_key for spec in sweep.trials), sweep.text)
        if not missing:
            return []
        packs = make_packs(missing, store.attempts(), num_workers)
        job = Job(sweep.name, store, git_sha(), prepared.datasets)
        lost = executor.run(packs, job, sweep.resources, start(len(missing), num_workers))
    for loss in lost:
        _record_lost(store, packs[loss.pack], loss)
    return [spec.trial_key for spec in Plan.of(sweep, store).missing]


def _record_lost(store: Store, pack: Pack, loss: Lost) -> None:
    finished = store.finished()
    for spec, attempt in zip(pack.trials, pack.attempts, strict=True):
        if spec.trial_key not in finished:
            row = {"trial_key": spec.trial_key, "attempt": attempt, "error": loss.error, "log": loss.log}
            store.record_failure(row | {"failed_at": datetime.now(UTC)})
