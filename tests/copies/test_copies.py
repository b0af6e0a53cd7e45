"""`log_to`: what the tools find in the copies is what the Parquet says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from bnsweep.results import Store
from bnsweep.spec.sweep import Sweep
from tests.conftest import TINY
from tests.copies.reading import by_key, hyperparameters, keys_in_study, keys_in_tensorboard, runs, scalars, study
from tests.in_process import Run
from tests.s3 import s3_uri

Write = Callable[..., Path]
LOGGED = ("name: tiny", "name: tiny\nlog_to: [tensorboard, optuna]")


@pytest.fixture
def out(tmp_path: Path, sweep_file: Write, run: Run) -> Path:
    """Return the directory of a sweep with both copies: 12 trials, of which those at the high rate diverge."""
    ended = run("run", sweep_file(LOGGED), "--executor", "serial", "--out", "out")
    assert ended.code == 0
    assert f"log_to: tensorboard --logdir {tmp_path}/out/_tensorboard" in ended.out
    assert f"log_to: optuna-dashboard {tmp_path}/out/_optuna.journal" in ended.out
    return tmp_path / "out"


def test_tensorboard_shows_every_number_of_every_trial(out: Path) -> None:
    trials, found = pd.read_parquet(out / "trials").set_index("trial_key"), runs(out)
    assert {name.rpartition("-")[2] for name in found} == set(trials.index)
    tables = {name: pd.read_parquet(out / name) for name in ("curves", "landscape", "ics", "moments")}
    for name, one in found.items():
        key = name.rpartition("-")[2]
        row, points = trials.loc[key], scalars(one)
        chosen = hyperparameters(one)
        assert name.startswith(f"norm={row['norm']},lr={row['lr']:g},seed={row['seed']}-")
        assert (chosen["norm"], chosen["lr"], chosen["seed"]) == (row["norm"], row["lr"], row["seed"])
        assert (chosen["init"], chosen["status"]) == ("default", row["status"])
        assert points["trial/diverged"] == [(row["stop_step"], float(row["status"] == "diverged"))]
        for column in ("test_acc", "train_loss", "ics_l2", "landscape_beta", "wall_time_s"):
            shown = points.get(f"trial/{column}", [(row["stop_step"], np.nan)])
            np.testing.assert_allclose(shown, [(row["stop_step"], row[column])], rtol=1e-6)
        mine = {table: rows[rows["trial_key"] == key] for table, rows in tables.items()}
        for column in ("train_loss", "train_acc", "grad_norm", "test_acc"):
            kept = mine["curves"].dropna(subset=column)
            np.testing.assert_allclose(points.get(f"curves/{column}", []), kept[["step", column]], rtol=1e-6)
        for layer, rows in mine["ics"].groupby("layer"):
            label = f"{layer}-{rows['layer_name'].iloc[0]}"
            np.testing.assert_allclose(points[f"ics/ics_l2/{label}"], rows[["step", "ics_l2"]], rtol=1e-6)
        for multiple, rows in mine["landscape"].groupby("lr_multiple"):
            shown = points[f"landscape/loss/lr_multiple={multiple:g}"]
            np.testing.assert_allclose(shown, rows[["step", "loss"]], rtol=1e-6)
        assert sum(map(len, points.values())) > 30


def test_the_study_has_every_trial_and_one_that_diverged_is_the_worst(out: Path) -> None:
    trials, found = pd.read_parquet(out / "trials").set_index("trial_key"), study(out, "tiny: test_acc")
    assert found.direction.name == "MAXIMIZE"
    assert found.best_value == trials["test_acc"].max()
    shown, curves = by_key(found), pd.read_parquet(out / "curves")
    assert len(found.trials) == len(shown) == len(trials) == 12
    for key, row in trials.iterrows():
        trial, mine = shown[str(key)], curves[curves["trial_key"] == key].dropna(subset="test_acc")
        assert trial.params == {"norm": row["norm"], "lr": row["lr"], "seed": row["seed"]}
        assert trial.value == (0.0 if row["status"] == "diverged" else row["test_acc"])
        assert trial.state is TrialState.COMPLETE
        assert trial.user_attrs["status"] == row["status"]
        assert trial.datetime_start is not None
        assert trial.datetime_start.astimezone(UTC) == row["started_at"]
        assert trial.duration is not None
        assert trial.duration.total_seconds() == pytest.approx(row["wall_time_s"], abs=1e-5)
        assert trial.intermediate_values == dict(zip(mine["step"], mine["test_acc"], strict=True))
    assert (trials["status"] == "diverged").any()


def test_more_of_a_sweep_is_added_and_nothing_is_there_twice(out: Path, sweep_file: Write, run: Run) -> None:
    before = {path: path.stat().st_mtime_ns for path in (out / "_tensorboard").glob("*/*")}
    wider = sweep_file(LOGGED, ("range: 2", "range: 3"), ("[0.1, ", "[0.01, 0.1, "))
    assert run("run", wider, "--executor", "serial", "--out", "out").code == 0
    declared = dict.fromkeys(Sweep.from_yaml(wider).trials.trial_keys(), 1)
    assert keys_in_tensorboard(out) == keys_in_study(out, "tiny: test_acc") == declared
    assert len(declared) == 27
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    distributions = study(out, "tiny: test_acc").trials[0].distributions
    assert distributions["lr"] == FloatDistribution(0.01, 1e9, log=True)
    assert distributions["seed"] == IntDistribution(0, 2)
    assert distributions["norm"] == CategoricalDistribution(["none", "batch", "noisy_batch"])


def test_what_was_run_without_copies_is_copied_by_a_run_that_finds_nothing_left(sweep_file: Write, run: Run) -> None:
    assert run("run", sweep_file(), "--executor", "serial", "--out", "out").code == 0
    assert not list(Path("out").glob("_*board")) + list(Path("out").glob("_optuna*"))
    ended = run("run", sweep_file(), "--set", "log_to=optuna", "--executor", "serial", "--out", "out")
    assert ended.code == 0
    assert "12 of 12 trials done" in ended.out
    assert len(keys_in_study(Path("out"), "tiny: test_acc")) == 12
    assert not Path("out/_tensorboard").exists()
    assert run("verify", "out").code == 0


OWN_LOOP = """
name: own
trial: {name: "tests.user_code.loops:regression", metric: {name: val_loss, mode: min}}
train: {steps: 4}
axes: {trial.width: [4, 8], train.clip_norm: [null, 1.0], seed: [0, 5]}
log_to: [tensorboard, optuna]
"""


def test_trials_of_a_loop_of_ones_own_are_judged_by_what_it_reports(tmp_path: Path, run: Run) -> None:
    (tmp_path / "own.yaml").write_text(OWN_LOOP)
    assert run("run", "own.yaml", "--executor", "serial", "--out", "out").code == 0
    trials, found = pd.read_parquet("out/trials").set_index("trial_key"), study(Path("out"), "own: val_loss")
    assert found.direction.name == "MINIMIZE"
    shown, seen = by_key(found), pd.read_parquet("out/seen")
    assert {key: trial.value for key, trial in shown.items()} == trials["metric"].to_dict()
    assert {trial.params["train.clip_norm"] for trial in found.trials} == {None, 1.0}
    assert {trial.params["trial.width"] for trial in found.trials} == {4, 8}
    for name, one in runs(Path("out")).items():
        mine = seen[seen["trial_key"] == name.rpartition("-")[2]]
        np.testing.assert_allclose(scalars(one)["seen/rate"], mine[["step", "rate"]], rtol=1e-6)


def test_trials_that_a_search_draws_are_copied_with_the_range_that_they_are_of(sweep_file: Write, run: Run) -> None:
    drawn = sweep_file(
        ("name: tiny", "name: tiny\nsearch: {name: qmc, points: 4}\nlog_to: [tensorboard, optuna]"),
        ("lr: [0.1, 1.0e+9]", "lr: {loguniform: [0.001, 0.1]}"),
        ("  seed: {range: 2}\n", ""),
    )
    assert run("run", drawn, "--executor", "serial", "--out", "out").code == 0
    trials = pd.read_parquet("out/trials").set_index("trial_key")
    shown = by_key(study(Path("out"), "tiny: test_acc"))
    assert {key: trial.params["lr"] for key, trial in shown.items()} == trials["lr"].to_dict()
    assert all(trial.distributions["lr"] == FloatDistribution(0.001, 0.1, log=True) for trial in shown.values())
    assert len(keys_in_tensorboard(Path("out"))) == len(shown) == 12


RATES = ("[0.1, ", "[0.01, 0.03, 0.1, ")
PRUNER = ("axes:", "pruner: {name: asha, first: 3}\naxes:")


@pytest.mark.long
def test_what_was_pruned_is_so_until_a_run_without_the_pruner_has_it(
    tmp_path: Path, sweep_file: Write, run: Run
) -> None:
    out = tmp_path / "out"
    for changes in ([LOGGED, RATES, PRUNER], [LOGGED, RATES]):
        assert run("run", sweep_file(*changes), "--executor", "serial", "--out", "out").code == 0
        trials, found = pd.read_parquet(out / "trials").set_index("trial_key"), study(out, "tiny: test_acc")
        assert keys_in_tensorboard(out) == keys_in_study(out, "tiny: test_acc") == dict.fromkeys(trials.index, 1)
        for key, trial in by_key(found).items():
            is_pruned = trials["status"][key] == "pruned"
            assert trial.state is (TrialState.PRUNED if is_pruned else TrialState.COMPLETE)
            assert trial.value == trial.intermediate_values[3] if is_pruned else trial.value is not None
        assert (trials["status"] == "pruned").any() == (PRUNER in changes)


def test_no_key_depends_on_it() -> None:
    plain, logged = Sweep.from_text(TINY), Sweep.from_text(TINY.replace(*LOGGED))
    assert (plain.log_to, logged.log_to) == ((), ("tensorboard", "optuna"))
    assert plain.trials.keys.tolist() == logged.trials.keys.tolist()
    assert Sweep.from_text(TINY.replace("name: tiny", "name: tiny\nlog_to: optuna")).log_to == ("optuna",)


@pytest.mark.parametrize("command", [("run",), ("plan", "--no-timing")])
def test_results_in_a_bucket_have_no_copies(
    command: tuple[str, ...], sweep_file: Write, run: Run, endpoint: str
) -> None:
    place = s3_uri(endpoint, "copies")
    refused = run(*command, sweep_file(LOGGED), "--out", place)
    assert refused.code == 2
    assert "log_to" in refused.err
    assert "s3://sweeps/copies" in refused.err
    assert not Store.open(place).is_there()


def test_a_missing_package_is_named_before_anything_runs(
    sweep_file: Write, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    refused = run("run", sweep_file(LOGGED), "--executor", "serial", "--out", "out")
    assert refused.code == 2
    assert "`pip install tensorboard`" in refused.err
    assert not Path("out").exists()
