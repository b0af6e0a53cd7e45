"""Trials under way on a worker, one alone or several as one: made to go on step by step, saved, and given up."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Any, Protocol

from bnsweep.data import Dataset
from bnsweep.spec import TrialSpec
from bnsweep.training.compiling import Compiler
from bnsweep.training.fused.crowd import Crowd, Member
from bnsweep.training.fused.loop import FusedTraining, train_together
from bnsweep.training.loop import AnyTraining, train_alone
from bnsweep.training.training import Training

Outcome = AnyTraining | Member | Exception
Ended = tuple[int, Outcome]


class UnderWay(Protocol):
    """Trials by their index, each until it has ended."""

    @property
    def left(self) -> list[int]:
        """Those that have not ended."""
        ...

    def steps(self) -> Generator[list[Ended]]:
        """Train; yield before the first step and after each one what has ended since: a trial, or the error it raised.

        What is raised here ends all that are left.
        """
        ...

    def give_up(self, trial: int) -> None:
        """Train one no further."""
        ...

    def training(self, trial: int) -> Training:
        """Return one that trains by bnsweep's loop, between two steps."""
        ...

    def state_dict(self, trial: int) -> dict[str, Any]:
        """Return the state of one between two steps."""
        ...


class Alone:
    """One trial.

    Args:
        trial: its index.
        spec: the trial.
        data: what it trains on, on the device to train on.
        saved: its state, by `checkpoint.dump`.
        compiler: that of the process.
    """

    def __init__(self, trial: int, spec: TrialSpec, data: Dataset, saved: bytes | None, compiler: Compiler) -> None:
        self.left, self._trial = [trial], trial
        self._steps = train_alone(spec, data, saved, compiler)
        self._training: AnyTraining | None = None

    def steps(self) -> Generator[list[Ended]]:
        """Train."""
        with closing(self._steps):
            while self.left and (training := next(self._steps, None)) is not None:
                self._training = training
                yield []
        if self.left and self._training is not None:
            self.left.clear()
            yield [(self._trial, self._training)]

    def give_up(self, trial: int) -> None:
        """End."""
        self.left.remove(trial)

    def training(self, trial: int) -> Training:
        """Return it."""
        assert trial == self._trial
        assert isinstance(self._training, Training), "it has begun, and not by a loop of the user's own"
        return self._training

    def state_dict(self, trial: int) -> dict[str, Any]:
        """Return its state."""
        assert trial == self._trial
        assert self._training is not None, "it has begun"
        return self._training.state_dict()


class Together:
    """Trials of one program.

    Args:
        slots: of each trial, by its index.
        specs: the trials.
        data: what they train on, on the device to train on.
        states: of each after the same number of steps; none where they begin.
    """

    def __init__(
        self,
        slots: Mapping[int, int],
        specs: Mapping[int, TrialSpec],
        data: Dataset,
        states: Mapping[int, dict[str, Any]],
    ) -> None:
        self.left, self._slots = list(slots), slots
        by_slot = {slots[trial]: spec for trial, spec in specs.items()}
        self._steps = train_together(by_slot, data, {slots[trial]: state for trial, state in states.items()})
        self._training: FusedTraining | Crowd | None = None

    def steps(self) -> Generator[list[Ended]]:
        """Train."""
        with closing(self._steps):
            while self.left and (training := next(self._steps, None)) is not None:
                self._training = training
                ended = [trial for trial in self.left if self._slots[trial] not in training.left]
                self.left = [trial for trial in self.left if self._slots[trial] in training.left]
                yield [(trial, self._outcome(trial)) for trial in ended]

    def _outcome(self, trial: int) -> Outcome:
        assert self._training is not None, "it has begun"
        slot = self._slots[trial]
        return self._training.errors.get(slot) or self._training.members[slot]

    def give_up(self, trial: int) -> None:
        """Leave its slot to itself."""
        assert self._training is not None, "it has begun"
        self.left.remove(trial)
        self._training.end(self._slots[trial])

    def training(self, trial: int) -> Training:
        """Return the member."""
        assert isinstance(self._training, FusedTraining), "it has begun, and not in a crowd"
        return self._training.members[self._slots[trial]]

    def state_dict(self, trial: int) -> dict[str, Any]:
        """Return its state."""
        assert self._training is not None, "it has begun"
        return self._training.state_dict(self._slots[trial])
