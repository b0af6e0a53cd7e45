"""The table: each side in turn, and how they compare."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, quantiles

import torch

from benchmarks.fusion.floor import Rates, rates_of, work_of
from benchmarks.fusion.models import PROGRAMS, Program, trials
from benchmarks.fusion.sides import WARM_UP, Measured, Task, Workers, workers
from bnsweep.data import load_dataset
from bnsweep.spec import TrialSpec
from bnsweep.spec.fusing import why_alone

HEAD = (
    *("model", "norm", "members", "alone, ms", "in {n} processes, ms", "as one, ms", "as one in {n}, ms"),
    *("alone / as one", "in processes / as one", "busy", "memory, MB", "times the floor"),
)
Turn = Mapping[str, Sequence[Measured]]
"""What each side took in a round, process by process."""


@dataclass(frozen=True)
class Side:
    """A way to train: in so many processes, each with a trial alone or with a company."""

    processes: int
    is_company: bool


@dataclass(frozen=True)
class Benchmark:
    """How it is measured.

    Args:
        started: the processes.
        rates: what the device does in a second.
        is_gpu: whether the processes share it; cores they have each their own.
        rounds: in which the sides take turns.
        is_measured: whether evaluations and probes are made among the steps.
    """

    started: Workers
    rates: Rates
    is_gpu: bool
    rounds: int
    is_measured: bool

    def row(self, program: Program, norm: str, size: int) -> list[str]:
        """Return what stands in the table behind model and mode, of so many members."""
        specs = list(trials(program, norm, size, 1 + WARM_UP + program.steps, self.is_measured))
        alone = specs[0].model_copy(update={"train": specs[0].train.model_copy(update={"fuse": 1})})
        sides = self._sides(is_fused=why_alone(specs[0]) is None)
        turns = [
            {name: self._run(side, specs if side.is_company else [alone], program) for name, side in sides.items()}
            for _ in range(self.rounds)
        ]
        trained = {name: program.steps * (size if side.is_company else 1) for name, side in sides.items()}
        times = {name: [_ms(turn[name], made) for turn in turns] for name, made in trained.items()}
        floor_ms = work_of(alone, load_dataset(alone.dataset)).floor_ms(self.rates)
        floors = {name: floor_ms / (1 if self.is_gpu else side.processes) for name, side in sides.items()}
        return [
            *(f"{median(times[name]):.3g}" if name in times else "-" for name in ("alone", "processes", "one", "ones")),
            _ratio(times, "alone", "one"),
            _ratio(times, "processes", "one" if self.is_gpu else "ones"),
            "; ".join(_busy(turns, name) for name in sides),
            "; ".join(f"{max(_peak_bytes(turn[name]) for turn in turns) / 1e6:.0f}" for name in sides),
            "; ".join(f"{median(times[name]) / floors[name]:.3g}" for name in sides),
        ]

    def _sides(self, is_fused: bool) -> dict[str, Side]:
        count = len(self.started.connections)
        sides = {"alone": Side(1, False), "processes": Side(count, False)}
        if is_fused:
            sides["one"] = Side(1, True)
        if is_fused and not self.is_gpu:
            sides["ones"] = Side(count, True)
        return sides

    def _run(self, side: Side, specs: Sequence[TrialSpec], program: Program) -> list[Measured]:
        return self.started.run(Task(specs, side.is_company, program.steps), side.processes)


def lines(
    device: str,
    members: Sequence[int],
    rounds: int,
    norms: Sequence[str],
    models: Sequence[str],
    processes: int | None = None,
    is_measured: bool = False,
) -> Iterator[str]:
    """Yield what is printed.

    Args:
        device: cpu or cuda.
        members: how many trials to train as one.
        rounds: in which the sides take turns.
        norms: the modes.
        models: names in `PROGRAMS`.
        processes: that train one trial each; None for as many as cores on a CPU, else four.
        is_measured: whether evaluations and probes are made among the steps.
    """
    is_gpu = device == "cuda"
    count = processes or (4 if is_gpu else len(os.sched_getaffinity(0)))
    torch.set_num_threads(1)
    rates = rates_of(torch.device(device))
    yield f"{rates.operations / 1e9:.0f} billion operations and {rates.num_bytes / 1e9:.1f} GB a second\n"
    yield _line(HEAD).format(n=count)
    yield _line(["---"] * len(HEAD))
    with workers(count, device) as started:
        benchmark = Benchmark(started, rates, is_gpu, rounds, is_measured)
        for name in models:
            for norm in norms:
                for size in members:
                    yield _line([name, norm, str(size), *benchmark.row(PROGRAMS[name], norm, size)])
    yield "\nIn busy, memory and times the floor the sides that are there, in the order of their times."
    yield "CUDA graphs: not measured; bnsweep's steps are not captured as graphs."


def _ms(measured: Sequence[Measured], trained: int) -> float:
    """Return the time of a step and trial, where each process made so many of them."""
    return 1000 * fmean(each.seconds for each in measured) / trained / len(measured)


def _ratio(times: Mapping[str, Sequence[float]], above: str, below: str) -> str:
    """Return median and quartiles over rounds; words where there is no company."""
    if below not in times:
        return "trained in turn"
    low, middle, high = quantiles([a / b for a, b in zip(times[above], times[below], strict=True)], n=4)
    return f"{middle:.1f} [{low:.1f}, {high:.1f}]"


def _busy(turns: Sequence[Turn], side: str) -> str:
    return f"{fmean(each.busy for turn in turns for each in turn[side]):.2f}"


def _peak_bytes(measured: Sequence[Measured]) -> int:
    return sum(each.peak_bytes for each in measured)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
