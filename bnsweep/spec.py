"""One trial, fully resolved: what is trained, how, with which seed, and what is measured.

A `TrialSpec` is plain data (pydantic, frozen). It says nothing of where or when it runs: the numbers of a trial depend
on its spec alone. `trial_key` names it.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from bnsweep.errors import did_you_mean

SEMANTICS_VERSION = 1
"""Bumped whenever the same spec would give other numbers, so that old and new rows never mix."""

NormName = Literal["none", "batch", "noisy_batch", "l1", "l2", "linf", "layer", "group", "instance", "rms"]
InitName = Literal["default", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal"]
BATCH_STATISTICS = ("batch", "noisy_batch", "l1", "l2", "linf")
"""Modes whose statistics are over the mini-batch."""

CALLABLE = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
"""How a sweep file names code of the user's own: `package.module:callable`."""

CUSTOM = "package.module:callable"
"""What messages call it."""

PositiveFloat = Annotated[float, Field(gt=0, le=1e30)]
"""Up to where float32 holds it with room for a few factors."""

PositiveInt = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """A part of a sweep file: unknown keys and wrong types are errors, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class VggSpec(Section):
    """3x3 convolutions of the given widths, `M` for a 2x2 max pooling; global average pooling and a linear layer."""

    name: Literal["vgg"]
    widths: tuple[PositiveInt | Literal["M"], ...] = Field(
        default=(64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"),
        strict=False,
    )

    @model_validator(mode="after")
    def _has_a_convolution(self) -> Self:
        if not any(isinstance(width, int) for width in self.widths):
            raise ValueError("needs at least one convolution: widths such as [16, M, 32]")
        return self


class MlpSpec(Section):
    """Fully connected hidden layers of the given widths, and a linear layer on top."""

    name: Literal["mlp"]
    widths: tuple[PositiveInt, ...] = Field(default=(128, 128), strict=False, min_length=1)


class ResnetSpec(Section):
    """Residual network for small images (He et al. 2015, section 4.2): 6n + 2 layers, shortcuts without weights."""

    name: Literal["resnet"]
    depth: PositiveInt = 20
    width: PositiveInt = 16

    @model_validator(mode="after")
    def _three_groups_of_blocks(self) -> Self:
        if self.depth < 8 or self.depth % 6 != 2:
            raise ValueError(f"depth {self.depth} is not 6n + 2; such as 8, 14, 20, 32, 44, 56 or 110")
        return self


class CustomSpec(Section):
    """A model of the user's own: `package.module:callable`; the other keys are the callable's options."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    name: str = Field(pattern=CALLABLE)

    @property
    def options(self) -> dict[str, Any]:
        """The keys beside the name."""
        return dict(self.model_extra or {})


class DigitsSpec(Section):
    """scikit-learn's bundled 8x8 images of digits: 1,437 to train on, 360 to test on."""

    name: Literal["digits"]


class ParquetSpec(Section):
    """An image set published as Parquet: one file for training, one for testing."""

    name: Literal["parquet"]
    train: str = Field(min_length=1)
    test: str = Field(min_length=1)
    image_column: str = "img"
    label_column: str = "label"
    train_limit: PositiveInt | None = None
    test_limit: PositiveInt | None = None


def _model_tag(given: Any) -> str | None:
    name = given.get("name") if isinstance(given, dict) else getattr(given, "name", None)
    if name is None:
        return None
    return CUSTOM if ":" in str(name) else str(name)


ModelSpec = Annotated[
    Annotated[VggSpec, Tag("vgg")]
    | Annotated[MlpSpec, Tag("mlp")]
    | Annotated[ResnetSpec, Tag("resnet")]
    | Annotated[CustomSpec, Tag(CUSTOM)],
    Discriminator(_model_tag),
]
DatasetSpec = Annotated[DigitsSpec | ParquetSpec, Field(discriminator="name")]


class TrainSpec(Section):
    """The optimization: every value here is the same for each trial unless it is an axis."""

    steps: PositiveInt = 200
    batch_size: PositiveInt = 64
    optimizer: Literal["sgd", "adam"] = "sgd"
    momentum: float = Field(default=0.0, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0, le=1e30)
    max_loss: PositiveFloat = 1e6
    log_every: PositiveInt = 1
    eval_every: PositiveInt | None = None

    @model_validator(mode="after")
    def _momentum_needs_sgd(self) -> Self:
        if self.optimizer == "adam" and self.momentum != 0:
            raise ValueError(f"momentum {self.momentum} is for sgd; adam takes momentum 0.0")
        return self


class ScheduleSpec(Section):
    """When a probe measures: exactly one of the three, counted in updates made before.

    `every: n` measures at `start`, `start + n`, ...; `at` at the steps listed; `log_spaced: n` at up to n steps
    between 0 and the trial's last, each about the same factor after the one before.
    """

    every: PositiveInt | None = None
    start: int = Field(default=0, ge=0)
    at: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(default=None, strict=False, min_length=1)
    log_spaced: PositiveInt | None = None

    @model_validator(mode="after")
    def _one_schedule(self) -> Self:
        given = [name for name in ("every", "at", "log_spaced") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"given {' and '.join(given) or 'no schedule'}; it needs one of every, at, log_spaced")
        if self.start and self.every is None:
            raise ValueError("start goes with every")
        return self


class LandscapeSpec(ScheduleSpec):
    """Loss and gradient along the gradient, at multiples of the learning rate and at absolute step lengths."""

    lr_multiples: tuple[PositiveFloat, ...] = Field(default=(0.5, 1.0, 2.0, 4.0), strict=False)
    alphas: tuple[PositiveFloat, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _some_points(self) -> Self:
        if not (self.lr_multiples or self.alphas):
            raise ValueError("needs at least one of lr_multiples and alphas")
        return self


class IcsSpec(ScheduleSpec):
    """Internal covariate shift of every layer."""


class MomentsSpec(ScheduleSpec):
    """Mean and standard deviation of what enters and leaves each normalization."""


class CurvatureSpec(ScheduleSpec):
    """Largest eigenvalue of the Hessian of the mini-batch loss, to a relative tolerance."""

    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.01


class CustomProbeSpec(ScheduleSpec):
    """A probe of the user's own; the keys beside the schedule are its options."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    @property
    def options(self) -> dict[str, Any]:
        """The keys beside the schedule."""
        return dict(self.model_extra or {})


TIERS: dict[str, dict[str, Any]] = {
    "economy": {
        "landscape": {"every": 400},
        "ics": {"every": 400},
        "moments": {"every": 400},
    },
    "full": {
        "landscape": {"every": 150, "alphas": (0.01, 0.1, 1.0)},
        "ics": {"every": 150},
        "moments": {"every": 150},
        "curvature": {"every": 1000, "start": 500},
    },
}
"""Named sets of probes; what each costs is measured by benchmarks/probes.py and stated in the README."""


class ProbesSpec(Section):
    """The measurements taken during a trial; one left out is not taken.

    In a sweep file also the name of a tier, and `package.module:callable` as a key for a probe of the user's own.
    """

    landscape: LandscapeSpec | None = None
    ics: IcsSpec | None = None
    moments: MomentsSpec | None = None
    curvature: CurvatureSpec | None = None
    custom: dict[Annotated[str, Field(pattern=CALLABLE)], CustomProbeSpec] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _tiers_and_callables(cls, given: Any) -> Any:
        if isinstance(given, str):
            if given not in TIERS:
                raise ValueError(f"given {given!r}; {did_you_mean(given, TIERS)}, or a mapping of probes")
            return TIERS[given]
        if not isinstance(given, dict):
            return given
        own = {key: section for key, section in given.items() if isinstance(key, str) and ":" in key}
        rest = {key: section for key, section in given.items() if key not in own}
        return {**rest, "custom": {**rest.get("custom", {}), **own}} if own else rest


class TrialSpec(Section):
    """One fully resolved configuration and seed."""

    model: ModelSpec
    dataset: DatasetSpec
    train: TrainSpec = TrainSpec()
    norm: NormName = "none"
    init: InitName = "default"
    init_gain: PositiveFloat = 1.0
    lr: PositiveFloat = 0.1
    seed: int = Field(default=0, ge=0, lt=2**63)
    probes: ProbesSpec = ProbesSpec()

    @model_validator(mode="after")
    def _batch_statistics_need_a_batch(self) -> Self:
        if self.train.batch_size == 1 and self.norm in BATCH_STATISTICS:
            raise ValueError(
                f"norm {self.norm} takes statistics over the mini-batch; train.batch_size should be at least 2"
            )
        return self

    def to_json(self) -> str:
        """Return the whole spec as JSON with sorted keys; `TrialSpec.model_validate_json` reads it back."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)

    @cached_property
    def trial_key(self) -> str:
        """Return the 16 hex digits that name this trial.

        Fields at their default are left out of the hash, so that a field added later with a default that changes
        nothing leaves the keys of stored trials as they are.
        """
        spec = self.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps([SEMANTICS_VERSION, spec], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
