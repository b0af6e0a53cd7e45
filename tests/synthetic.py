"""A results directory of known truth, written through the store as a real run writes it.

Accuracy over log10 lr is a trapezium: at its mode's peak between `low` and `high`, at chance `RAMP` decades beyond, and
diverged above `diverges_above`. Each seed is a little worse than the one before, and diverges a little earlier.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any

from bnsweep.results import Store
from bnsweep.spec import (
    CurvatureSpec,
    DigitsSpec,
    IcsSpec,
    LandscapeSpec,
    MomentsSpec,
    ProbesSpec,
    TrainSpec,
    TrialSpec,
    VggSpec,
)

CHANCE = 0.1
RAMP = 1.2
LAYERS = ("conv0", "conv1", "conv2", "linear")
MULTIPLES = (0.5, 1.0, 2.0, 4.0)
SEED_SHIFT = 0.01
SEED_EDGE = 0.2


@dataclass(frozen=True)
class Truth:
    """What is true of a mode: where it trains (log10 lr), how well, where it diverges, and how rough its loss is."""

    low: float
    high: float
    peak: float
    diverges_above: float
    roughness: float
    shift: float


TRUTHS: Mapping[str, Truth] = {
    "none": Truth(-1.0, -1.0, 0.93, -0.3, 8.0, 0.6),
    "batch": Truth(-2.0, 0.0, 0.97, 0.6, 1.0, 1.0),
    "noisy_batch": Truth(-2.0, 0.0, 0.96, 1.1, 1.3, 2.2),
}
OTHER = Truth(-2.0, -1.0, 0.95, 0.2, 3.0, 0.8)

Keep = Callable[[TrialSpec], bool]


def truth_of(norm: str) -> Truth:
    return TRUTHS.get(norm, OTHER)


def accuracy_of(spec: TrialSpec) -> float | None:
    """Return the true test accuracy; None where the trial diverges."""
    truth, at = truth_of(spec.norm), math.log10(spec.lr)
    gain_edge = 0.5 * math.log2(spec.init_gain) if spec.norm == "none" else 0.0
    if at > truth.diverges_above - gain_edge - SEED_EDGE * spec.seed:
        return None
    outside = max(truth.low - at, at - truth.high, 0.0)
    outside += SEED_EDGE * spec.seed if outside else 0.0
    peak = truth.peak - SEED_SHIFT * spec.seed
    return CHANCE + (peak - CHANCE) * max(0.0, 1 - outside / RAMP)


def make_specs(
    norms: Sequence[str] = ("none", "batch", "noisy_batch"),
    inits: Sequence[str] = ("xavier_uniform",),
    gains: Sequence[float] = (0.5, 1.0, 2.0),
    lrs: Sequence[float] = (1e-3, 1e-2, 1e-1, 1.0, 10.0),
    num_seeds: int = 2,
    probes: bool = True,
    curvature: bool = False,
    **train: Any,
) -> list[TrialSpec]:
    """Return the specs of a sweep of the shape of `sweeps/mini.yaml`."""
    measured = ProbesSpec(
        landscape=LandscapeSpec(every=25, lr_multiples=MULTIPLES),
        ics=IcsSpec(every=25),
        moments=MomentsSpec(every=25),
        curvature=CurvatureSpec(every=100) if curvature else None,
    )
    return [
        TrialSpec(
            model=VggSpec(name="vgg", widths=(16, "M", 32, "M", 64)),
            dataset=DigitsSpec(name="digits"),
            train=TrainSpec(**{"steps": 200, "log_every": 10, **train}),
            norm=norm,
            init=init,
            init_gain=gain,
            lr=lr,
            seed=seed,
            probes=measured if probes else ProbesSpec(),
        )
        for seed, norm, init, gain, lr in product(range(num_seeds), norms, inits, gains, lrs)
    ]


def write_sweep(
    directory: str | os.PathLike[str],
    specs: Sequence[TrialSpec] | None = None,
    *,
    keep: Keep | None = None,
    diverges: Keep | None = None,
    declare: bool = True,
    batch: int = 10,
    sweep_file: str = "name: synthetic\n# a comment with <angle brackets> & ampersands\n",
) -> list[TrialSpec]:
    """Declare `specs` and commit those to `keep` in batches; return the specs."""
    specs = make_specs() if specs is None else list(specs)
    store = Store.open(directory)
    if declare:
        store.declare("synthetic", [spec.trial_key for spec in specs], sweep_file)
    done = [spec for spec in specs if keep is None or keep(spec)]
    for start in range(0, len(done), batch):
        tables: dict[str, list[dict[str, Any]]] = {}
        for spec in done[start : start + batch]:
            for table, rows in rows_of(spec, diverges(spec) if diverges else accuracy_of(spec) is None).items():
                tables.setdefault(table, []).extend(rows)
        store.commit(tables)
    return specs


def rows_of(spec: TrialSpec, diverged: bool) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of one trial by table."""
    stop = 30 if diverged else spec.train.steps
    return {
        "trials": [_trial(spec, diverged, stop)],
        "curves": list(_curves(spec, stop)),
        "landscape": list(_landscape(spec, stop, diverged)),
        "ics": list(_ics(spec, stop)),
        "moments": list(_moments(spec, stop)),
        "curvature": list(_curvature(spec, stop)),
    }


def _axes(spec: TrialSpec) -> dict[str, Any]:
    return {
        "trial_key": spec.trial_key,
        "norm": spec.norm,
        "init": spec.init,
        "init_gain": spec.init_gain,
        "lr": spec.lr,
        "seed": spec.seed,
    }


def _trial(spec: TrialSpec, diverged: bool, stop: int) -> dict[str, Any]:
    truth, accuracy = truth_of(spec.norm), None if diverged else accuracy_of(spec)
    rough = truth.roughness * spec.lr**-0.3 * (1 + 0.1 * spec.seed)
    measured = {
        "landscape_loss_range": 0.1 * rough,
        "landscape_grad_diff": rough,
        "landscape_beta": math.inf if diverged and spec.seed else 3 * rough,
        "ics_l2": truth.shift * spec.lr**0.5,
        "ics_cos": 1 / (1 + spec.lr * truth.shift),
    }
    return {
        **_axes(spec),
        **(measured if spec.probes.landscape else {}),
        "sharpness": 2 / spec.lr if spec.probes.curvature else None,
        "sweep": "synthetic",
        "status": "diverged" if diverged else "completed",
        "stop_step": stop,
        "stop_reason": "loss is not finite" if diverged else None,
        "model": "vgg",
        "model_options": '{"widths": [16, "M", 32, "M", 64]}',
        "dataset": "digits",
        "dataset_options": "{}",
        **spec.train.model_dump(),
        "probes": spec.probes.model_dump_json(),
        "num_classes": 10,
        "train_acc": accuracy,
        "test_acc": accuracy,
        "test_loss": None if accuracy is None else 1 - accuracy,
        "train_loss": None if accuracy is None else 1 - accuracy,
        "wall_time_s": 1.0,
        "probe_time_s": 0.2,
        "peak_memory_bytes": 10**8,
        "device": "cpu",
        "host": "here",
        "attempt": 1,
        "started_at": datetime(2026, 1, 1, tzinfo=UTC),
        "git_sha": "0123456789abcdef",
        "versions": '{"python": "3.13.0", "torch": "2.9.0"}',
        "spec": spec.to_json(),
    }


def _curves(spec: TrialSpec, stop: int) -> Iterator[dict[str, Any]]:
    for step in range(0, stop, spec.train.log_every):
        loss = 2.3 * math.exp(-step / 80)
        yield {**_axes(spec), "step": step, "train_loss": loss, "train_acc": 0.5, "grad_norm": 1.0}


def _landscape(spec: TrialSpec, stop: int, diverged: bool) -> Iterator[dict[str, Any]]:
    if spec.probes.landscape is None:
        return
    rough = truth_of(spec.norm).roughness * (1 + 0.1 * spec.seed)
    for step, multiple in product(range(0, stop, 25), MULTIPLES):
        alpha, norm = multiple * spec.lr, 2 * math.exp(-step / 120)
        change = rough * alpha * norm * (1 + 0.3 * math.sin(step))
        last = diverged and step + 25 >= stop
        yield {
            **_axes(spec),
            "step": step,
            "lr_multiple": multiple,
            "alpha": alpha,
            "loss": math.inf if last else 2.3 * math.exp(-step / 90) * (1 + 0.2 * rough * multiple * (multiple - 1.5)),
            "grad_diff_l2": math.nan if last else change,
            "grad_norm": norm,
            "beta": math.nan if last else change / (alpha * norm),
        }


def _ics(spec: TrialSpec, stop: int) -> Iterator[dict[str, Any]]:
    if spec.probes.ics is None:
        return
    shift = truth_of(spec.norm).shift * (1 + 0.05 * spec.seed)
    for step, (layer, name) in product(range(0, stop, 25), enumerate(LAYERS)):
        size = 0.5 * math.exp(-step / 150) * (1 + 0.2 * math.cos(step + layer))
        moved = 0.0 if layer == 0 else shift * size * spec.lr**0.5
        cosine = 1 / math.sqrt(1 + (moved / size) ** 2)
        yield {
            **_axes(spec),
            "step": step,
            "layer": layer,
            "layer_name": name,
            "ics_l2": moved,
            "ics_cos": cosine,
            "grad_norm": size,
        }


def _moments(spec: TrialSpec, stop: int) -> Iterator[dict[str, Any]]:
    if spec.probes.moments is None:
        return
    for step, (layer, name) in product(range(0, stop, 25), enumerate(LAYERS[:-1])):
        yield {
            **_axes(spec),
            "step": step,
            "layer": layer,
            "layer_name": name,
            "mean": 0.0,
            "std": 1.0,
            "mean_shift": None if step == 0 else 0.1,
            "std_shift": None if step == 0 else 0.05,
            "pre_mean": 0.5,
            "pre_std": 2.0,
            "pre_mean_shift": None if step == 0 else 0.2,
            "pre_std_shift": None if step == 0 else 0.1,
        }


def _curvature(spec: TrialSpec, stop: int) -> Iterator[dict[str, Any]]:
    if spec.probes.curvature is None:
        return
    for step in range(0, stop, 100):
        measured = {"sharpness": 2 / spec.lr, "two_over_lr": 2 / spec.lr, "tolerance": 0.01, "num_hvps": 20}
        yield {**_axes(spec), "step": step, **measured}
