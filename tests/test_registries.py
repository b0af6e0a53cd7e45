"""What the sweep file may name is what there is: the words of `bnsweep.spec` and the registries agree."""

from __future__ import annotations

from typing import get_args

import pytest
import torchvision.models
from torchvision.models import list_models

from bnsweep.copies import COPIES, LOOK_WITH
from bnsweep.data import DATASETS
from bnsweep.data.augment import AUGMENTATIONS
from bnsweep.data.torchvision import TORCHVISION_DATASETS
from bnsweep.models import MODELS
from bnsweep.norm import NORMS
from bnsweep.probes import FINAL_PROBES, PROBES
from bnsweep.search.pruning import PRUNERS
from bnsweep.spec import CUSTOM, ProbesSpec, TorchvisionDatasetSpec, TrainSpec
from bnsweep.spec.error_messages import variants
from bnsweep.spec.pruner import PrunerName
from bnsweep.spec.section import NONE, TORCHVISION
from bnsweep.spec.sweep import CopyName
from bnsweep.spec.torchvision_models import TorchvisionModelName
from bnsweep.spec.train import AUGMENT_NAMES, ScheduleName
from bnsweep.spec.trial import InitName, NormName
from bnsweep.training.initialization import INITS
from bnsweep.training.losses import LOSSES
from bnsweep.training.optimizers import OPTIMIZERS
from bnsweep.training.schedules import SCHEDULES

WORDS = {
    "norm": (get_args(NormName), NORMS),
    "init": (get_args(InitName), INITS),
    "loss": (get_args(TrainSpec.model_fields["loss"].annotation), LOSSES),
    "optimizer": (get_args(TrainSpec.model_fields["optimizer"].annotation), OPTIMIZERS),
    "schedule": (get_args(ScheduleName), SCHEDULES),
    "augment": (AUGMENT_NAMES, AUGMENTATIONS),
    "model": (variants("model").keys() - {CUSTOM, TORCHVISION}, MODELS),
    "torchvision's models": (
        get_args(TorchvisionModelName),
        [f"torchvision/{name}" for name in list_models(module=torchvision.models)],
    ),
    "dataset": ({*variants("dataset"), NONE}, DATASETS),
    "torchvision's datasets": (
        get_args(TorchvisionDatasetSpec.model_fields["name"].annotation),
        [f"torchvision/{name}" for name in TORCHVISION_DATASETS],
    ),
    "log_to": (get_args(CopyName), COPIES),
    "log_to, the commands": (get_args(CopyName), LOOK_WITH),
    "pruner": (get_args(PrunerName), PRUNERS),
    "probes": (ProbesSpec.model_fields.keys() - {"custom"}, [*PROBES, *FINAL_PROBES]),
}


@pytest.mark.parametrize("section", WORDS)
def test_the_sweep_file_names_what_there_is(section: str) -> None:
    words, registry = WORDS[section]
    assert set(words) == set(registry)
