"""Preparing a run: what its trials need is loaded, and what they are made of is built once."""

from __future__ import annotations

from collections.abc import Sequence

from bnsweep.data import Dataset, load_dataset
from bnsweep.errors import InputError
from bnsweep.models import build_model, describe_split
from bnsweep.probes import build_probes
from bnsweep.results import Store
from bnsweep.running.packs import dataset_key
from bnsweep.running.plan import Plan
from bnsweep.running.run import Prepared
from bnsweep.spec import TrialSpec
from bnsweep.spec.sweep import Sweep
from bnsweep.training.compiling import check_compiler


def prepare(sweep: Sweep, store: Store, plan: Plan) -> Prepared:
    """Load the data and check that every missing trial can be built.

    Raises:
        InputError: the data cannot be read, or a model or probe not built.
    """
    datasets = {dataset_key(spec.dataset): spec.dataset for spec in plan.missing}
    loaded = {key: load_dataset(spec) for key, spec in datasets.items()}
    _check_batch_sizes(plan.missing, loaded)
    if sweep.resources.gpus == 0 and any(spec.train.compile for spec in plan.missing):
        check_compiler()
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
