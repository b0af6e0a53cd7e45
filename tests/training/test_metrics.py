"""The metrics buffer: what goes in comes out as numbers, once and in order."""

from __future__ import annotations

import math

import pytest
import torch

from bnsweep.training.metrics import MAX_BUFFERED_STEPS, BufferedStep, MetricsBuffer, StepMetrics

LOGITS = torch.tensor([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0], [1.0, 2.0]])


def buffered(step: int, loss: float = 0.5, **more: object) -> BufferedStep:
    return BufferedStep(step, torch.tensor(loss), LOGITS, torch.tensor([0, 1, 1, 1]), **{"row": None, **more})


def test_steps_come_out_in_order_and_once() -> None:
    buffer = MetricsBuffer()
    buffer.append(buffered(3))
    buffer.append(buffered(4, loss=float("inf"), row={"test_loss": 1.0}, grad_norms=torch.tensor([2.0])))
    assert buffer.drain() == [
        StepMetrics(3, 0.5, 0.75, None, None),
        StepMetrics(4, float("inf"), 0.75, 2.0, {"test_loss": 1.0}),
    ]
    assert buffer.drain() == []


@pytest.mark.parametrize("count", [1, MAX_BUFFERED_STEPS - 1, MAX_BUFFERED_STEPS])
def test_it_is_full_at_its_bound(count: int) -> None:
    buffer = MetricsBuffer()
    for step in range(count):
        buffer.append(buffered(step))
    assert buffer.is_full == (count == MAX_BUFFERED_STEPS)
    buffer.drain()
    assert not buffer.is_full


def test_the_norm_of_a_gradient_may_come_after_its_step() -> None:
    buffer, step = MetricsBuffer(), buffered(0)
    buffer.append(step)
    buffer.append(buffered(1, grad_norms=torch.tensor([1.0, 0.0])))
    step.grad_norms = torch.tensor([3.0, 4.0])
    assert [metrics.grad_norm for metrics in buffer.drain()] == [5.0, 1.0]


@pytest.mark.parametrize(
    ("norms", "expected"), [([1.0, math.inf], math.inf), ([math.nan, math.inf], math.nan), ([3e38, 3e38], 4.2426e38)]
)
def test_a_gradient_that_is_not_finite_has_a_norm_that_is_not(norms: list[float], expected: float) -> None:
    buffer = MetricsBuffer()
    buffer.append(buffered(0, grad_norms=torch.tensor(norms)))
    assert buffer.drain()[0].grad_norm == pytest.approx(expected, rel=1e-4, nan_ok=True)
