"""How a trial ends: by the test loss with new statistics."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest

from bnsweep.data import Dataset, load_dataset
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.training.evaluation import Evaluation, Score
from bnsweep.training.metrics import StepMetrics
from bnsweep.training.record import Record
from bnsweep.training.result import TrialResult

Build = Callable[..., TrialSpec]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(DigitsSpec(name="digits"))


def ended(spec: TrialSpec, data: Dataset, test: float, running: float) -> TrialResult:
    record = Record(spec, data)
    record._read(StepMetrics(0, 1.0, 0.5, None, None))
    record.finish(Evaluation(Score(test, 0.9), Score(running, 0.1), Score(0.2, 1.0)))
    return record.result


@pytest.mark.parametrize("running", [inf, 1e9])
def test_running_statistics_that_blew_up_are_no_divergence(spec: Build, data: Dataset, running: float) -> None:
    result = ended(spec(), data, 0.5, running)
    assert (result.status, result.test_loss, result.test_loss_running) == ("completed", 0.5, running)
    assert (result.test_acc, result.test_acc_running) == (0.9, 0.1)
    assert (result.train_loss_eval, result.train_acc_eval) == (0.2, 1.0)


def test_a_test_loss_with_new_statistics_is(spec: Build, data: Dataset) -> None:
    result = ended(spec(), data, inf, 0.5)
    assert (result.status, result.stop_reason) == ("diverged", "test loss inf")
    assert result.test_loss is result.test_loss_running is result.train_loss_eval is None
    assert result.tables["curves"][-1]["test_loss_running"] == 0.5
