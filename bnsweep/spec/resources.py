"""What one worker holds."""

from __future__ import annotations

import math
from typing import Self

from pydantic import Field, model_validator

from bnsweep.spec.section import Section


class Resources(Section):
    """What one worker holds."""

    cpus: float = Field(default=1, gt=0, allow_inf_nan=False)
    """That it reserves; PyTorch itself uses one thread, so that the bits do not depend on it."""
    gpus: float = Field(default=0, ge=0, allow_inf_nan=False)
    """With 0 it trains on the CPU; a fraction shares a GPU and its memory."""

    @model_validator(mode="after")
    def _gpus_are_whole_above_one(self) -> Self:
        if self.gpus > 1 and self.gpus != int(self.gpus):
            raise ValueError(f"gpus {self.gpus:g}: a share of one GPU, such as 0.25, or a whole number of them")
        return self

    def workers_on(self, cpus: float, gpus: float) -> int:
        """Return how many workers fit on a machine with so many processors and GPUs; a share is of one of them."""
        fits = _times(self.cpus, cpus)
        if self.gpus >= 1:
            fits = min(fits, _times(self.gpus, gpus))
        elif self.gpus:
            fits = min(fits, math.floor(gpus) * _times(self.gpus, 1))
        return fits

    @property
    def with_whole_gpus(self) -> Resources:
        """The same with all of a GPU where these have a share of it."""
        return self.model_copy(update={"gpus": math.ceil(self.gpus)})


def _times(part: float, whole: float) -> int:
    return math.floor(whole / part + 1e-9)
