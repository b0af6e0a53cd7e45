"""Trials that train as one against the same trials one after another: time of a step and trial, both sides in turn.

    python -m benchmarks.fusion                     # on this machine's CPU, one thread, as workers train
    python -m benchmarks.fusion --device cuda --members 16 64 256

Prints, for each model and number of members, ms a step and trial of both sides and the ratio: the median over rounds,
with the quartiles. Nothing is measured by probes, and curves have a row for every tenth step.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from statistics import quantiles
from time import perf_counter
from typing import Any

import torch

from bnsweep.data import Dataset, load_dataset
from bnsweep.spec import TrialSpec
from bnsweep.training.fused.loop import train_together
from bnsweep.training.loop import train

MODELS: dict[str, dict[str, Any]] = {
    "mlp [64, 64]": {"model": {"name": "mlp", "widths": [64, 64]}},
    "deep_linear, 25 layers": {
        "model": {"name": "deep_linear", "widths": [10] * 24},
        "dataset": {"name": "gaussian"},
        "loss": "mse",
    },
    "tanh net of width 16, 272 samples": {
        "model": {"name": "mlp", "widths": [16], "activation": "tanh"},
        "dataset": {"name": "gaussian", "samples": 272, "test_samples": 272, "dimension": 2, "num_classes": 2},
        "batch_size": 272,
        "loss": "mse",
    },
    "small VGG, 8x8": {"model": {"name": "vgg", "widths": [16, "M", 32, "M", 64]}},
    "resnet20 of width 8, 8x8": {"model": {"name": "resnet", "depth": 20, "width": 8}},
}
WARM_UP, STEPS = 5, 30


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--members", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--norms", nargs="+", default=["none", "batch"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for line in lines(torch.device(arguments.device), arguments.members, arguments.rounds, arguments.norms):
        print(line, flush=True)


def lines(device: torch.device, members: Sequence[int], rounds: int, norms: Sequence[str]) -> Iterator[str]:
    """Yield the table."""
    yield "| model | norm | members | alone, ms | as one, ms | ratio |\n|---|---|---|---|---|---|"
    for name, program in MODELS.items():
        for norm in norms:
            for count in members:
                specs = list(trials(program, norm, count))
                data = load_dataset(specs[0].dataset).to(device)
                pairs = [(alone_ms(specs[0], data), as_one_ms(specs, data)) for _ in range(rounds)]
                alone, as_one, ratio = (
                    quantiles(values, n=4) for values in (*zip(*pairs, strict=True), [a / b for a, b in pairs])
                )
                yield (
                    f"| {name} | {norm} | {count} | {alone[1]:.2f} | {as_one[1]:.3f} "
                    f"| {ratio[1]:.1f} [{ratio[0]:.1f}, {ratio[2]:.1f}] |"
                )


def trials(program: dict[str, Any], norm: str, count: int) -> Iterator[TrialSpec]:
    """Yield trials of one program that differ in learning rate, seed and gain."""
    steps = {"steps": WARM_UP + STEPS, "log_every": 10, "fuse": count}
    steps["batch_size"], steps["loss"] = program.get("batch_size", 64), program.get("loss", "cross_entropy")
    for k in range(count):
        yield TrialSpec.model_validate(
            {
                "dataset": program.get("dataset", {"name": "digits"}),
                "model": program["model"],
                "norm": norm,
                "init": "kaiming_normal",
                "init_gain": 0.5 + k / count,
                "lr": 1e-3 * (1 + k),
                "seed": k,
                "train": steps,
            }
        )


def alone_ms(spec: TrialSpec, data: Dataset) -> float:
    """Return the time of a step of one trial."""
    train_alone = spec.train.model_copy(update={"fuse": 1})
    return _step_ms(train(spec.model_copy(update={"train": train_alone}), data), data.train_x.device)


def as_one_ms(specs: list[TrialSpec], data: Dataset) -> float:
    """Return the time of a step of all trials, over their number."""
    return _step_ms(train_together(dict(enumerate(specs)), data), data.train_x.device) / len(specs)


def _step_ms(steps: Iterator[object], device: torch.device) -> float:
    """Return the mean time of a step after the warm-up, without what comes after the last."""
    for _ in range(WARM_UP):
        next(steps)
    _wait(device)
    started = perf_counter()
    for _ in range(STEPS - 2):
        next(steps)
    _wait(device)
    return 1000 * (perf_counter() - started) / (STEPS - 2)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
