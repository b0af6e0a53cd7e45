"""What the probes cost.

    python -m benchmarks.probes              # one thread; about ten minutes
    python -m benchmarks.probes --repeats 3  # quicker, with a wider spread

A training step is forward, backward and update. Steps with and without a measurement take turns, so that both see the
same noise of the machine; what is copied for a measurement counts to it. Printed are the median and its quartiles.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from contextlib import closing
from time import perf_counter, process_time
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from torch import Tensor, nn

from bnsweep.data import load_dataset
from bnsweep.models import StagedModel
from bnsweep.models.sites import Sites
from bnsweep.models.vgg import vgg
from bnsweep.probes import StepContext
from bnsweep.results.schema import Row
from bnsweep.spec import TIERS, TrialSpec, VggSpec
from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device
from bnsweep.training.loop import run_trial, train

VGG11: tuple[int | Literal["M"], ...] = (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M")
POINTS = (0.5, 1.0, 2.0, 4.0)
PROBES: dict[str, dict[str, Any]] = {
    "landscape": {"lr_multiples": POINTS},
    "ics": {},
    "moments": {},
    "layers": {},
    "curvature": {},
    "benchmarks.probes:Nothing": {},
}
CASES: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "VGG-11, none": ({"name": "vgg", "widths": VGG11}, "none", tuple(PROBES)),
    "VGG-11, batch": ({"name": "vgg", "widths": VGG11}, "batch", tuple(PROBES)),
    "VGG-11, batch, no chain of stages": ({"name": "benchmarks.probes:whole_vgg11"}, "batch", ("ics",)),
    "ResNet-20, batch": ({"name": "resnet", "depth": 20}, "batch", tuple(PROBES)),
}
TIER_STEPS = (200, 1000)
NORMS = ("none", "batch")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each kind")
    repeats = parser.parse_args().repeats
    prepare_device(Resources())
    print(f"cost of one measurement in training steps, 32x32 images, batch 64, {len(POINTS)} landscape points")
    for case, (model, norm, probes) in CASES.items():
        for probe in probes:
            costs = list(probe_costs(model, norm, probe, repeats))
            print(f"  {case:34} {probe.rpartition(':')[2]:10} {with_quartiles(costs)}", flush=True)
    print("time of a trial's probes over the rest of its time, VGG [16, M, 32, M, 64] on digits")
    for steps in TIER_STEPS:
        for norm in NORMS:
            for tier in TIERS:
                shares = [tier_share(norm, tier, steps) for _ in range(repeats)]
                print(f"  {steps:5} steps, {norm:6} {tier:10} {with_quartiles(shares)}", flush=True)


def with_quartiles(values: list[float]) -> str:
    """Return the median and, in brackets, the quartiles."""
    low, middle, high = statistics.quantiles(values * 2 if len(values) == 1 else values, n=4, method="inclusive")
    return f"{middle:6.3f}  [{low:.3f}, {high:.3f}]  n={len(values)}"


def probe_costs(model: dict[str, Any], norm: str, probe: str, repeats: int) -> Iterator[float]:
    """Yield what each measurement adds to its step, over the mean time of the steps before and after it."""
    schedule = {"every": 2, "start": 3}
    spec = TrialSpec.model_validate(
        {
            "model": model,
            "dataset": {"name": "benchmarks.probes:images"},
            "train": {"steps": 2 * repeats + 4},
            "norm": norm,
            "init": "kaiming_normal",
            "lr": 0.01,
            "probes": {probe: {**schedule, **PROBES[probe]}},
        }
    )
    times = list(step_times(spec))
    for before, during, after in zip(times[2::2], times[3::2], times[4::2], strict=False):
        yield during / ((before + after) / 2) - 1


def step_times(spec: TrialSpec) -> Iterator[float]:
    """Yield the CPU time of each step of the trial (seconds), the final evaluation left out.

    There is one thread, so that this is the time it takes, less what other processes take from it.
    """
    with closing(train(spec, load_dataset(spec.dataset))) as steps:
        next(steps)
        for _ in range(spec.train.steps - 1):
            started = process_time()
            next(steps)
            yield process_time() - started


def tier_share(norm: str, tier: str, steps: int) -> float:
    """Return the time of the tier's probes in a trial, over the rest of its time."""
    fields = {
        "model": {"name": "vgg", "widths": [16, "M", 32, "M", 64]},
        "dataset": {"name": "digits"},
        "train": {"steps": steps},
        "norm": norm,
        "init": "kaiming_normal",
        "lr": 0.05,
        "probes": tier,
    }
    spec = TrialSpec.model_validate(fields)
    data = load_dataset(spec.dataset)
    started = perf_counter()
    probe_time_s = run_trial(spec, data).probe_time_s
    return probe_time_s / (perf_counter() - started - probe_time_s)


def images(samples: int = 64) -> tuple[np.ndarray, ...]:
    """Return random images the size of CIFAR-10's, and random labels."""
    generator = np.random.default_rng(0)
    x = generator.integers(256, size=(samples, 3, 32, 32), dtype=np.uint8)
    y = generator.permutation(np.arange(samples) % 10)
    return x, y, x[:10], y[:10]


def whole_vgg11(input_shape: tuple[int, int, int], num_classes: int, norm: Sites) -> nn.Module:
    """Return a VGG-11 whose forward is not known to be a chain of stages."""
    return Whole(vgg(VggSpec(name="vgg", widths=VGG11), norm.norm, input_shape, num_classes, norm.noise_seed))


class Whole(nn.Module):
    """A model in one piece."""

    def __init__(self, model: StagedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        """Return the model's logits."""
        logits: Tensor = self.model(x)
        return logits


class Nothing:
    """A probe that measures nothing: its cost is that of copying the step, and of undoing what a probe does to it."""

    table = "nothing"
    columns = {"v": pa.float64()}  # noqa: RUF012  as in docs/extending.md

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return no rows."""
        del ctx
        return []


if __name__ == "__main__":
    main()
