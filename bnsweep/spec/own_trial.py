"""A trial that trains by a function of the user's own; `bnsweep.training.own` calls it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bnsweep.spec.section import CallableSection, Section, reads

OF_EVERY_TRIAL = ("norm", "init", "init_gain", "lr", "seed", "train")
"""What the function is given of every trial, beside the options of its own."""
OF_A_MAPPING = ("get", "items", "keys", "values")
"""How options are asked for."""


class MetricSpec(Section):
    """Which of the numbers that the function returns is what the trial reports, and which of two is the better."""

    name: str = Field(pattern=r"^[A-Za-z_]\w*$")
    """Its name in what the function returns; `trials` has it as `metric`."""
    mode: Literal["min", "max"]
    """Whether less or more of it is better."""


class OwnTrialSpec(CallableSection):
    """A training loop of the user's own, decorated with `bnsweep.trial`; the other keys are options of its own."""

    metric: MetricSpec
    """What the trial reports."""

    @reads("options")  # by their names, which are not varied
    @staticmethod
    def _options_have_names_of_their_own(options: dict[str, Any]) -> None:
        for name in options:
            if name in OF_EVERY_TRIAL:
                raise ValueError(f"option {name}: every trial has {name}; give it outside of trial, or as an axis")
            if name in OF_A_MAPPING or not name.isidentifier():
                raise ValueError(f"option {name}: config.{name} cannot mean it; give it another name")
