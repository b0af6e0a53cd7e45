"""What a training step costs beside the loop that one would write by hand.

    python -m benchmarks.step                # one thread; about three minutes
    python -m benchmarks.step --repeats 3

Both train the same net on the same batches of digits, without probes: (a) data standardized beforehand, forward,
backward, update, and the loss kept as a tensor and read at the end; (b) bnsweep's step, which keeps a row of loss,
accuracy and gradient norm for each. Runs of each take turns in one process. Printed are the median over the turns of
the ratio of their CPU times per step, and its quartiles; one thread works, so that other processes do not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import closing
from time import process_time
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks.probes import with_quartiles
from bnsweep.data import Dataset, load_dataset
from bnsweep.data.batches import batch_indices
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device
from bnsweep.training.loop import train
from bnsweep.training.model import prepare_model

STEPS, WARM_UP = 300, 20
CASES: dict[str, dict[str, Any]] = {
    "small VGG, none": {"norm": "none"},
    "small VGG, batch": {"norm": "batch"},
    "small VGG, noisy_batch": {"norm": "noisy_batch"},
    "mlp [128, 128], none": {"norm": "none", "model": {"name": "mlp", "widths": [128, 128]}},
    "mlp [128, 128], batch": {"norm": "batch", "model": {"name": "mlp", "widths": [128, 128]}},
    "small VGG, batch, a row each 10 steps": {"norm": "batch", "train": {"log_every": 10}},
    "small VGG, batch, momentum": {"norm": "batch", "train": {"momentum": 0.9, "weight_decay": 5e-4}},
    "small VGG, batch, adam": {"norm": "batch", "train": {"optimizer": "adam"}, "lr": 0.001},
    "small VGG, batch, adamw, cosine, clipped": {
        "norm": "batch",
        "train": {"optimizer": "adamw", "weight_decay": 0.01, "schedule": "cosine", "clip_norm": 1.0},
        "lr": 0.001,
    },
    "VGG [64, M, 128, M, 256]": {"norm": "batch", "model": {"name": "vgg", "widths": [64, "M", 128, "M", 256]}},
}


def main() -> None:
    """Print the ratio of each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9, help="turns of each")
    repeats = parser.parse_args().repeats
    prepare_device(Resources())
    print("time of a step over that of a loop by hand, digits, batch 64")
    for case, changes in CASES.items():
        spec = make_spec(changes)
        data = load_dataset(spec.dataset)
        turns = [(by_hand(spec, data), ours(spec, data)) for _ in range(repeats)]
        millis = 1000 * min(hand for hand, _ in turns)
        print(
            f"  {case:40} {with_quartiles([our / hand for hand, our in turns])}  by hand {millis:.2f} ms",
            flush=True,
        )


def make_spec(changes: dict[str, Any]) -> TrialSpec:
    """Return the trial of a case."""
    fields: dict[str, Any] = {
        "model": {"name": "vgg", "widths": [16, "M", 32, "M", 64]},
        "dataset": {"name": "digits"},
        "init": "kaiming_normal",
        "lr": 0.05,
        **changes,
    }
    return TrialSpec.model_validate({**fields, "train": {"steps": STEPS, **fields.get("train", {})}})


def ours(spec: TrialSpec, data: Dataset) -> float:
    """Return the time of one of bnsweep's steps (seconds)."""
    with closing(train(spec, data)) as steps:
        for _ in range(WARM_UP + 1):
            next(steps)
        started = process_time()
        for _ in range(STEPS - WARM_UP - 1):
            next(steps)
        return (process_time() - started) / (STEPS - WARM_UP - 1)


def by_hand(spec: TrialSpec, data: Dataset, clock: Callable[[], float] = process_time) -> float:
    """Return the time of one step of a minimal loop (seconds), by default of the CPU."""
    model, options = prepare_model(spec, data).model.to(memory_format=torch.contiguous_format).train(), spec.train
    optimizer = _optimizer(model.parameters(), spec)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
    images, labels = data.standardize(data.train_x), data.train_y
    losses = []
    order = list(batch_indices(len(labels), options.batch_size, options.steps, spec.seed))
    for step, index in enumerate(order):
        if step == WARM_UP:
            started = clock()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[index]), labels[index])
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        if options.clip_norm:
            torch.nn.utils.clip_grad_norm_(model.parameters(), options.clip_norm)
        optimizer.step()
        if options.schedule == "cosine":
            schedule.step()
        losses.append(loss.detach())
    torch.stack(losses).tolist()
    return (clock() - started) / (options.steps - WARM_UP)


def _optimizer(parameters: Iterator[torch.nn.Parameter], spec: TrialSpec) -> torch.optim.Optimizer:
    """Return the optimizer as one would make it by hand."""
    lr, decay = spec.lr, spec.train.weight_decay
    if spec.train.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr, spec.train.momentum, weight_decay=decay)
    if spec.train.optimizer == "adam":
        return torch.optim.Adam(parameters, lr, weight_decay=decay)
    return torch.optim.AdamW(parameters, lr, weight_decay=decay)


if __name__ == "__main__":
    main()
