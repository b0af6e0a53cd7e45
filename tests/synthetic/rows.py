"""The rows that a trial would leave, by what is true of its mode."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from typing import Any

from bnsweep.spec import TrialSpec
from bnsweep.spec.trial import SEMANTICS_VERSION
from tests.synthetic.truth import accuracy_of, truth_of

LAYERS = ("conv0", "conv1", "conv2", "linear")
MULTIPLES = (0.5, 1.0, 2.0, 4.0)


def rows_of(spec: TrialSpec, diverged: bool) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of one trial by table."""
    stop = 30 if diverged else spec.train.steps
    return {
        "trials": [_trial(spec, diverged, stop)],
        "curves": list(_curves(spec, stop)),
        "landscape": list(_landscape(spec, stop, diverged)),
        "ics": list(_ics(spec, stop)),
        "moments": list(_moments(spec, stop)),
        "layers": list(_layers(spec, stop)),
        "curvature": list(_curvature(spec, stop)),
        "flatness": list(_flatness(spec, stop, diverged)),
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
    rough = _roughness(spec)
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
        "adaptive_sharpness": 5 * rough if spec.probes.flatness and not diverged else None,
        "sweep": "synthetic",
        "status": "diverged" if diverged else "completed",
        "stop_step": stop,
        "stop_reason": "loss is not finite" if diverged else None,
        "model": "vgg",
        "model_options": '{"widths": [16, "M", 32, "M", 64]}',
        "dataset": "digits",
        "dataset_options": "{}",
        **{name: json.dumps(v) if isinstance(v, tuple) else v for name, v in spec.train.model_dump().items()},
        "probes": spec.probes.model_dump_json(),
        "num_classes": 10,
        "train_acc": accuracy,
        "test_acc": accuracy,
        "test_acc_running": accuracy,
        "train_acc_eval": accuracy,
        "test_loss": None if accuracy is None else 1 - accuracy,
        "test_loss_running": None if accuracy is None else 1 - accuracy,
        "train_loss": None if accuracy is None else 1 - accuracy,
        "train_loss_eval": None if accuracy is None else 0.9 * (1 - accuracy),
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
        "semantics_version": SEMANTICS_VERSION,
    }


def _roughness(spec: TrialSpec) -> float:
    return truth_of(spec.norm).roughness * spec.lr**-0.3 * (1 + 0.1 * spec.seed)


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
            "given_as": "lr_multiple",
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


def _layers(spec: TrialSpec, stop: int) -> Iterator[dict[str, Any]]:
    if spec.probes.layers is None:
        return
    for step, (layer, name) in product(range(0, stop, 25), enumerate(LAYERS)):
        length = truth_of(spec.norm).roughness * (1 + layer + 0.1 * spec.seed) * math.exp(step / 300)
        yield {
            **_axes(spec),
            "step": step,
            "layer": layer,
            "layer_name": name,
            "weight_norm": length,
            "grad_norm": 0.5,
            "update_norm": 0.5 * spec.lr,
            "relative_update": 0.5 * spec.lr / length,
            "effective_lr": spec.lr / length**2,
        }


def _curvature(spec: TrialSpec, stop: int) -> Iterator[dict[str, Any]]:
    if spec.probes.curvature is None:
        return
    for step in range(0, stop, 100):
        edge = 2 / spec.lr
        measured = {"sharpness": edge, "sharpness_bound": 1.01 * edge, "two_over_lr": edge, "tolerance": 0.01}
        measured |= {"lowest_eigenvalue": -edge / 4, "lowest_bound": -edge / 3, "failure_probability": 0.001}
        measured |= {"optimizer_sharpness": edge, "stability_limit": edge, "num_hvps": 20}
        yield {**_axes(spec), "step": step, **measured}


def _flatness(spec: TrialSpec, stop: int, diverged: bool) -> Iterator[dict[str, Any]]:
    if spec.probes.flatness is None or diverged:
        return
    found = {"adaptive_sharpness": 5 * _roughness(spec), "tolerance": 0.01, "samples": 256, "num_hvps": 20}
    yield {**_axes(spec), "step": stop, **found}
