"""Where full-batch training settles: the optimizer's own sharpness over its limit, by step.

    python -m benchmarks.edge_of_stability   # two minutes

A small tanh net learns 128 of the digits' images, each with two labels, so that the loss has a floor and its Hessian
does not vanish: as in Cohen et al. 2021 and 2022 the ratio rises to 1 and hovers there. With mini-batches it stays
below.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from torch import nn

from bnsweep.data import load_dataset
from bnsweep.models.sites import Sites
from bnsweep.results.schema import Row
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device
from bnsweep.training.loop import run_trial

SAMPLES = 256
STEPS, MEASUREMENTS = 3000, 30
CASES: dict[str, tuple[float, dict[str, Any]]] = {
    "gradient descent": (0.1, {}),
    "momentum 0.9": (0.1, {"momentum": 0.9}),
    "nesterov 0.9": (0.1, {"momentum": 0.9, "nesterov": True}),
    "adam": (0.003, {"optimizer": "adam"}),
    "adamw, weight decay 1": (0.003, {"optimizer": "adamw", "weight_decay": 1.0}),
    "gradient descent, linear": (0.1, {"schedule": "linear"}),
    "gradient descent, batches of 32": (0.1, {"batch_size": 32}),
}


def main() -> None:
    """Print the ratio through training, and medians over the last third."""
    prepare_device(Resources())
    print(
        "optimizer's own sharpness over its limit by step; its median over the last third, and that of sharpness/(2/lr)"
    )
    for case, (lr, train) in CASES.items():
        rows = measure(lr, train, STEPS)
        own, plain = own_ratio(rows), settled(row["sharpness"] / row["two_over_lr"] for row in rows)
        path = " ".join(f"{row['optimizer_sharpness'] / row['stability_limit']:.2f}" for row in rows[::3])
        print(f"{case:32} {path}   {own:.2f}   {plain:.2f}", flush=True)


def own_ratio(rows: list[Row]) -> float:
    """Return how far from the edge a trial settles, as a ratio."""
    return settled(row["optimizer_sharpness"] / row["stability_limit"] for row in rows)


def settled(values: Iterable[float]) -> float:
    """Return the median over the last third."""
    listed = list(values)
    return median(listed[-len(listed) // 3 :])


def measure(lr: float, train: dict[str, Any], steps: int) -> list[Row]:
    """Return the rows of `curvature` of one trial."""
    spec = TrialSpec.model_validate(
        {
            "model": {"name": "benchmarks.edge_of_stability:net"},
            "dataset": {"name": "benchmarks.edge_of_stability:some_digits"},
            "train": {"steps": steps, "batch_size": SAMPLES, "log_every": steps, **train},
            "lr": lr,
            "probes": {"curvature": {"every": steps // MEASUREMENTS}},
        }
    )
    return run_trial(spec, load_dataset(spec.dataset)).tables["curvature"]


def some_digits() -> tuple[np.ndarray, ...]:
    """Return images (N, 1, 8, 8) and labels to train on, each image twice with labels at random, others to test on."""
    digits = load_digits()
    x, y = digits.images[:, None].astype(np.float32), digits.target
    images, labels = np.repeat(x[: SAMPLES // 2], 2, axis=0), np.random.default_rng(0).permutation(y[:SAMPLES])
    return images, labels, x[SAMPLES:], y[SAMPLES:]


def net(input_shape: tuple[int, int, int], num_classes: int, norm: Sites) -> nn.Sequential:
    """Return a smooth net: two hidden layers with tanh."""
    del norm
    width = input_shape[1] * input_shape[2]
    layers = nn.Flatten(), nn.Linear(width, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh()
    return nn.Sequential(*layers, nn.Linear(32, num_classes))


if __name__ == "__main__":
    main()
