"""One trial, fully resolved: what is trained, how, with which seed, and what is measured.

A `TrialSpec` is plain data (pydantic, frozen). It says nothing of where or when it runs: the numbers of a trial depend
on its spec alone. `trial_key` names it.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SEMANTICS_VERSION = 1
"""Bumped whenever the same spec would give other numbers, so that old and new rows never mix."""

NormName = Literal["none", "batch", "noisy_batch", "l1", "l2", "linf", "layer", "group", "instance", "rms"]
InitName = Literal["default", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal"]
BATCH_STATISTICS = ("batch", "noisy_batch", "l1", "l2", "linf")
"""Modes whose statistics are over the mini-batch."""

PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
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


ModelSpec = Annotated[VggSpec | MlpSpec, Field(discriminator="name")]
DatasetSpec = Annotated[DigitsSpec | ParquetSpec, Field(discriminator="name")]


class TrainSpec(Section):
    """The optimization: every value here is the same for each trial unless it is an axis."""

    steps: PositiveInt = 200
    batch_size: PositiveInt = 64
    optimizer: Literal["sgd", "adam"] = "sgd"
    momentum: float = Field(default=0.0, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    max_loss: PositiveFloat = 1e6
    log_every: PositiveInt = 1
    eval_every: PositiveInt | None = None

    @model_validator(mode="after")
    def _momentum_needs_sgd(self) -> Self:
        if self.optimizer == "adam" and self.momentum != 0:
            raise ValueError(f"momentum {self.momentum} is for sgd; adam takes momentum 0.0")
        return self


class LandscapeSpec(Section):
    """Loss and gradient along the gradient direction, at these multiples of the learning rate."""

    every: PositiveInt
    lr_multiples: tuple[PositiveFloat, ...] = Field(default=(0.5, 1.0, 2.0, 4.0), strict=False, min_length=1)


class IcsSpec(Section):
    """Internal covariate shift of every layer."""

    every: PositiveInt


class MomentsSpec(Section):
    """Mean and standard deviation of what enters each nonlinearity."""

    every: PositiveInt


class ProbesSpec(Section):
    """The measurements taken during a trial; one left out is not taken."""

    landscape: LandscapeSpec | None = None
    ics: IcsSpec | None = None
    moments: MomentsSpec | None = None


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
