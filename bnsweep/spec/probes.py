"""What is measured during a trial, and when; `bnsweep.probes` measures it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from bnsweep.errors import did_you_mean
from bnsweep.spec.section import CALLABLE, PositiveFloat, PositiveInt, Section


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
