"""Preparing a run: what its trials need is loaded, and what they are made of is built once."""

from __future__ import annotations

from collections.abc import Iterable

from bnsweep.data import Dataset, load_dataset
from bnsweep.data.augment import check_augmentable
from bnsweep.data.labels import note_missing
from bnsweep.error_texts import first_line
from bnsweep.errors import InputError
from bnsweep.models import build_model, describe_split
from bnsweep.probes import build_probes
from bnsweep.results import Store
from bnsweep.running.packs import dataset_key
from bnsweep.running.plan import Plan
from bnsweep.running.run import Prepared
from bnsweep.running.same_data import require_same_data
from bnsweep.spec import CustomSpec, DatasetSpec, NoModelSpec, TorchvisionModelSpec, TrialSpec
from bnsweep.spec.fusing import why_alone
from bnsweep.spec.listed import Trials
from bnsweep.spec.section import NONE
from bnsweep.spec.sweep import Sweep
from bnsweep.spec.trial import REAL_TARGET_LOSSES
from bnsweep.training.compiling import check_compiler
from bnsweep.training.own.trying import try_own_loop
from bnsweep.training.trying import try_model


def prepare(sweep: Sweep, store: Store, plan: Plan) -> Prepared:
    """Load the data and check that every missing trial can be built.

    Raises:
        InputError: the data cannot be read or are others than stored trials had, or a model or probe not built.
    """
    datasets: list[DatasetSpec] = [spec.dataset for spec in _one_each(plan, "dataset")]
    loaded = {dataset_key(dataset): load_dataset(dataset) for dataset in datasets}
    require_same_data(store, ((dataset, loaded[dataset_key(dataset)]) for dataset in datasets))
    if any(dataset.name != NONE for dataset in datasets):
        _check_batch_sizes(_one_each(plan, "train.batch_size", "dataset"), loaded)
        _check_losses(_one_each(plan, "train.loss", "dataset"), loaded)
        for spec in _one_each(plan, "train.augment", "dataset"):
            check_augmentable(spec.train.augment, loaded[dataset_key(spec.dataset)].input_shape)
    if sweep.resources.gpus == 0 and any(spec.train.compile for spec in _one_each(plan, "train.compile")):
        check_compiler()
    for spec in _one_each(plan, "probes"):
        build_probes(spec.probes, spec.train.steps)
    notes = _check_models(_one_each(plan, "model", "norm", "dataset"), loaded) + _missing_labels(datasets, loaded)
    notes += _not_fused(_one_each(plan, "train.fuse", "train.compile", "model", "trial.name", "probes"))
    for spec in _one_each(plan, "trial.name", "model", "norm", "dataset", "probes", "train.precision"):
        if spec.is_own:
            notes += tuple(try_own_loop(spec, loaded[dataset_key(spec.dataset)]))
    for spec in _one_each(plan, "model", "norm", "dataset", "probes", "train.precision"):
        if isinstance(spec.model, CustomSpec | TorchvisionModelSpec) and not spec.is_own:
            try_model(spec, loaded[dataset_key(spec.dataset)])
    return Prepared(sweep, store, plan, loaded, tuple(dict.fromkeys(notes)))


def _one_each(plan: Plan, *fields: str) -> Trials:
    """Return a missing trial for each combination of these fields."""
    return plan.missing.distinct(*fields)[0]


def _check_models(trials: Iterable[TrialSpec], datasets: dict[str, Dataset]) -> tuple[str, ...]:
    """Build each model, so that what cannot be built is said before the start; return what the user should know."""
    notes = dict[str, None]()
    for spec in trials:
        if isinstance(spec.model, NoModelSpec):
            continue
        data = datasets[dataset_key(spec.dataset)]
        try:
            model = build_model(spec.model, spec.norm, data.input_shape, data.num_classes, noise_seed=0)
        except (RuntimeError, MemoryError) as error:
            text, reason = spec.model.model_dump_json(), first_line(error)
            raise InputError(f"model: {text} cannot be built ({reason}); give other sizes") from error
        if spec.probes.ics and (note := describe_split(model, spec.model.name)):
            notes[note] = None
    return tuple(notes)


def _not_fused(trials: Iterable[TrialSpec]) -> tuple[str, ...]:
    """Return why trials train one after another that were to train as one."""
    whys = (why_alone(spec) for spec in trials if spec.train.fuse > 1)
    return tuple(f"train.fuse: there are trials that train one after another: {why}" for why in whys if why)


def _missing_labels(specs: Iterable[DatasetSpec], datasets: dict[str, Dataset]) -> tuple[str, ...]:
    """Return what the user should know of labels that no sample to train on has."""
    named = ((spec, datasets[dataset_key(spec)]) for spec in specs if spec.name != NONE)
    return tuple(note for spec, data in named if (note := note_missing(data, spec.name)))


def _check_losses(trials: Iterable[TrialSpec], datasets: dict[str, Dataset]) -> None:
    for spec in trials:
        if datasets[dataset_key(spec.dataset)].has_real_targets and spec.train.loss not in REAL_TARGET_LOSSES:
            raise InputError(
                f"train.loss: {spec.train.loss} is for classes; the targets of dataset {spec.dataset.name} are real "
                f"numbers: {' or '.join(REAL_TARGET_LOSSES)}"
            )


def _check_batch_sizes(trials: Iterable[TrialSpec], datasets: dict[str, Dataset]) -> None:
    for batch_size, key in sorted({(spec.train.batch_size, dataset_key(spec.dataset)) for spec in trials}):
        available = len(datasets[key].train_y)
        if batch_size > available:
            raise InputError(f"train.batch_size: given {batch_size}; the training set has {available} samples")
