"""What trials take that train as one, and how many should."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from statistics import median
from time import perf_counter
from typing import NamedTuple

import torch

from bnsweep.data import Dataset
from bnsweep.running.prices.costs import EVALUATION, STEP
from bnsweep.running.prices.kinds import tame
from bnsweep.spec import ProbesSpec, TrialSpec
from bnsweep.spec.fusing import why_alone
from bnsweep.training.device_errors import is_out_of_memory, let_go
from bnsweep.training.fused.crowd import Crowd, is_crowd
from bnsweep.training.fused.loop import FusedTraining
from bnsweep.training.loop import train_alone

WARM_UP, STEPS = 3, 18
"""Steps of what is timed, and how many of these are not."""
MOST = 1024
PAYS = 1.1
"""Twice as many trials pay where they take so many times less each."""


class Fusing(NamedTuple):
    """What a step takes each of some trials that train as one, in seconds, by how many they are; 1 is alone."""

    step_s: dict[int, float]

    def __str__(self) -> str:
        """Say which number pays."""
        alone_s, best = self.step_s[1], 1
        for count, seconds in self.step_s.items():
            if self.step_s[best] > PAYS * seconds:
                best = count
        ratios = {count: _times(alone_s / seconds) for count, seconds in self.step_s.items() if count > 1}
        timed = ", ".join(f"{count}: {ratio}" for count, ratio in ratios.items())
        if best == 1:
            return f"train.fuse does not pay here: steps of trials one at a time are as many, about ({timed})"
        return f"train.fuse: {best} pays, with {ratios[best]} times the steps of trials one at a time ({timed})"


def time_fusing(spec: TrialSpec, data: Dataset, most: int, budget_s: float) -> Fusing | None:
    """Time trials like `spec` alone, and by twos, fours, ... as one, as long as that pays; None where they cannot.

    Args:
        spec: the trial.
        data: on the device to train on.
        most: how many there are.
        budget_s: after so many seconds nothing more is begun.
    """
    if why_alone(spec) or most < 2:
        return None
    until, found, count = perf_counter() + budget_s, {1: _step_s(spec, data, 1)}, 2
    while count <= min(most, MOST) and perf_counter() < until:
        try:
            found[count] = _step_s(spec, data, count)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            let_go(error, data.train_x.device)
            break
        if count > 2 and found[count] > found[count // 4]:
            break
        count *= 2
    return Fusing(found) if len(found) > 1 else None


def company_seconds(spec: TrialSpec, data: Dataset) -> dict[str, float]:
    """Return what a trial's step takes, each measurement, and all beside, where as many as fuse train as one."""
    _run(spec, data, spec.train.fuse)
    marks = _run(spec, data, spec.train.fuse)
    step_s, all_s = _median(marks), marks[-1] - marks[0]
    measured = {EVALUATION: 0.0} if is_crowd(spec) else _measured_seconds(spec, data, step_s)
    once_s = all_s - STEPS * step_s - measured[EVALUATION]
    seconds = {STEP: step_s, "trials": max(0.0, once_s), **measured}
    return {part: each / spec.train.fuse for part, each in seconds.items()}


def _measured_seconds(spec: TrialSpec, data: Dataset, step_s: float) -> dict[str, float]:
    """Return what an evaluation takes of all that train as one, and a measurement by each probe, at its own step."""
    count, device = spec.train.fuse, data.train_x.device
    short = tame(spec, steps=WARM_UP + len(spec.probes.sections), eval_every=None)
    training = FusedTraining(dict.fromkeys(range(count), short), data, {})
    probes = training.probing.probes = [
        replace(probe, due=frozenset({WARM_UP + place}).__contains__)
        for place, probe in enumerate(training.probing.probes)
    ]
    marks = [now(device) for _ in training.run()][WARM_UP - 1 :]
    begun_at = now(device)
    training.evaluate()
    seconds = {probe.table: max(0.0, marks[k + 1] - marks[k] - step_s) for k, probe in enumerate(probes)}
    return {EVALUATION: now(device) - begun_at, **seconds}


def _times(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.2g}"


def _step_s(spec: TrialSpec, data: Dataset, count: int) -> float:
    """Return what a step of so many trials takes each of them."""
    return _median(_run(spec, data, count)) / count


def _median(marks: Sequence[float]) -> float:
    """Return what a step takes: the median, without the first ones, which pay for what is done once."""
    return median(after - before for before, after in pairwise(marks[1 + WARM_UP : 2 + STEPS]))


def _run(spec: TrialSpec, data: Dataset, count: int) -> list[float]:
    """Run some steps of trials, measured by nothing; return when they were built, after each step, and at the end."""
    device = data.train_x.device
    short = tame(spec, steps=STEPS, eval_every=None, fuse=count)
    short = TrialSpec.model_construct(**{**dict(short), "probes": ProbesSpec()})
    begun_at, steps, built_at = now(device), _training(short, data, is_crowd(spec)), now(device)
    return [begun_at, built_at, *(now(device) for _ in steps), now(device)]


def _training(spec: TrialSpec, data: Dataset, as_crowd: bool) -> Iterator[object]:
    count = spec.train.fuse
    if count == 1:
        return islice(train_alone(spec, data), 1, None)
    trials = dict.fromkeys(range(count), spec)
    return Crowd(trials, data).run() if as_crowd else FusedTraining(trials, data, {}).run()


def now(device: torch.device) -> float:
    """Return the time at which the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()
