"""How a trial trains: its batches, loss, optimizer, and how often it is looked at."""

from __future__ import annotations

from itertools import pairwise
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

ScheduleName = Literal["constant", "cosine", "linear", "step"]
"""How the learning rate goes on after the warm-up."""
BETAS, STEP_AT, STEP_FACTOR = (0.9, 0.999), (0.5, 0.75), 0.1


def _pair(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) != 2:
        raise ValueError(f"given {list(values)}; it should be two numbers, such as {list(BETAS)}")
    return values


def _rising(shares: tuple[float, ...]) -> tuple[float, ...]:
    if not shares or any(one >= other for one, other in pairwise(shares)):
        raise ValueError(f"given {list(shares)}; it should be shares of the steps that rise, such as {list(STEP_AT)}")
    return shares


Betas = Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], Field(strict=False), AfterValidator(_pair)]
Shares = Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(strict=False), AfterValidator(_rising)]
StepsOrShare = Annotated[int, Field(ge=0, le=10**9)] | Annotated[float, Field(ge=0, lt=1)]


def in_steps(given: float, steps: int) -> int:
    """Return how many steps are meant by a number of them, or by a share of `steps`: rounded, but at least one.

    >>> in_steps(50, 200), in_steps(0.05, 200), in_steps(0.001, 200), in_steps(0, 200)
    (50, 10, 1, 0)
    """
    return given if isinstance(given, int) else max(1, round(given * steps)) if given else 0


class TrainSpec(Section):
    """The optimization: every value here is the same for each trial unless it is an axis."""

    steps: PositiveInt = 200
    """Updates, each on one mini-batch."""
    batch_size: PositiveInt = 64
    """Samples in a mini-batch."""
    loss: Literal["cross_entropy", "mse"] = "cross_entropy"
    """What is minimized; `mse` against one-hot vectors, or against real targets."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Of cross_entropy; test losses are without."""
    mse_reduction: Literal["mean", "sum"] = "mean"
    """Of mse, over samples and outputs; `sum` is the paper's for linear networks."""
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    """By which rule weights are updated."""
    momentum: float = Field(default=0.0, ge=0, lt=1)
    """Of sgd."""
    nesterov: bool = False
    """Whether sgd's momentum is Nesterov's."""
    betas: Betas = BETAS
    """Decay rates of the two moments of adam and adamw."""
    weight_decay: float = Field(default=0.0, ge=0, le=1e30)
    """Added to the gradient; of adamw decoupled."""
    clip_norm: PositiveFloat | None = None
    """L2 norm of the gradient above which it is scaled down to it."""
    schedule: ScheduleName = "constant"
    """How the learning rate goes on after the warm-up."""
    step_at: Shares = STEP_AT
    """Shares of the steps at which schedule `step` lowers the rate."""
    step_factor: float = Field(default=STEP_FACTOR, gt=0, le=1)
    """What schedule `step` multiplies the rate by there."""
    warmup: StepsOrShare = 0
    """Steps in which the rate rises to lr; below 1 a share of all steps."""
    max_loss: PositiveFloat = 1e6
    """A mini-batch loss above it, or not finite, is divergence."""
    log_every: PositiveInt = 1
    """Steps from one row in `curves` to the next; log, below, keeps a summary instead."""
    eval_every: PositiveInt | None = None
    """Steps from one evaluation on the test set to the next; left out: at the end only."""
    compile: bool = False
    """The step by `torch.compile`: half a minute per worker and kind of trial at first; needs a C++ compiler."""
    augment: Augmentations = ()
    """Of images, at random: crop, a window of the image with H/8 zeros around it; flip, left and right exchanged."""
    precision: Literal["float32", "float64", "bf16", "tf32"] = "float32"
    """In which training computes; `bf16` is autocast."""
    fuse: int = Field(default=1, ge=1, le=4096)
    """How many trials of one program train as one, which a small model gains by; part of the key, see method.md."""

    @property
    def warmup_steps(self) -> int:
        """How many steps the warm-up takes."""
        return in_steps(self.warmup, self.steps)

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
        if optimizer != "sgd" and momentum != 0:
            raise ValueError(f"momentum {momentum} is for sgd; {optimizer} takes momentum 0.0")

    @reads("optimizer", "momentum", "nesterov")
    @staticmethod
    def _nesterov_needs_momentum(optimizer: str, momentum: float, nesterov: bool) -> None:
        if nesterov and momentum == 0:
            raise ValueError(f"nesterov is for sgd with a momentum above 0; given {optimizer}, momentum {momentum}")

    @reads("optimizer", "betas")
    @staticmethod
    def _betas_need_adam(optimizer: str, betas: tuple[float, ...]) -> None:
        if optimizer == "sgd" and betas != BETAS:
            raise ValueError(f"betas {list(betas)} are for adam and adamw; sgd takes momentum")

    @reads("schedule", "step_at", "step_factor")
    @staticmethod
    def _steps_down_need_their_schedule(schedule: str, step_at: tuple[float, ...], step_factor: float) -> None:
        if schedule != "step" and (step_at, step_factor) != (STEP_AT, STEP_FACTOR):
            raise ValueError(
                f"step_at {list(step_at)} and step_factor {step_factor} are for schedule step; given {schedule}"
            )

    @reads("steps", "schedule", "step_at", "warmup")
    @staticmethod
    def _warmup_leaves_steps(steps: int, schedule: str, step_at: tuple[float, ...], warmup: float) -> None:
        """Refuse a trial that would never train at its learning rate."""
        taken, first_drop = in_steps(warmup, steps), in_steps(step_at[0], steps)
        if warmup and taken >= steps:
            raise ValueError(f"warmup {warmup} takes {taken} of {steps} steps; it should leave some at the full rate")
        if schedule == "step" and taken >= first_drop:
            raise ValueError(
                f"warmup {warmup} ends with step {taken}, and step_at {list(step_at)} lowers the rate from step "
                f"{first_drop} on; it should end before"
            )
