"""First contact with a GPU: does everything run there, to the same bits twice, near the CPU, and how fast.

    python -m benchmarks.gpu                          # every part; about four minutes
    python -m benchmarks.gpu contract waits           # some of them
    python -m benchmarks.gpu --device cpu contract    # a rehearsal where there is none

Prints Markdown, which `docs/gpu.md` holds. Parts:

- contract: every model with every normalization mode and every probe, 12 steps in float64, twice on the GPU under
  deterministic kernels and once on the CPU.
- fused: trials that train as one, twice, against each alone, and how fast.
- waits: lines of ours that wait for the device within 50 steps.
- steps: time of a step, by precision; and of one beside a loop by hand.
- sharing: steps per second of processes that share the device.
- errors: a trial that is short of memory, and one whose kernel fails.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch

from benchmarks.fusion.models import PROGRAMS
from benchmarks.fusion.table import lines
from benchmarks.step import by_hand, make_spec
from bnsweep.data import Dataset, load_dataset
from bnsweep.spec import TrialSpec, fusing
from bnsweep.spec.resources import Resources
from bnsweep.spec.trial import NORM_NAMES
from bnsweep.training.device import prepare_device
from bnsweep.training.loop import run_trial, train

VGG16 = [64, 64, "M", 128, 128, "M", *3 * [256], "M", *3 * [512], "M", *3 * [512], "M"]
NORMS = list(NORM_NAMES)
MODELS: dict[str, dict[str, Any]] = {
    "vgg": {"model": {"name": "vgg", "widths": [16, "M", 32]}},
    "mlp": {"model": {"name": "mlp", "widths": [32, 32]}},
    "resnet": {"model": {"name": "resnet", "depth": 8, "width": 8}},
    "transformer": {"model": {"name": "transformer", "width": 32, "heads": 2}},
    "deep_linear": {"model": {"name": "deep_linear", "widths": [8, 8, 8, 8]}, "dataset": {"name": "gaussian"}},
}
PROBES = {
    **{name: {"every": 6} for name in ("landscape", "ics", "moments", "layers")},
    "curvature": {"at": [0]},
    "flatness": {"samples": 32, "tolerance": 0.1},
}
NEAR = 1e-6
"""Relative distance from the CPU above which a column is named."""
CLOCKS = ("wall", "time", "memory", "duration")


def main() -> None:
    """Print the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=" ".join(PARTS))
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--processes", type=int, default=8, help="at a time, in the part contract")
    given = parser.parse_args()
    print(machine(given.device), flush=True)
    for part in given.parts or PARTS:
        started = time.perf_counter()
        print(f"\n## {part}\n", flush=True)
        for line in PARTS[part](given):
            print(line, flush=True)
        print(f"\n({time.perf_counter() - started:.0f} s)", flush=True)


def machine(device: str) -> str:
    """Return what it runs on."""
    name = torch.cuda.get_device_name(0) if device == "cuda" else "CPU"
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]  # torch's own
    return (
        f"{name}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, PyTorch {torch.__version__}, "
        f"CUDA {torch.version.cuda}, cuDNN {cudnn}, {time.strftime('%Y-%m-%d')}"
    )


def contract(given: argparse.Namespace) -> Iterator[str]:
    """Every model with every mode: the same bits twice, and how far from the CPU."""
    yield from _table(
        [(model, norm, given.device, 1) for model in MODELS for norm in NORMS], "the CPU", given.processes
    )


def fused(given: argparse.Namespace) -> Iterator[str]:
    """Trials that train as one: the same bits twice, how far from the trial alone, and how fast."""
    models = [model for model, fields in MODELS.items() if fields["model"]["name"] in fusing.MODELS]
    cases = [(model, norm, given.device, 4) for model in models for norm in NORMS]
    yield from _table(cases, "the trial alone", given.processes)
    yield ""
    small = [name for name in PROGRAMS if not name.endswith("32x32")]
    yield from lines(given.device, [4, 16, 64, 256], rounds=3, norms=["none", "batch"], models=small)


def _table(cases: Sequence[tuple[str, str, str, int]], others: str, processes: int) -> Iterator[str]:
    yield f"| model | norm | same bits twice | farthest from {others} (relative, float64) | columns beyond 1e-6 |"
    yield "|---|---|---|---|---|"
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_contract_of, cases)


def _contract_of(case: tuple[str, str, str, int]) -> str:
    """Compare a trial with itself, and with the CPU's; one that trains as one with others with itself alone."""
    model, norm, device_name, fuse = case
    try:
        device = prepare_device(Resources(gpus=float(device_name == "cuda")))
        train_options = {"steps": 12, "batch_size": 32, "precision": "float64", "eval_every": 6, "fuse": fuse}
        spec = TrialSpec.model_validate(
            {
                "dataset": {"name": "digits"},
                **MODELS[model],
                "init": "xavier_uniform",
                "norm": norm,
                "lr": 0.01,
                "train": train_options,
                "probes": PROBES,
            }
        )
        data = load_dataset(spec.dataset)
        first, second = (run_trial(spec, data.to(device)).tables for _ in range(2))
        alone = TrialSpec.model_validate({**spec.model_dump(), "train": {**train_options, "fuse": 1}})
        far = _distances(first, run_trial(alone, data if fuse == 1 else data.to(device)).tables)
        named = ", ".join(f"{column} {value:.0e}" for column, value in far.items() if not value < NEAR) or "none"
        same = "yes" if repr(first) == repr(second) else "NO"
        return f"| {model} | {norm} | {same} | {max(far.values(), key=_nan_last):.1e} | {named} |"
    except Exception as error:
        return f"| {model} | {norm} | {type(error).__name__}: {' '.join(str(error).split())[:200]} | | |"


def _nan_last(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _distances(tables: dict[str, list[Any]], others: dict[str, list[Any]]) -> dict[str, float]:
    """Return by `table.column` the largest difference over the column's largest size."""
    found: dict[str, float] = {}
    for table, rows in others.items():
        ours = tables.get(table, [])
        if len(ours) != len(rows):
            return {f"{table}: {len(ours)} rows, {len(rows)} on the CPU": math.inf}
        for column in sorted({name for row in rows for name in row}):
            a, b = ([row.get(column) for row in side] for side in (ours, rows))
            if any(word in column for word in CLOCKS) or not all(isinstance(value, float) for value in (*a, *b)):
                continue
            size = max((abs(value) for value in b if math.isfinite(value)), default=0.0) or 1.0
            apart = [0.0 if repr(x) == repr(y) else abs(x - y) / size for x, y in zip(a, b, strict=True)]
            found[f"{table}.{column}"] = max(apart, key=_nan_last, default=0.0)
    return found or {"no numbers": math.inf}


def waits(given: argparse.Namespace) -> Iterator[str]:
    """Lines that wait for the device, with how often within 50 steps; a row is read each 25 steps."""
    device = prepare_device(Resources(gpus=float(given.device == "cuda")))
    for norm in ("batch", "noisy_batch"):
        spec = make_spec({"norm": norm})
        with closing(train(spec, load_dataset(spec.dataset).to(device))) as steps:
            _advance(steps, 50)
            if given.device == "cuda":
                torch.cuda.set_sync_debug_mode("warn")
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                _advance(steps, 50)
            if given.device == "cuda":
                torch.cuda.set_sync_debug_mode("default")
        at = Counter(f"{one.filename.rpartition('main/')[2]}:{one.lineno}" for one in seen)
        yield f"- small VGG, {norm}: {', '.join(f'{where} {count} times' for where, count in at.items()) or 'none'}"


def steps(given: argparse.Namespace) -> Iterator[str]:
    """Time of a step."""
    device = prepare_device(Resources(gpus=float(given.device == "cuda")))
    data = random_images().to(device)
    yield "| VGG-16, batch 128, 32x32: ms a step | float32 | tf32 | bf16 |"
    yield "|---|---|---|---|"
    for norm in ("none", "batch", "noisy_batch"):
        cells = [f"{_millis(vgg16(norm, precision), data):.2f}" for precision in ("float32", "tf32", "bf16")]
        yield f"| {norm} | {' | '.join(cells)} |"
    yield "\n| digits, batch 64: ms a step | ours | a loop by hand |\n|---|---|---|"
    for norm in ("none", "batch"):
        spec = make_spec({"norm": norm})
        digits = load_dataset(spec.dataset).to(device)
        hand = 1000 * by_hand(spec, digits, time.perf_counter)
        yield f"| small VGG, {norm} | {_millis(spec, digits):.2f} | {hand:.2f} |"


def vgg16(norm: str, precision: str = "float32", steps: int = 300) -> TrialSpec:
    """Return a trial of the paper's net on images of CIFAR-10's shape."""
    options = {"steps": steps, "batch_size": 128, "precision": precision, "log_every": 10}
    model = {"name": "vgg", "widths": VGG16}
    return make_spec({"norm": norm, "model": model, "train": options, "init": "xavier_uniform", "lr": 0.001})


def random_images(count: int = 4096) -> Dataset:
    """Return images that mean nothing, of CIFAR-10's shape."""
    rng = np.random.default_rng(0)
    parts = [
        (rng.integers(0, 255, (n, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, n)) for n in (count, count // 8)
    ]
    return Dataset.from_arrays(parts[0], parts[1], 10)


def _millis(spec: TrialSpec, data: Dataset, warm_up: int = 30, measured: int = 100) -> float:
    device = data.train_x.device
    with closing(train(spec, data)) as steps:
        _advance(steps, warm_up)
        _synchronize(device)
        started = time.perf_counter()
        _advance(steps, measured)
        _synchronize(device)
        return 1000 * (time.perf_counter() - started) / measured


def _advance(steps: Iterator[object], count: int) -> None:
    for _ in range(count):
        next(steps)


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def sharing(given: argparse.Namespace) -> Iterator[str]:
    """Steps per second of all processes together."""
    yield "| VGG-16, tf32: processes that share the device | none: steps/s of all | batch |\n|---|---|---|"
    for count in (1, 2, 4, 8):
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            cells = []
            for norm in ("none", "batch"):
                rates = list(pool.map(_rate, [(norm, given.device)] * count))
                cells.append(f"{sum(rates):.0f}")
        yield f"| {count} | {' | '.join(cells)} |"


def _rate(case: tuple[str, str]) -> float:
    """Return the steps per second of this process, over four seconds that the others share."""
    norm, device_name = case
    device = prepare_device(Resources(gpus=float(device_name == "cuda")))
    spec, data = vgg16(norm, "tf32", steps=100_000), random_images().to(device)
    with closing(train(spec, data)) as steps:
        _advance(steps, 20)
        _synchronize(device)
        started = time.perf_counter()
        made = 0
        while time.perf_counter() < started + 4:
            _advance(steps, 10)
            _synchronize(device)
            made += 10
        return made / (time.perf_counter() - started)


def errors(given: argparse.Namespace) -> Iterator[str]:
    """What is said of a trial that is short of memory, and of a kernel that fails."""
    if given.device == "cpu":
        yield "- needs a GPU"
        return
    for name, code in SNIPPETS.items():
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=90)
        lines = told.stdout.splitlines() or told.stderr.splitlines()[-1:]
        yield f"- {name}: {'; '.join(lines)}"


_PRELUDE = """
import torch
from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device
from bnsweep.training.device_errors import is_out_of_memory, let_go, lost_device
device = prepare_device(Resources(gpus=1))
def tried(what):
    try:
        what()
        print('fine')
    except Exception as error:
        lost = lost_device(error, device)
        print(type(error).__name__, 'out of memory:', is_out_of_memory(error), 'device lost:', lost is not None)
        if lost is None: let_go(error, device)
"""
SNIPPETS = {
    "short of memory, then on": _PRELUDE
    + "tried(lambda: torch.empty(2**42, device=device)); tried(lambda: torch.ones(2, device=device).sum().item())",
    "an index out of range in a kernel, then anything": _PRELUDE
    + "x = torch.zeros(4, device=device); i = torch.tensor([9], device=device)\n"
    + "tried(lambda: x[i].sum().item()); tried(lambda: torch.ones(2, device=device).sum().item())",
}
PARTS: dict[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "contract": contract,
    "fused": fused,
    "waits": waits,
    "steps": steps,
    "sharing": sharing,
    "errors": errors,
}

if __name__ == "__main__":
    main()
