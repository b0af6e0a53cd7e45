"""How often a sharpness is lower than its tolerance allows, or its bound broken, and how many products it takes.

    python -m benchmarks.sharpness              # 2,000 tiny nets against their whole Hessians; three minutes
    python -m benchmarks.sharpness --nets 100   # a sample

The whole Hessian of the same step is built column by column in float64. Each of the two failures may happen with
`FAILURE_PROBABILITY`; what rounding in float32 explains is none.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from torch import Tensor

from bnsweep.data import load_dataset
from bnsweep.probes import StepContext
from bnsweep.probes.curvature import measured_extremes
from bnsweep.probes.hessian import Loss
from bnsweep.probes.lanczos import FAILURE_PROBABILITY, MAX_PRODUCTS
from bnsweep.results.schema import Row
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device
from bnsweep.training.loop import run_trial

TOLERANCE = 0.01
ROUNDING = 1e-4
"""Of the largest eigenvalue in size: what products in float32 leave open."""

GAUSSIAN = {"name": "gaussian", "samples": 64, "test_samples": 8, "dimension": 6, "num_classes": 4}
MODELS: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"name": "mlp", "widths": [5, 4]}, GAUSSIAN),
    ({"name": "mlp", "widths": [4, 4, 4]}, GAUSSIAN),
    ({"name": "deep_linear", "widths": [4, 4]}, GAUSSIAN),
    ({"name": "vgg", "widths": [2, "M", 3]}, {"name": "digits"}),
)
NORMS = ("none", "batch", "l1", "l2", "linf", "layer", "rms", "weight")
"""Not noisy_batch, which draws other noise in double precision."""
INITS = ("default", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal")
PROBE = "benchmarks.sharpness:Compared"


class Compared:
    """A probe: the extreme eigenvalues as `curvature` finds them, beside those of the whole Hessian in float64."""

    table = "compared"
    columns = {  # noqa: RUF012  as in docs/extending.md
        **dict.fromkeys(("largest", "largest_bound", "lowest", "lowest_bound", "true_largest"), pa.float64()),
        "true_lowest": pa.float64(),
        "products": pa.int64(),
        "rows": pa.int64(),
        "reason": pa.string(),
    }

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return one row."""
        (found,) = measured_extremes(Loss.of_step(ctx), TOLERANCE, ctx.step).values()
        eigenvalues = torch.linalg.eigvalsh(whole_hessian(Loss.of_step(ctx).in_double()))
        return [
            {
                "step": ctx.step,
                "largest": found.largest,
                "largest_bound": found.largest_bound,
                "lowest": found.lowest,
                "lowest_bound": found.lowest_bound,
                "true_largest": eigenvalues[-1].item(),
                "true_lowest": eigenvalues[0].item(),
                "products": found.num_products,
                "rows": len(eigenvalues),
                "reason": found.reason,
            }
        ]


def whole_hessian(loss: Loss) -> Tensor:
    """Return the matrix, (P, P), all columns in one backward."""
    leaves = loss.at_params()
    with loss.in_force(leaves):
        gradient = loss.gradient_with_graph(leaves)
        units = torch.eye(gradient.shape[1], dtype=gradient.dtype).unsqueeze(1)
        columns = torch.autograd.grad(
            gradient, list(leaves.values()), units, is_grads_batched=True, materialize_grads=True
        )
    return torch.cat([column.flatten(1) for column in columns], 1)


def tiny_nets(count: int) -> Iterator[TrialSpec]:
    """Yield trials of all kinds, each measured once: before its first step, or after a few, or after some more."""
    draw = random.Random(0)
    for seed in range(count):
        model, dataset = draw.choice(MODELS)
        step = draw.choice([0, 3, 30])
        train = {"steps": step + 1, "batch_size": draw.choice([16, 32]), "optimizer": draw.choice(["sgd", "adam"])}
        yield TrialSpec.model_validate(
            {
                "model": model,
                "dataset": dataset,
                "train": train,
                "seed": seed,
                "norm": draw.choice(NORMS),
                "init": draw.choice(INITS),
                "init_gain": draw.choice([0.5, 1.0, 2.0]),
                "lr": draw.choice([0.01, 0.1, 1.0]),
                "probes": {PROBE: {"at": [step]}},
            }
        )


def compare(count: int) -> pd.DataFrame:
    """Return a row per net that got as far as its measurement: the columns of `Compared`."""
    datasets = {name: load_dataset(spec.dataset) for spec in tiny_nets(count) for name in [spec.dataset.name]}
    results = (run_trial(spec, datasets[spec.dataset.name]) for spec in tiny_nets(count))
    return pd.DataFrame([row for result in results for row in result.tables[Compared.table]])


def failures(compared: pd.DataFrame) -> pd.DataFrame:
    """Return per net whether it was measured too low, either bound is broken, or nothing was stored."""
    size = compared[["true_largest", "true_lowest"]].abs().max(axis=1)
    top, rounding = compared["true_largest"], ROUNDING * size
    return pd.DataFrame(
        {
            "too low": compared["largest"] < top - TOLERANCE * top.abs() - rounding,
            "above the truth": compared["largest"] > top + rounding,
            "bound broken": compared["largest_bound"] < top - rounding,
            "lowest bound broken": compared["lowest_bound"] > compared["true_lowest"] + rounding,
            "not stored": compared["largest"].isna(),
        }
    )


def allowed(count: int) -> int:
    """Return how many of `count` may fail: two standard errors above what is expected."""
    expected = FAILURE_PROBABILITY * count
    return math.floor(expected + 2 * math.sqrt(expected))


def worst_case(rows: float, tolerance: float) -> float:
    """Return the products that Kuczynski and Wozniakowski's bound asks for, whatever the spectrum.

    `tolerance` is relative to the spectrum's width.
    """
    return (math.log(1.648 * math.sqrt(rows) / FAILURE_PROBABILITY) / math.sqrt(tolerance) + 1) / 2


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", type=int, default=2000, help="how many")
    prepare_device(Resources())
    compared = compare(parser.parse_args().nets)
    found = failures(compared)
    print(f"{len(compared)} nets of {compared['rows'].min()} to {compared['rows'].max()} parameters, at {TOLERANCE:g}")
    for what, number in found.sum().items():
        print(f"  {what:20} {number}")
    print(f"  allowed of each      {allowed(len(compared))}: failure probability {FAILURE_PROBABILITY:g}")
    for reason, number in compared["reason"].value_counts().items():
        print(f"  {reason}: {number}")
    low = (compared["true_largest"] - compared["largest"]) / compared["true_largest"].abs()
    print(f"  relative error: median {low.median():.2g}, largest {low.max():.2g}")
    print(f"  products: {quartiles(compared['products'])}, at most {MAX_PRODUCTS} allowed")
    width = compared["true_largest"] - compared["true_lowest"]
    needed = [
        worst_case(rows, TOLERANCE * top / width)
        for rows, top, width in zip(compared["rows"], compared["true_largest"], width, strict=True)
        if top > 0
    ]
    print(f"  by the bound for any spectrum: {quartiles(pd.Series(needed))}")


def quartiles(values: pd.Series[Any]) -> str:
    """Return the median, the quartiles in brackets, and the largest."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"median {middle:.3g} [{low:.3g}, {high:.3g}], largest {values.max():.3g}"


if __name__ == "__main__":
    main()
