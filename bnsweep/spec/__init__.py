"""What a trial is, as plain data (pydantic, frozen), one part of the sweep file per file.

A spec says nothing of where or when it runs: the numbers of a trial depend on its spec alone.
"""

from bnsweep.spec.datasets import (
    Cifar10Spec,
    CustomDatasetSpec,
    DatasetSpec,
    DigitsSpec,
    GaussianSpec,
    ImagesSpec,
    NoDatasetSpec,
    NpzSpec,
    ParquetSpec,
    TorchvisionDatasetSpec,
)
from bnsweep.spec.log import LogSpec
from bnsweep.spec.models import (
    CustomSpec,
    DeepLinearSpec,
    MlpSpec,
    ModelSpec,
    NoModelSpec,
    ResnetSpec,
    TorchvisionModelSpec,
    TransformerSpec,
    VggSpec,
)
from bnsweep.spec.own_trial import OwnTrialSpec
from bnsweep.spec.probes import (
    TIERS,
    CurvatureSpec,
    CustomProbeSpec,
    FlatnessSpec,
    IcsSpec,
    LandscapeSpec,
    LayersSpec,
    MomentsSpec,
    ProbesSpec,
    ScheduleSpec,
)
from bnsweep.spec.resources import Resources
from bnsweep.spec.section import CUSTOM, Section
from bnsweep.spec.train import TrainSpec
from bnsweep.spec.trial import AXES, TrialSpec

__all__ = [
    "AXES",
    "CUSTOM",
    "TIERS",
    "Cifar10Spec",
    "CurvatureSpec",
    "CustomDatasetSpec",
    "CustomProbeSpec",
    "CustomSpec",
    "DatasetSpec",
    "DeepLinearSpec",
    "DigitsSpec",
    "FlatnessSpec",
    "GaussianSpec",
    "IcsSpec",
    "ImagesSpec",
    "LandscapeSpec",
    "LayersSpec",
    "LogSpec",
    "MlpSpec",
    "ModelSpec",
    "MomentsSpec",
    "NoDatasetSpec",
    "NoModelSpec",
    "NpzSpec",
    "OwnTrialSpec",
    "ParquetSpec",
    "ProbesSpec",
    "ResnetSpec",
    "Resources",
    "ScheduleSpec",
    "Section",
    "TorchvisionDatasetSpec",
    "TorchvisionModelSpec",
    "TrainSpec",
    "TransformerSpec",
    "TrialSpec",
    "VggSpec",
]
