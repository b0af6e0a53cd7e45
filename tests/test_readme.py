"""The README's example of a model, data and a probe of one's own works as it stands."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.processes import bnsweep
from tests.readme import block

SWEEP = """
name: mine
model: {name: "mine:net", width: 4}
dataset: {name: "mine:data"}
train: {steps: 4, batch_size: 8}
axes: {norm: [none, batch]}
probes: {"mine:WeightNorms": {every: 2}, ics: {every: 2}}
"""
DATA = """
import numpy as np
x, y = np.random.default_rng(0).random((40, 1, 6, 6)), np.arange(40) % 4
np.savez("my.npz", train_x=x[:30], train_y=y[:30], test_x=x[30:], test_y=y[30:])
"""


def test_a_model_data_and_a_probe_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(block("class WeightNorms"))
    (tmp_path / "mine.yaml").write_text(SWEEP)
    monkeypatch.chdir(tmp_path)
    exec(DATA, {})
    result = bnsweep("run", "mine.yaml", "--executor", "serial", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "one full pass" not in result.stdout
    assert len(pd.read_parquet("results/mine/trials")) == 2
    assert set(pd.read_parquet("results/mine/weight_norms")["step"]) == {0, 2}
