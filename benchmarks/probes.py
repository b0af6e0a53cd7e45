"""What the probes cost, in training steps of the same model, and what the tiers cost, as a share of a trial's time.

    python -m benchmarks.probes              # VGG-11 widths, batch 64, one thread; six minutes
    python -m benchmarks.probes --repeats 3  # quicker, with a wider spread

A training step is forward, backward and update. Steps and probes take turns, so that both see the same noise of the
machine; printed are the median ratio and its quartiles.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import TypeVar

import torch
import torch.nn.functional as F

from bnsweep.data import load_dataset
from bnsweep.init import initialize
from bnsweep.models import build_model
from bnsweep.norm import set_step
from bnsweep.probes import StepContext, build_probes
from bnsweep.probes.context import buffer_copies, parameter_copies
from bnsweep.spec import TIERS, ProbesSpec, TrialSpec, VggSpec
from bnsweep.train import run_trial

VGG11 = VggSpec(name="vgg", widths=(64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"))
POINTS = (0.5, 1.0, 2.0, 4.0)
EVERY_PROBE = ProbesSpec.model_validate(
    {
        "landscape": {"every": 1, "lr_multiples": POINTS},
        "ics": {"every": 1},
        "moments": {"every": 1},
        "curvature": {"every": 1},
    }
)
TIER_STEPS = 1000
NORMS = ("none", "batch")

ResultT = TypeVar("ResultT")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="turns that each side takes")
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    print(f"cost of one measurement in training steps, VGG-11 widths, batch 64, {len(POINTS)} landscape points")
    for norm in NORMS:
        for table, ratios in probe_costs(norm, repeats).items():
            print(f"  {norm:12} {table:10} {shown(ratios)}")
    print(f"time of a trial with probes over without, VGG [16, M, 32, M, 64] on digits, {TIER_STEPS} steps")
    for norm in NORMS:
        for tier in TIERS:
            print(f"  {norm:12} {tier:10} {shown(tier_ratios(norm, tier, repeats))}")


def shown(ratios: list[float]) -> str:
    """Return the median and, in brackets, the quartiles."""
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{middle:6.3f}  [{low:.3f}, {high:.3f}]  n={len(ratios)}"


def probe_costs(norm: str, repeats: int) -> dict[str, list[float]]:
    """Return, for each probe, the ratios of its time to the training steps before and after it."""
    step = training_step(norm)
    probes = build_probes(EVERY_PROBE, steps=1)
    step(), step()  # the first ones allocate
    ratios: dict[str, list[float]] = {probe.table: [] for probe in probes}
    for _ in range(repeats):
        for probe in probes:
            before, context = timed(step)
            during, _ = timed(partial(probe.measure, context))
            after, _ = timed(step)
            ratios[probe.table].append(during / ((before + after) / 2))
    return ratios


def training_step(norm: str) -> Callable[[], StepContext]:
    """Return a function that makes one update on random images and returns it."""
    model = build_model(VGG11, norm, (3, 32, 32), 10, noise_seed=0)
    initialize(model, "kaiming_normal", 1.0, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(64, 3, 32, 32, generator=generator), torch.randint(10, (64,), generator=generator)
    set_step(model, 0)
    parameters, buffers = parameter_copies(model), buffer_copies(model)

    def step() -> StepContext:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        optimizer.step()
        after = {name: w.detach() for name, w in model.named_parameters()}
        gradients = {name: w.grad for name, w in model.named_parameters() if w.grad is not None}
        return StepContext(model, x, y, F.cross_entropy, 0, 0.01, loss.item(), parameters, after, buffers, gradients)

    return step


def tier_ratios(norm: str, tier: str, repeats: int) -> list[float]:
    """Return the ratios of a trial's time with the tier's probes to the time without."""
    fields = {
        "model": {"name": "vgg", "widths": [16, "M", 32, "M", 64]},
        "dataset": {"name": "digits"},
        "train": {"steps": TIER_STEPS},
        "norm": norm,
        "init": "kaiming_normal",
        "lr": 0.05,
    }
    plain = TrialSpec.model_validate(fields)
    probed = TrialSpec.model_validate({**fields, "probes": tier})
    data = load_dataset(plain.dataset)
    run_trial(probed, data)
    return [
        timed(lambda: run_trial(probed, data))[0] / timed(lambda: run_trial(plain, data))[0] for _ in range(repeats)
    ]


def timed(call: Callable[[], ResultT]) -> tuple[float, ResultT]:
    """Return how long the call took (seconds), and what it returned."""
    started = perf_counter()
    result = call()
    return perf_counter() - started, result


if __name__ == "__main__":
    main()
