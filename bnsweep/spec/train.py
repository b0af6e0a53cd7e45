"""How a trial trains: its batches, loss, optimizer, and how often it is looked at."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from bnsweep.spec.section import PositiveFloat, PositiveInt, Section, reads

AugmentName = Literal["crop", "flip"]
AUGMENT_NAMES: tuple[AugmentName, ...] = get_args(AugmentName)


def _in_order(names: tuple[AugmentName, ...]) -> tuple[AugmentName, ...]:
    """Return the names in the order of `AUGMENT_NAMES`, in which they are done."""
    if len(set(names)) < len(names):
        raise ValueError(f"given {list(names)}; each should be there once")
    return tuple(name for name in AUGMENT_NAMES if name in names)


Augmentations = Annotated[tuple[AugmentName, ...], Field(strict=False), AfterValidator(_in_order)]


class TrainSpec(Section):
    """The optimization: every value here is the same for each trial unless it is an axis."""

    steps: PositiveInt = 200
    batch_size: PositiveInt = 64
    loss: Literal["cross_entropy", "mse"] = "cross_entropy"
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    mse_reduction: Literal["mean", "sum"] = "mean"
    optimizer: Literal["sgd", "adam"] = "sgd"
    momentum: float = Field(default=0.0, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0, le=1e30)
    max_loss: PositiveFloat = 1e6
    log_every: PositiveInt = 1
    eval_every: PositiveInt | None = None
    compile: bool = False
    augment: Augmentations = ()

    @reads("loss", "label_smoothing", "mse_reduction")
    @staticmethod
    def _each_loss_has_options_of_its_own(loss: str, label_smoothing: float, mse_reduction: str) -> None:
        if loss == "mse" and label_smoothing:
            raise ValueError(f"label_smoothing {label_smoothing:g} is for cross_entropy; loss mse takes 0.0")
        if loss == "cross_entropy" and mse_reduction != "mean":
            raise ValueError(f"mse_reduction {mse_reduction} is for loss mse; cross_entropy is always a mean")

    @reads("optimizer", "momentum")
    @staticmethod
    def _momentum_needs_sgd(optimizer: str, momentum: float) -> None:
        if optimizer == "adam" and momentum != 0:
            raise ValueError(f"momentum {momentum} is for sgd; adam takes momentum 0.0")
