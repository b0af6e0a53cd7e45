"""One trial, fully resolved: what is trained, how, with which seed, and what is measured."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Literal, get_args

from pydantic import Field

from bnsweep.spec.datasets import DatasetSpec, NoDatasetSpec
from bnsweep.spec.log import LogSpec
from bnsweep.spec.models import ModelSpec, NoModelSpec
from bnsweep.spec.own_trial import OwnTrialSpec
from bnsweep.spec.probes import ProbesSpec
from bnsweep.spec.section import NONE, PositiveFloat, Section, reads
from bnsweep.spec.train import TrainSpec

SEMANTICS_VERSION = 5
"""Bumped whenever the same spec would give other numbers, so that old and new rows never mix."""

AXES = ("norm", "init", "init_gain", "lr", "seed")
"""The fields beside the key that every table but `failures` has, so that nobody needs a join to plot."""

NormName = Literal[
    "none",
    "batch",
    "noisy_batch",
    "l1",
    "l2",
    "linf",
    "layer",
    "group",
    "instance",
    "rms",
    "weight",
    "weight_standardization",
    "dyt",
]
NORM_NAMES: tuple[NormName, ...] = get_args(NormName)
InitName = Literal["default", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal"]
BATCH_STATISTICS = ("batch", "noisy_batch", "l1", "l2", "linf")
"""Modes whose statistics are over the mini-batch."""


REAL_TARGET_LOSSES = ("mse",)
"""Losses of real targets."""


SECOND_DERIVATIVES = ("curvature", "flatness")
"""Probes that take second derivatives."""


class TrialSpec(Section):
    """One fully resolved configuration and seed."""

    model: ModelSpec = NoModelSpec()
    """What is trained; may be left out with a `trial` of your own."""
    dataset: DatasetSpec = NoDatasetSpec()
    """What it is trained on, and tested; may be left out with a `trial` of your own."""
    trial: OwnTrialSpec | None = None
    """A training loop of your own."""
    train: TrainSpec = TrainSpec()
    """How it is trained."""
    norm: NormName = "none"
    """The normalization mode."""
    init: InitName = "default"
    """How the initial weights are drawn."""
    init_gain: PositiveFloat = 1.0
    """Factor on the initial weights."""
    lr: PositiveFloat = 0.1
    """The learning rate; under a schedule the highest."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Fixes data order, initial weights before the gain, and noise, across lr and norm: comparisons are paired."""
    probes: ProbesSpec = ProbesSpec()
    """What is measured on the way, or the name of a set of probes: `economy`, `full`."""
    log: LogSpec = LogSpec()
    """What is kept of the way."""

    @property
    def is_own(self) -> bool:
        """Whether a loop of the user's own trains it."""
        return self.trial is not None

    @reads("is_own", "model.name", "dataset.name", "probes.flatness")
    @staticmethod
    def _has_what_it_needs(is_own: bool, model: str, dataset: str, flatness: object) -> None:
        if model == NONE and not is_own:
            raise ValueError("model: missing; such as {name: vgg}")
        if dataset == NONE and not is_own:
            raise ValueError("dataset: missing; such as {name: digits}")
        if model != NONE and dataset == NONE:
            raise ValueError("dataset: missing; a model is built for one; leave model out too, or give both")
        if dataset == NONE and flatness is not None:
            raise ValueError("probes.flatness: needs a dataset, of which it takes samples; such as {name: digits}")

    @reads("norm", "train.batch_size")
    @staticmethod
    def _batch_statistics_need_a_batch(norm: NormName, batch_size: int) -> None:
        if batch_size == 1 and norm in BATCH_STATISTICS:
            raise ValueError(f"norm {norm} takes statistics over the mini-batch; train.batch_size should be at least 2")

    @reads("dataset", "train.loss")
    @staticmethod
    def _real_targets_need_a_loss_for_them(dataset: DatasetSpec, loss: str) -> None:
        if getattr(dataset, "targets", None) == "real" and loss not in REAL_TARGET_LOSSES:
            raise ValueError(f"train.loss {loss} is for classes; dataset.targets real take loss mse")

    @reads("is_own", "log", "train.log_every")
    @staticmethod
    def _a_summary_is_of_our_own_loop_and_has_its_steps(is_own: bool, log: LogSpec, log_every: int) -> None:
        if log.curves == "summary" and is_own:
            raise ValueError("log.curves summary is of bnsweep's own loop; a loop of your own logs what it likes")
        if log.curves == "summary" and log_every != 1:
            raise ValueError(f"train.log_every {log_every} is for log.curves all; leave it out with summary")

    @reads("probes", "train.precision")
    @staticmethod
    def _second_derivatives_need_digits(probes: ProbesSpec, precision: str) -> None:
        for name in SECOND_DERIVATIVES if precision == "bf16" else ():
            if getattr(probes, name) is not None:
                raise ValueError(
                    f"probes.{name} takes second derivatives, of which train.precision bf16 leaves too few digits; "
                    "leave it out, or train in float32, tf32 or float64"
                )

    @reads("probes", "train.steps")
    @staticmethod
    def _every_probe_measures(probes: ProbesSpec, steps: int) -> None:
        for name, section in probes.sections.items():
            if section.first >= steps and section.at_least is None:
                raise ValueError(
                    f"probes.{name}.{'start' if section.at is None else 'at'}: the first measurement is at step "
                    f"{section.first}, and train.steps {steps} end with step {steps - 1}"
                )

    def to_json(self) -> str:
        """Return the whole spec as JSON with sorted keys; `TrialSpec.model_validate_json` reads it back."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)

    @cached_property
    def trial_key(self) -> str:
        """Return the 16 hex digits that name this trial.

        Fields at their default are left out of the hash, so that a field added later with a default that changes
        nothing leaves the keys of stored trials as they are.
        """
        given = {name: getattr(self, name) for name, field in _FIELDS.items() if getattr(self, name) != field.default}
        spec = {name: value.canonical if isinstance(value, Section) else value for name, value in given.items()}
        return f"{key_number(json.dumps([SEMANTICS_VERSION, spec], sort_keys=True)):016x}"


_FIELDS = TrialSpec.model_fields


def key_number(text: str) -> int:
    """Return the 64 bits that a trial's key writes down, from what is hashed of it."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
