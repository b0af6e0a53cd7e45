"""What is measured during a trial, and when; `bnsweep.probes` measures it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from bnsweep.errors import did_you_mean
from bnsweep.spec.section import CALLABLE, CUSTOM, OptionsSection, PositiveFloat, PositiveInt, Section

MAX_MEASUREMENTS = 1_000_000
"""Of one probe in one trial."""


class ScheduleSpec(Section):
    """When a probe measures: exactly one of the three, counted in updates made before.

    `every: n` measures at `start`, `start + n`, ...; with `at_least: m` a trial too short for m of these is measured m
    times all the same, in the middle of each of m equal parts, and with `at_least: 0` it may end before the first. `at`
    measures at the steps listed; `log_spaced: n` at up to n steps from 0 to the trial's last, each about the same
    factor after the one before.
    """

    every: PositiveInt | None = None
    """Updates from one measurement to the next."""
    start: int = Field(default=0, ge=0)
    """The first one, with `every`."""
    at_least: Annotated[int, Field(ge=0, le=MAX_MEASUREMENTS)] | None = None
    """Measurements in a trial too short for as many, with `every`."""
    at: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(default=None, strict=False, min_length=1)
    """The steps at which it measures."""
    log_spaced: Annotated[int, Field(gt=0, le=MAX_MEASUREMENTS)] | None = None
    """Measurements from step 0 to the last, each about the same factor after the one before."""

    @model_validator(mode="after")
    def _one_schedule(self) -> Self:
        given = [name for name in ("every", "at", "log_spaced") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"given {' and '.join(given) or 'no schedule'}; it needs one of every, at, log_spaced")
        if self.every is None and (self.start or self.at_least is not None):
            raise ValueError(f"{'start' if self.start else 'at_least'} goes with every")
        return self

    @property
    def first(self) -> int:
        """Step of the first measurement in a trial that is long enough."""
        return self.start if self.at is None else min(self.at)


class LandscapeSpec(ScheduleSpec):
    """Loss and gradient along the gradient, at multiples of the learning rate and, apart, at absolute step lengths."""

    lr_multiples: tuple[PositiveFloat, ...] = Field(default=(0.5, 1.0, 2.0, 4.0), strict=False)
    """Step lengths as multiples of the step's learning rate."""
    alphas: tuple[PositiveFloat, ...] = Field(default=(), strict=False)
    """Absolute step lengths, the same at every learning rate: a quantity of its own."""

    @model_validator(mode="after")
    def _some_points(self) -> Self:
        if not (self.lr_multiples or self.alphas):
            raise ValueError("needs at least one of lr_multiples and alphas")
        for name in ("lr_multiples", "alphas"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name}: a length is given twice; it would be measured twice")
        return self


class IcsSpec(ScheduleSpec):
    """Internal covariate shift of every layer."""


class MomentsSpec(ScheduleSpec):
    """Mean and standard deviation of what enters and leaves each normalization."""


class LayersSpec(ScheduleSpec):
    """Norms of each layer's weight, gradient and update, and its effective learning rate."""


class CurvatureSpec(ScheduleSpec):
    """Largest eigenvalue of the Hessian of the mini-batch loss, to a relative tolerance."""

    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Relative tolerance of the largest eigenvalue, missed with probability 0.001."""


class FlatnessSpec(Section):
    """Sharpness that rescaling the weights leaves alone, once, after the last step of a trial that completes."""

    samples: PositiveInt = 256
    """Of the training set, that the loss is taken on, in eval mode."""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Relative tolerance, missed with probability 0.001."""


class CustomProbeSpec(ScheduleSpec, OptionsSection):
    """A probe of the user's own; the keys beside the schedule are its options."""


TIERS: dict[str, dict[str, Any]] = {
    "economy": {
        "landscape": {"every": 400, "start": 150, "at_least": 1},
        "ics": {"every": 400, "start": 150, "at_least": 1},
        "moments": {"every": 100, "start": 50, "at_least": 2},
        "layers": {"every": 100, "start": 50, "at_least": 2},
    },
    "full": {
        "landscape": {"every": 200, "start": 100, "at_least": 2, "alphas": (0.01, 0.1, 1.0)},
        "ics": {"every": 200, "start": 100, "at_least": 2},
        "moments": {"every": 100, "start": 50, "at_least": 4},
        "layers": {"every": 100, "start": 50, "at_least": 4},
        "curvature": {"every": 1000, "start": 750, "at_least": 0},
    },
}
"""Named sets of probes; what each costs is measured by benchmarks/probes.py and stated in docs/probes.md.

Tiers differ in what they measure and how often, never in what a measurement means: both walk to the same multiples of
lr. A trial too short for a curvature at step 750 has none: one takes 20 to 100 training steps.
"""


class ProbesSpec(Section):
    """The measurements taken during a trial; one left out is not taken.

    In a sweep file also the name of a tier, and `package.module:callable` as a key for a probe of the user's own.
    """

    landscape: LandscapeSpec | None = None
    """Loss and gradient along the gradient."""
    ics: IcsSpec | None = None
    """Internal covariate shift of every layer."""
    moments: MomentsSpec | None = None
    """What enters and leaves each normalization."""
    layers: LayersSpec | None = None
    """Norms of each layer's weight, gradient and update."""
    curvature: CurvatureSpec | None = None
    """Largest and lowest eigenvalue of the Hessian."""
    flatness: FlatnessSpec | None = None
    """Sharpness of the trained model, once; takes no schedule: `flatness: {}`."""
    custom: dict[Annotated[str, Field(pattern=CALLABLE)], CustomProbeSpec] = Field(
        default_factory=dict, alias="package.module:callable"
    )
    """Probes of your own, into tables of their own."""

    @property
    def sections(self) -> dict[str, ScheduleSpec]:
        """The section of every measurement that is taken of steps, by its name in the sweep file."""
        ours = {name: getattr(self, name) for name in type(self).model_fields if name != "custom"}
        found = {**ours, **self.custom}.items()
        return {name: section for name, section in found if isinstance(section, ScheduleSpec)}

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
        return {**rest, CUSTOM: own} if own else rest

    @model_serializer(mode="wrap")
    def _as_in_a_sweep_file(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        sections: dict[str, Any] = serialize(self)
        own = sections.pop("custom", {})
        return {**sections, **own}
