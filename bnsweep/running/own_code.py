"""Whether the user's own code is there and takes its options: asked first of all, since starting Ray takes seconds."""

from __future__ import annotations

from bnsweep.spec import CustomDatasetSpec, CustomSpec
from bnsweep.spec.listed import Trials


def check_own_code(trials: Trials) -> None:
    """Load what these trials name as `package.module:callable`; without any, neither that nor torch is imported.

    Raises:
        InputError: there is no such callable, or it does not take the options that the sweep file gives it.
    """
    for spec in trials.distinct("model")[0]:
        if isinstance(spec.model, CustomSpec):
            from bnsweep.models.custom import load_model_function

            load_model_function(spec.model)
    for spec in trials.distinct("dataset")[0]:
        if isinstance(spec.dataset, CustomDatasetSpec):
            from bnsweep.data.custom import load_dataset_function

            load_dataset_function(spec.dataset)
    for spec in trials.distinct("trial.name")[0]:
        if spec.trial is not None:
            from bnsweep.training.own.function import load_trial_function

            load_trial_function(spec.trial.name)
    for spec in trials.distinct("probes")[0]:
        if spec.probes.custom:
            from bnsweep.probes import build_probes

            build_probes(spec.probes, spec.train.steps)
