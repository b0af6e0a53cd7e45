"""What taking normalization statistics anew before each evaluation changes, and what it costs.

    python -m benchmarks.evaluation          # one thread; about two minutes
    python -m benchmarks.evaluation --seeds 1 --repeats 3

Trials are those of sweeps/mini.yaml at gain 1, without probes. The first table has the test accuracy at the end with
new statistics and with the running ones, seed by seed. The second has CPU times, in which other processes do not count:
of a pass over the test set, which was all of an evaluation once; of an evaluation on the way; of the one at the end,
which takes training samples too; and of all that is more than a pass, over the rest of the trial's time.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import process_time
from typing import Any

from benchmarks.probes import with_quartiles
from bnsweep.data import Dataset, load_dataset
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device
from bnsweep.training.evaluation import Evaluator
from bnsweep.training.loop import run_trial
from bnsweep.training.losses import make_loss
from bnsweep.training.model import prepare_model

STEPS, EVAL_EVERY = 200, 50
ACCURACIES: tuple[dict[str, Any], ...] = (
    *({"norm": norm, "lr": lr} for norm in ("batch", "noisy_batch") for lr in (0.01, 0.1, 1.0)),
    *({"norm": norm, "lr": 1.0} for norm in ("l1", "linf")),
    *({"norm": "batch", "lr": lr, "train": {"optimizer": "adam"}} for lr in (0.01, 0.1, 1.0)),
)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="trials of each setting")
    parser.add_argument("--repeats", type=int, default=7, help="turns that are timed")
    given = parser.parse_args()
    prepare_device(Resources())
    data = load_dataset(make_spec({}).dataset)
    print("test accuracy: new statistics | running statistics")
    for changes in ACCURACIES:
        results = [run_trial(make_spec({**changes, "seed": seed}), data) for seed in range(given.seeds)]
        new, running = ([f"{getattr(result, name):.3f}" for result in results] for name in COLUMNS)
        optimizer = changes.get("train", {}).get("optimizer", "sgd")
        print(
            f"  {changes['norm']:12} {optimizer:5} lr {changes['lr']:<5} {' '.join(new)} | {' '.join(running)}",
            flush=True,
        )
    print("time: a pass, an evaluation, the last one; more than a pass, over the rest, without and with eval_every")
    for norm in ("none", "batch", "noisy_batch"):
        turns = [costs(make_spec({"norm": norm}), data) for _ in range(given.repeats)]
        passing, evaluating, ending, alone, often = zip(*turns, strict=True)
        millis = (with_quartiles([1000 * each for each in times]) for times in (passing, evaluating, ending))
        shares = (with_quartiles([100 * share for share in each]) for each in (alone, often))
        print(
            f"  {norm:12} {' '.join(f'{each} ms' for each in millis)} {' '.join(f'{each} %' for each in shares)}",
            flush=True,
        )


COLUMNS = "test_acc", "test_acc_running"


def make_spec(changes: dict[str, Any]) -> TrialSpec:
    """Return a trial of the mini sweep at gain 1 with `changes`."""
    fields = {"model": {"name": "vgg", "widths": [16, "M", 32, "M", 64]}, "dataset": {"name": "digits"}}
    train = {"steps": STEPS, "batch_size": 64, **changes.get("train", {})}
    return TrialSpec.model_validate({**fields, "init": "xavier_uniform", **changes, "train": train})


def costs(spec: TrialSpec, data: Dataset) -> tuple[float, float, float, float, float]:
    """Return seconds of a pass, of an evaluation and of the last one, and the shares of a trial, rare and often."""
    model, loss = prepare_model(spec, data).model, make_loss(spec.train)
    evaluator = Evaluator(data, loss, spec.train.batch_size, spec.seed)
    passing = seconds(lambda: evaluator(model.eval()))  # in eval mode no norm has statistics that move
    evaluating = seconds(lambda: evaluator(model.train()))
    ending = seconds(lambda: evaluator(model.train(), with_train=True))
    trial = process_time_of(lambda: run_trial(spec, data))
    once, each = ending - passing, evaluating - passing
    often = once + STEPS // EVAL_EVERY * each
    rest = trial - once
    return passing, evaluating, ending, once / rest, often / (rest + STEPS // EVAL_EVERY * passing)


def seconds(work: Callable[[], object], times: int = 10) -> float:
    """Return the CPU time of the work, the mean of several in a row."""
    work()
    return process_time_of(lambda: [work() for _ in range(times)]) / times


def process_time_of(work: Callable[[], object]) -> float:
    """Return the CPU time of the work."""
    started = process_time()
    work()
    return process_time() - started


if __name__ == "__main__":
    main()
