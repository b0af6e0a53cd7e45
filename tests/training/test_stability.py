"""The edge of stability against the optimizers themselves, on quadratics a little below and above it."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import nn

from benchmarks.edge_of_stability import measure, own_ratio
from bnsweep.probes.stability import Stability
from bnsweep.spec import TrainSpec, TrialSpec
from bnsweep.training.optimizers import make_optimizer, set_lr
from bnsweep.training.stability import edge_of_stability

LR = 0.05
TRAIN = [
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "weight_decay": 3.0},
    {"optimizer": "sgd", "momentum": 0.5},
    {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 3.0},
    {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 3.0},
    {"optimizer": "adam"},
    {"optimizer": "adam", "weight_decay": 3.0},
    {"optimizer": "adam", "betas": [0.5, 0.9]},
    {"optimizer": "adamw", "betas": [0.5, 0.9]},
    {"optimizer": "adamw", "weight_decay": 3.0},
    {"optimizer": "adamw", "weight_decay": 30.0},
]


def growth(optimizer: torch.optim.Optimizer, w: nn.Parameter, eigenvalue: float, steps: int = 300) -> float:
    """Return how many times as long w is after full-batch steps on a quadratic."""
    before = w.abs().item()
    for _ in range(steps):
        w.grad = eigenvalue * w.detach()
        optimizer.step()
    return w.abs().item() / before


def with_steady_scale(optimizer: torch.optim.Optimizer, w: nn.Parameter) -> None:
    """Put Adam where its second moments hardly change: long after its start, with gradients that were large."""
    for group in optimizer.param_groups:
        if "betas" in group:
            group["betas"] = (group["betas"][0], 1 - 1e-9)
    w.grad = torch.zeros_like(w)
    optimizer.step()
    for name, value in {"exp_avg": 0.0, "exp_avg_sq": 4e-9, "max_exp_avg_sq": 4e-7, "step": 1e12}.items():
        if name in optimizer.state[w]:
            optimizer.state[w][name].fill_(value)


def one_weight() -> nn.Parameter:
    return nn.Parameter(torch.full((1,), 1e-12, dtype=torch.float64))


def own_sharpness(edge: Stability, eigenvalue: float) -> float:
    scale = 1.0 if edge.preconditioner is None else edge.preconditioner["w"].item()
    return (eigenvalue + edge.decay) / scale


def eigenvalue_at(edge: Stability, share: float) -> float:
    """Return the eigenvalue of the loss at which the optimizer's own is this share of the limit."""
    scale = 1.0 if edge.preconditioner is None else edge.preconditioner["w"].item()
    assert edge.limit is not None
    return share * edge.limit * scale - edge.decay


def check_edge(make: Callable[[nn.Parameter], torch.optim.Optimizer]) -> None:
    for share in (0.98, 1.02):
        w = one_weight()
        optimizer = make(w)
        with_steady_scale(optimizer, w)
        with torch.no_grad():
            w.fill_(1e-12)
        edge = edge_of_stability(optimizer, {"w": w}, LR)
        eigenvalue = eigenvalue_at(edge, share)
        assert own_sharpness(edge, eigenvalue) == pytest.approx(share * edge.limit)
        assert (growth(optimizer, w, eigenvalue) > 1) == (share > 1)


@pytest.mark.parametrize("train", TRAIN, ids=str)
def test_training_shrinks_below_the_edge_and_grows_above(spec: Callable[..., TrialSpec], train: dict) -> None:
    trial = spec(train=train, lr=LR)
    check_edge(lambda w: make_optimizer([w], trial))


OF_USERS: dict[str, Callable[[nn.Parameter], torch.optim.Optimizer]] = {
    "dampened": lambda w: torch.optim.SGD([w], LR, 0.9, dampening=0.5),
    "AMSGrad": lambda w: torch.optim.Adam([w], LR, amsgrad=True),
    "AdamW with AMSGrad": lambda w: torch.optim.AdamW([w], LR, weight_decay=3.0, amsgrad=True),
    "Adam with AdamW's decay": lambda w: torch.optim.Adam([w], LR, weight_decay=3.0, decoupled_weight_decay=True),
    "a rate that is a tensor": lambda w: torch.optim.Adam([w], torch.tensor(LR)),
}


@pytest.mark.parametrize("name", OF_USERS)
def test_the_edge_is_that_of_what_a_loop_of_the_users_own_makes(name: str) -> None:
    check_edge(OF_USERS[name])


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW])
def test_what_goes_up_has_no_edge(kind: Callable[..., torch.optim.Optimizer]) -> None:
    w = one_weight()
    assert edge_of_stability(kind([w], lr=LR, maximize=True), {"w": w}, LR) == Stability()


@pytest.mark.parametrize(
    ("lr", "train"),
    [(0.1, {}), pytest.param(0.3, {"momentum": 0.9}, marks=pytest.mark.long), (0.01, {"optimizer": "adam"})],
    ids=["gd", "momentum", "adam"],
)
def test_training_on_full_batches_hovers_at_the_edge(lr: float, train: dict) -> None:
    """Cohen et al. 2021, figure 1; 2022, figure 1. `python -m benchmarks.edge_of_stability` takes longer."""
    assert own_ratio(measure(lr, train, steps=800)) == pytest.approx(1.05, abs=0.15)


def test_an_optimizer_whose_edge_is_not_known_has_no_limit() -> None:
    w = one_weight()
    assert edge_of_stability(torch.optim.RMSprop([w], lr=LR), {"w": w}, LR) == Stability()


def test_a_decay_that_diverges_by_itself_has_no_limit(spec: Callable[..., TrialSpec]) -> None:
    w = one_weight()
    optimizer = make_optimizer([w], spec(train={"optimizer": "adamw", "weight_decay": 2 / LR}, lr=LR))
    assert edge_of_stability(optimizer, {"w": w}, LR) == Stability()


def test_a_step_whose_gradient_was_clipped_has_no_limit(spec: Callable[..., TrialSpec]) -> None:
    w = one_weight()
    optimizer = make_optimizer([w], spec(lr=LR))
    assert edge_of_stability(optimizer, {"w": w}, LR, clip_factor=0.5) == Stability()
    assert edge_of_stability(optimizer, {"w": w}, LR, clip_factor=1.0).limit == 2 / LR


def test_the_edge_is_that_of_the_steps_own_rate(spec: Callable[..., TrialSpec]) -> None:
    for train in TRAIN:
        w = one_weight()
        optimizer = make_optimizer([w], spec(train=train, lr=1.0))
        set_lr(optimizer, LR)
        scheduled = edge_of_stability(optimizer, {"w": w}, LR).limit
        assert scheduled == edge_of_stability(make_optimizer([w], spec(train=train, lr=LR)), {"w": w}, LR).limit


def test_the_limits_are_the_papers(spec: Callable[..., TrialSpec]) -> None:
    limits = {}
    trains = {
        "gd": {},
        "heavy ball": {"momentum": 0.9},
        "nesterov": {"momentum": 0.9, "nesterov": True},
        "adam": {"optimizer": "adam"},
        "adam, quicker": {"optimizer": "adam", "betas": [0.5, 0.9]},
        "adamw": {"optimizer": "adamw"},
    }
    for name, train in trains.items():
        w = one_weight()
        limits[name] = edge_of_stability(make_optimizer([w], spec(train=train, lr=LR)), {"w": w}, LR).limit
    assert limits == {
        "gd": pytest.approx(2 / LR),
        "heavy ball": pytest.approx(3.8 / LR),
        "nesterov": pytest.approx(3.8 / 2.8 / LR),
        "adam": pytest.approx(38 / LR),
        "adam, quicker": pytest.approx(6 / LR),
        "adamw": pytest.approx(38 / LR),
    }


def test_every_optimizer_is_tested() -> None:
    assert {train["optimizer"] for train in TRAIN} == set(get_args(TrainSpec.model_fields["optimizer"].annotation))


def test_adams_preconditioner_is_what_its_step_was_divided_by() -> None:
    """From the first step on, with both corrections for the start: w moves by lr m / P, m the mean of gradients."""
    w = nn.Parameter(torch.ones(3, dtype=torch.float64))
    unused = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([w, unused], lr=LR)
    mean = torch.zeros(3, dtype=torch.float64)
    for step in range(4):
        w.grad = torch.tensor([1.0, -step, 1e-9], dtype=torch.float64)
        mean = 0.9 * mean + 0.1 * w.grad
        before = w.detach().clone()
        optimizer.step()
        edge = edge_of_stability(optimizer, {"w": w, "unused": unused}, LR)
        torch.testing.assert_close(before - w.detach(), LR * mean / edge.preconditioner["w"])
        assert torch.isinf(edge.preconditioner["unused"]).all()
