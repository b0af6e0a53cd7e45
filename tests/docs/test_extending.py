"""The examples of code of one's own in docs/extending.md work as they stand, to the last command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.analysis.unrendered import leave_out_rendering
from tests.in_process import Run
from tests.pages import code_block

PAGE = "docs/extending.md"
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


@pytest.fixture
def succeed(run: Run) -> Callable[..., str]:
    """Run a command that must succeed; return what it says."""

    def command(*arguments: str) -> str:
        result = run(*arguments)
        assert result.code == 0, result
        return result.out

    return command


@pytest.mark.long
def test_a_training_loop_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, succeed: Callable[..., str]
) -> None:
    """As commands: planned, run, reported on, verified, and the same bits when run again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop.py").write_text(code_block(PAGE, "@bnsweep.trial"))
    (tmp_path / "loop.yaml").write_text(code_block(PAGE, "trial:", "yaml"))
    assert "of 2 kinds of trials timed" in succeed("plan", "loop.yaml")
    succeed("run", "loop.yaml", "--executor", "serial")
    trials, curves = pd.read_parquet("results/loop/trials"), pd.read_parquet("results/loop/curves")
    assert (trials["metric"] == trials["test_loss"]).all()
    assert set(trials["trial"]) == {"loop:train"}
    assert set(trials["trial_options"]) == {'{"width": 16}', '{"width": 64}'}
    assert len(curves) == 16 * 100
    assert len(pd.read_parquet("results/loop/first_layer")) == len(pd.read_parquet("results/loop/ics")) // 2 == 16 * 2
    succeed("verify", "results/loop")
    leave_out_rendering(monkeypatch)
    succeed("report", "results/loop")
    repeated = succeed("repro", "results/loop", trials["trial_key"][0])
    assert "first_layer: 2 rows, the same bits" in repeated
    assert repeated.endswith("the same bits\n")


def test_a_model_data_and_a_probe_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, succeed: Callable[..., str]
) -> None:
    """As commands: run, verified, compacted, verified again, and each row the same bits when run again."""
    (tmp_path / "mine.py").write_text(code_block(PAGE, "class WeightNorms"))
    monkeypatch.chdir(tmp_path)
    exec(DATA, {})
    for norms in ("none", "none, batch"):  # two runs, so that there are two files to make one of
        (tmp_path / "mine.yaml").write_text(SWEEP.replace("none, batch", norms))
        assert "one full pass" not in succeed("run", "mine.yaml", "--executor", "serial")
    written = pd.read_parquet("results/mine/weight_norms")
    assert len(pd.read_parquet("results/mine/trials")) == 2
    assert set(written["step"]) == {0, 2}
    succeed("verify", "results/mine")
    succeed("compact", "results/mine")
    succeed("verify", "results/mine", "--repair")
    compacted = pd.read_parquet("results/mine/weight_norms")
    assert len(list(Path("results/mine/weight_norms").iterdir())) == 1
    for key, rows in written.groupby("trial_key", observed=True):
        assert compacted[compacted.trial_key == key].reset_index(drop=True).equals(rows.reset_index(drop=True))
        assert f"weight_norms: {len(rows)} rows, the same bits" in succeed("repro", "results/mine", str(key))
