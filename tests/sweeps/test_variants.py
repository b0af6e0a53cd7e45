"""The variants of the probes against what PyTorch computes by itself."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bnsweep.data import load_dataset
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.spec.sweep import Sweep
from bnsweep.training.loop import run_trial
from sweeps.variants import MULTIPLES, Scaled

TEXT = """
name: variants
model: {name: "sweeps.variants:vgg", widths: [4, M, 8], scale: 0.5}
dataset: {name: digits}
train: {steps: 3, batch_size: 16, precision: float64}
norm: batch
lr: 0.1
probes:
  landscape: {every: 1, lr_multiples: [0.5, 1, 2, 4]}
  "sweeps.variants:EvalLandscape": {every: 1}
"""


@pytest.fixture(scope="module")
def spec() -> TrialSpec:
    return Sweep.from_text(TEXT).trials[0]


def test_the_walk_in_eval_mode_goes_by_the_running_statistics_of_the_step(spec: TrialSpec) -> None:
    data = load_dataset(DigitsSpec(name="digits"))
    none = spec.model_copy(update={"norm": "none"})
    in_eval, in_train = (run_trial(none, data).tables[name] for name in ("landscape_eval", "landscape"))
    assert len(in_eval) == len(in_train) == 3 * len(MULTIPLES)
    for one, other in zip(in_eval, in_train, strict=True):  # without normalization both modes are one
        for name in ("alpha", "loss", "grad_diff_l2", "grad_norm", "beta"):
            assert one[name] == pytest.approx(other[name], rel=1e-9)
    with_batch = run_trial(spec, data)
    losses = ([row["loss"] for row in with_batch.tables[name]] for name in ("landscape_eval", "landscape"))
    assert all(abs(one - other) > 1e-3 for one, other in zip(*losses, strict=True))


def test_a_scaled_normalization_is_its_own_times_the_scale() -> None:
    x = torch.randn(8, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    scaled = Scaled(nn.BatchNorm2d(3, affine=False).double(), 4.0)
    torch.testing.assert_close(scaled(x), 4 * F.batch_norm(x, None, None, training=True))
