"""What a trial's probes measure, against the oracles at steps that are made here by hand, in plain PyTorch."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from bnsweep.data import load_dataset
from bnsweep.data.batches import batch_indices
from bnsweep.models import Network, norm_sites
from bnsweep.norm import set_step
from bnsweep.rng import RngState, capture_rng, derive, seeded
from bnsweep.spec import GaussianSpec, TrialSpec
from bnsweep.training.loop import run_trial
from bnsweep.training.model import prepare_model
from tests import reference

CPU = torch.device("cpu")
GAUSSIAN = GaussianSpec(name="gaussian", samples=40, test_samples=8, dimension=4, num_classes=3)
DATA = load_dataset(GAUSSIAN)
STEPS = 3
MULTIPLES, ALPHAS = (0.5, 4.0), (0.1,)
PROBES = {
    "landscape": {"every": 2, "lr_multiples": MULTIPLES, "alphas": ALPHAS},
    "ics": {"every": 2},
    "moments": {"every": 2},
    "layers": {"every": 2},
    "curvature": {"every": 2, "tolerance": 1e-4},
}
OPTIMIZERS = [
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.1},
    {"optimizer": "adam", "weight_decay": 0.1},
    {"momentum": 0.9, "nesterov": True, "clip_norm": 0.5, "schedule": "linear"},
]
ADAMW = {"optimizer": "adamw", "weight_decay": 0.1, "betas": [0.8, 0.95], "schedule": "cosine", "warmup": 1}
"""Not before a normalization over the mini-batch, where the gradient of a bias is rounding, which it would follow."""
MODELS = [
    {"name": "mlp", "widths": [5, 5, 4]},
    *({"name": f"tests.user_code.edge_case_models:{name}"} for name in ("dropped", "flipped", "in_place", "gated")),
]
CASES = [
    (model, norm, OPTIMIZERS[(i + j) % len(OPTIMIZERS)])
    for i, model in enumerate(MODELS)
    for j, norm in enumerate(("none", "batch", "noisy_batch", "weight"))
] + [(MODELS[0], norm, ADAMW) for norm in ("none", "layer")]


@dataclass(frozen=True)
class Step:
    """One update: the model as it was before, with its buffers, and what it takes to make the step again."""

    network: Network
    stream: RngState
    x: Tensor
    y: Tensor
    before: dict[str, Tensor]
    after: dict[str, Tensor]
    lr: float
    norm: float
    """The gradient's, before it was clipped."""
    divisors: list[Tensor]
    """What Adam divided its mean gradient by, for each trained parameter; empty for SGD."""


def by_hand(spec: TrialSpec) -> Iterator[Step]:
    """Train without bnsweep's loop, probes or optimizers' table: its kernels round the last bits differently."""
    network = prepare_model(spec, DATA)
    model, train = network.model.train(), spec.train
    if train.optimizer == "sgd":
        options = {"momentum": train.momentum, "nesterov": train.nesterov, "weight_decay": train.weight_decay}
        optimizer = torch.optim.SGD(model.parameters(), spec.lr, **options)
    else:
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[train.optimizer]
        optimizer = kind(model.parameters(), spec.lr, train.betas, weight_decay=train.weight_decay)
    with seeded(derive(spec.seed, "torch"), CPU):
        order = batch_indices(len(DATA.train_y), spec.train.batch_size, spec.train.steps, spec.seed)
        for step, index in enumerate(order):
            x, y = DATA.standardize(DATA.train_x[index]), DATA.train_y[index]
            set_step(model, step)
            twin, stream = copy.deepcopy(network), capture_rng(CPU)
            (group,) = optimizer.param_groups
            group["lr"] = reference.rate(step, spec.lr, train, int(train.warmup))
            optimizer.zero_grad()
            cross_entropy(model(x.clone()), y).backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), train.clip_norm or torch.inf).item()
            optimizer.step()
            before, after = (
                {name: w.detach().clone() for name, w in m.named_parameters()} for m in (twin.model, model)
            )
            divisors = adam_divisors(optimizer, step + 1, train.betas)
            yield Step(twin, stream, x, y, before, after, group["lr"], norm, divisors)


def adam_divisors(optimizer: torch.optim.Optimizer, count: int, betas: tuple[float, ...]) -> list[Tensor]:
    states = [optimizer.state.get(w) for w in optimizer.param_groups[0]["params"] if w.requires_grad]
    if isinstance(optimizer, torch.optim.SGD):
        return []
    b1, b2 = betas
    return [((s["exp_avg_sq"] / (1 - b2**count)).sqrt() + 1e-8) * (1 - b1**count) for s in states]


@pytest.mark.parametrize(("model", "norm", "train"), CASES)
def test_the_rows_of_a_trial_are_those_of_its_own_steps(model: dict, norm: str, train: dict) -> None:
    spec = TrialSpec.model_validate(
        {
            "model": model,
            "dataset": GAUSSIAN.model_dump(),
            "train": {"steps": STEPS, "batch_size": 16, **train},
            "norm": norm,
            "lr": 0.05,
            "probes": PROBES,
        }
    )
    tables, steps = run_trial(spec, DATA).tables, list(enumerate(by_hand(spec)))
    assert [row["step_lr"] for row in tables["curves"][:-1]] == pytest.approx([step.lr for _, step in steps])
    assert [row["grad_norm"] for row in tables["curves"][:-1]] == pytest.approx([step.norm for _, step in steps], 1e-4)
    for number, step in steps[::2]:
        rows = {table: [row for row in tables[table] if row["step"] == number] for table in PROBES}
        check_landscape(rows["landscape"], step, step.lr)
        check_ics(rows["ics"], step)
        check_moments(rows["moments"], step)
        check_layers(rows["layers"], step, spec)
        check_curvature(rows["curvature"], step, spec)


def test_a_probe_is_given_the_steps_own_loss() -> None:
    fields = {"model": MODELS[0], "dataset": GAUSSIAN.model_dump(), "train": {"steps": STEPS, "batch_size": 16}}
    spec = TrialSpec.model_validate(fields | {"probes": {"tests.user_code.probes:step_loss": {"every": 1}}})
    tables = run_trial(spec, DATA).tables
    assert [row["v"] for row in tables["acted"]] == [row["train_loss"] for row in tables["curves"][:-1]]


def check_landscape(rows: list[dict], step: Step, lr: float) -> None:
    alphas = [*(multiple * lr for multiple in MULTIPLES), *ALPHAS]
    assert [row["alpha"] for row in rows] == pytest.approx(alphas)
    assert [row["lr_multiple"] for row in rows] == pytest.approx([*MULTIPLES, *(alpha / lr for alpha in ALPHAS)])
    assert [row["given_as"] for row in rows] == ["lr_multiple"] * len(MULTIPLES) + ["alpha"] * len(ALPHAS)
    points = reference.landscape(step.network.model, step.before, step.x, step.y, cross_entropy, alphas, step.stream)
    for row, point in zip(rows, points, strict=True):
        assert row["loss"] == pytest.approx(point.loss, rel=1e-5)
        assert row["grad_norm"] == pytest.approx(point.grad_norm, rel=1e-4)
        assert row["grad_diff_l2"] == pytest.approx(point.grad_diff_l2, rel=1e-3, abs=1e-6)
        assert row["beta"] == pytest.approx(point.beta, rel=1e-3, abs=1e-6 / (row["alpha"] * point.grad_norm))


def check_ics(rows: list[dict], step: Step) -> None:
    found = reference.shifted_gradients(
        step.network.model, step.before, step.after, step.x, step.y, cross_entropy, step.stream
    )
    for row, (G, shifted) in zip(rows, found, strict=True):
        l2, cosine, grad_norm = reference.ics(G, shifted)
        assert row["ics_l2"] == pytest.approx(l2, rel=1e-5)
        assert row["ics_cos"] == pytest.approx(cosine, rel=1e-5)
        assert row["grad_norm"] == pytest.approx(grad_norm, rel=1e-5)
    assert all(row["ics_l2"] > 0 for row in rows[1:])


def clip_factor(step: Step, spec: TrialSpec) -> float:
    return min(1.0, (spec.train.clip_norm or math.inf) / step.norm)


def check_moments(rows: list[dict], step: Step) -> None:
    seen = reference.around_sites(step.network.model, step.before, step.x, step.stream)
    assert [row["layer"] for row in rows] == [layer for layer, _, _ in norm_sites(step.network)]
    for row, around in zip(rows, seen, strict=True):
        for prefix, activation in zip(("pre_", ""), around, strict=True):
            means, stds = zip(*reference.channel_moments(activation), strict=True)
            assert row[f"{prefix}mean"] == pytest.approx(sum(means) / len(means), rel=1e-6, abs=1e-6)
            assert row[f"{prefix}std"] == pytest.approx(sum(stds) / len(stds), rel=1e-6)


def check_layers(rows: list[dict], step: Step, spec: TrialSpec) -> None:
    momentum, is_sgd = spec.train.momentum, spec.train.optimizer == "sgd"
    _, gradient = reference.full_pass(copy.deepcopy(step.network.model), step.x, step.y, cross_entropy, step.stream)
    weights, _ = reference.layer_of(step.network.model)
    for row, made_of in zip(rows, weights, strict=True):
        moved_by = step.lr * clip_factor(step, spec)
        expected = reference.rates(step.before, step.after, gradient, made_of[-1], moved_by, momentum)
        expected["effective_lr"] = expected["effective_lr" if is_sgd else "relative_update"]
        assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-4)


def check_curvature(rows: list[dict], step: Step, spec: TrialSpec) -> None:
    (row,) = rows
    whole = reference.hessian(step.network.model, step.before, step.x, step.y, cross_entropy, step.stream)
    assert row["sharpness"] == pytest.approx(torch.linalg.eigvalsh(whole)[-1].item(), rel=1e-3)
    assert row["two_over_lr"] == pytest.approx(2 / step.lr)
    if clip_factor(step, spec) < 1:
        assert row["optimizer_sharpness"] is row["stability_limit"] is None
        return
    decay = 0.0 if spec.train.optimizer == "adamw" else spec.train.weight_decay
    own = whole + decay * torch.eye(len(whole))
    if step.divisors:
        own /= torch.cat([part.flatten() for part in step.divisors]).double()[:, None]
    assert row["optimizer_sharpness"] == pytest.approx(torch.linalg.eigvals(own).real.max().item(), rel=1e-3)
