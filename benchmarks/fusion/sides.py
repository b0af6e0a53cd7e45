"""Processes that train as they are told, all at the same time."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import perf_counter, process_time
from typing import NamedTuple

import torch

from bnsweep.data import load_dataset
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device
from bnsweep.training.fused.loop import train_together
from bnsweep.training.loop import train
from bnsweep.training.memory import peak_memory_bytes, reset_peak_memory

WARM_UP = 2


class Task(NamedTuple):
    """What a process trains: one trial alone, or several as one."""

    specs: Sequence[TrialSpec]
    is_company: bool
    steps: int


class Measured(NamedTuple):
    """What it took: seconds, of the processor on a CPU and else by the clock, processor time over time, peak bytes."""

    seconds: float
    busy: float
    peak_bytes: int


@dataclass(frozen=True)
class Workers:
    """Processes under way, each with a connection."""

    connections: Sequence[Connection]

    def run(self, task: Task, count: int) -> list[Measured]:
        """Let so many of the processes do a task, and begin the steps that are timed together."""
        chosen = self.connections[:count]
        for connection in chosen:
            connection.send(task)
        for connection in chosen:
            connection.recv()
        for connection in chosen:
            connection.send(None)
        return [connection.recv() for connection in chosen]


@contextmanager
def workers(count: int, device: str) -> Iterator[Workers]:
    """Start so many processes, and end them after the block."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(count)]
    processes = [context.Process(target=_serve, args=(theirs, device), daemon=True) for _, theirs in pipes]
    for process in processes:
        process.start()
    try:
        yield Workers([ours for ours, _ in pipes])
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _serve(connection: Connection, device_name: str) -> None:
    """Do one task after the other."""
    device = prepare_device(Resources(gpus=float(device_name == "cuda")))
    while True:
        task: Task = connection.recv()
        data = load_dataset(task.specs[0].dataset).to(device)
        reset_peak_memory(device)
        specs = dict(enumerate(task.specs))
        steps: Iterator[object] = train_together(specs, data) if task.is_company else train(task.specs[0], data)
        for _ in range(1 + WARM_UP):
            next(steps)
        _wait(device)
        connection.send(None)
        connection.recv()
        started, processor_s = perf_counter(), process_time()
        for _ in range(task.steps):
            next(steps)
        _wait(device)
        by_clock_s, processor_s = perf_counter() - started, process_time() - processor_s
        seconds = processor_s if device.type == "cpu" else by_clock_s
        connection.send(Measured(seconds, processor_s / by_clock_s, peak_memory_bytes(device) or 0))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
