"""`train.compile`: the same training by other kernels."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bnsweep.data import load_dataset
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.train import run_trial

PROBES = {"ics": {"every": 3}, "landscape": {"every": 3}}
DATA = load_dataset(DigitsSpec(name="digits"))


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")  # PyTorch looks
@pytest.mark.parametrize("norm", ["batch", "noisy_batch"])
def test_compiled_steps_train_the_same_and_alike_each_time(spec: Callable[..., TrialSpec], norm: str) -> None:
    plain, alone, probed = (
        run_trial(spec(norm=norm, probes=probes, train={"steps": 8, "batch_size": 32, "compile": is_compiled}), DATA)
        for is_compiled, probes in ((False, PROBES), (True, {}), (True, PROBES))
    )
    assert alone.tables["curves"] == probed.tables["curves"]
    rounded = {("curves", "train_loss"): 1e-4, ("ics", "ics_l2"): 1e-2, ("landscape", "loss"): 1e-3}
    for (table, column), tolerance in rounded.items():
        one, other = ([row[column] for row in found.tables[table] if column in row] for found in (probed, plain))
        assert one == pytest.approx(other, rel=tolerance, abs=1e-6)


def test_a_compiled_trial_is_another_trial(spec: Callable[..., TrialSpec]) -> None:
    assert (
        spec(train={"compile": True}).trial_key != spec(train={}).trial_key == spec(train={"compile": False}).trial_key
    )
