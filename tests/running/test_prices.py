"""The price: the work is counted exactly, costs are measured on real trials, and the rest is arithmetic."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnsweep.data import load_dataset
from bnsweep.errors import InputError
from bnsweep.probes import StepContext
from bnsweep.results import SCHEMAS, Store
from bnsweep.results.manifest import encode
from bnsweep.results.schema import Row, to_table
from bnsweep.running.packs import RunContext, dataset_key
from bnsweep.running.prices import Price, lines
from bnsweep.running.prices.calibrate import calibrate
from bnsweep.running.prices.costs import Costs, mean_costs
from bnsweep.running.prices.load import kind_of, loads
from bnsweep.running.prices.price import num_packs, why_untimed
from bnsweep.running.prices.timing import time_kinds
from bnsweep.running.rows import RowBuffer
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.training.loop import run_trial, train

Build = Callable[..., TrialSpec]
PROBES = {"landscape": {"every": 3, "start": 1}, "ics": {"at": [0, 5]}, "moments": {"log_spaced": 3}}
SPIN_S = 0.5


@dataclass
class Spinning:
    """A probe that takes as long as it is told to."""

    seconds: float
    table: str = "spinning"
    columns: dict[str, pa.DataType] = field(default_factory=lambda: {"value": pa.float64()})

    def __call__(self, ctx: StepContext) -> list[Row]:
        until = perf_counter() + self.seconds
        while perf_counter() < until:
            pass
        return [{"step": ctx.step, "value": 1.0}] * 3


def job_of(spec: TrialSpec, tmp_path: Path) -> RunContext:
    return RunContext("a", Store.open(tmp_path), "", None, {dataset_key(spec.dataset): load_dataset(spec.dataset)})


@pytest.mark.parametrize(
    "options",
    [
        {"steps": 11},
        {"steps": 10, "log_every": 4, "eval_every": 3},
        {"steps": 12, "log_every": 2, "eval_every": 6},
        {"steps": 6, "log_every": 100, "eval_every": 1},
    ],
)
def test_a_trial_leaves_the_rows_that_are_counted(spec: Build, options: dict[str, int]) -> None:
    trial = spec(train={"batch_size": 32, **options}, probes=PROBES)
    tables = run_trial(trial, load_dataset(trial.dataset)).tables
    (load,) = loads([trial])
    assert load.rows_of_curves == len(tables["curves"])
    assert load.evaluations == sum("test_loss" in row for row in tables["curves"])
    for table in PROBES:
        assert load.measurements[table] == len({row["step"] for row in tables[table]})


def test_trials_are_of_one_kind_where_their_steps_cost_the_same(spec: Build) -> None:
    base = spec()
    same: list[dict[str, Any]] = [{"lr": 1.0}, {"seed": 3}, {"init": "orthogonal"}, {"train": {"batch_size": 32}}]
    other: list[dict[str, Any]] = [{"norm": "batch"}, {"model": {"name": "mlp"}}, {"train": {"batch_size": 16}}]
    assert {kind_of(spec(**change)) for change in same} == {kind_of(base)}
    assert len({kind_of(spec(**change)) for change in [{}, *other, {"probes": PROBES}]}) == 5


def test_loads_count_every_trial_once(spec: Build) -> None:
    trials = [
        spec(norm=norm, seed=seed, train={"steps": steps, "batch_size": 32})
        for norm in ("none", "batch")
        for steps in (8, 16)
        for seed in range(3)
    ]
    found = loads(trials)
    assert [(load.example.norm, load.steps, load.count) for load in found] == [
        *(("none", 8, 3), ("none", 16, 3)),
        *(("batch", 8, 3), ("batch", 16, 3)),
    ]


def test_calibration_tells_the_probe_from_the_step(spec: Build, tmp_path: Path) -> None:
    own = {f"{__name__}:Spinning": {"every": 100, "seconds": SPIN_S}}
    trial = spec(train={"steps": 1000, "batch_size": 32}, probes={"moments": {"every": 7}, **own})
    context = job_of(trial, tmp_path)
    costs = calibrate(trial, context.datasets[dataset_key(trial.dataset)], context, budget_s=0.0)
    assert costs
    assert costs.probe_s["spinning"] > 0.8 * SPIN_S
    assert costs.step_s < SPIN_S
    assert costs.probe_s["moments"] < SPIN_S
    assert costs.probe_rows == {"moments": 2, "spinning": 3}
    (load,) = loads([trial])
    assert costs.seconds(load) > 1000 * costs.step_s + 10 * costs.probe_s["spinning"]


def test_what_diverges_whatever_its_learning_rate_gives_no_costs(spec: Build, tmp_path: Path) -> None:
    trial = spec(train={"batch_size": 32, "weight_decay": 1e30})
    context = job_of(trial, tmp_path)
    assert calibrate(trial, context.datasets[dataset_key(trial.dataset)], context, budget_s=0.0) is None


def test_bytes_are_those_of_real_trials(spec: Build, tmp_path: Path) -> None:
    probes = {name: {"every": 5} for name in ("landscape", "ics", "moments")}
    trials = [
        spec(lr=lr, seed=seed, train={"batch_size": 32, "steps": 60}, probes=probes)
        for lr in (0.01, 0.1)
        for seed in range(3)
    ]
    context = job_of(trials[0], tmp_path)
    data = context.datasets[dataset_key(trials[0].dataset)]
    costs, batch = calibrate(trials[0], data, context, budget_s=2.0), RowBuffer()
    assert costs
    for trial in trials:
        (training,) = deque(train(trial, data), maxlen=1)
        batch.add(training, context, {"attempt": 1})
    encoded = encode("all", ((table, to_table(SCHEMAS[table], rows)) for table, rows in batch.tables.items()))
    planned = sum(costs.file_bytes.values()) + sum(load.count * costs.row_bytes_of(load) for load in loads(trials))
    assert planned == pytest.approx(sum(record.num_bytes for record in encoded.manifest.files), rel=0.25)


def test_kinds_are_timed_in_processes_of_their_own(spec: Build, tmp_path: Path) -> None:
    trials = [spec(norm=norm, probes={"moments": {"every": 2}}) for norm in ("none", "batch")]
    timing = time_kinds({kind_of(trial): trial for trial in trials}, job_of(trials[0], tmp_path), Resources(), 2)
    assert timing.costs.keys() == {kind_of(trial) for trial in trials}
    assert timing.at_once == 2
    assert all(costs.step_s > 0 for costs in timing.costs.values())
    assert list(tmp_path.iterdir()) == []


def test_a_trial_that_fails_is_bad_input(spec: Build, tmp_path: Path) -> None:
    trial = spec(probes={f"{__name__}:Spinning": {"every": 1, "seconds": "long"}})
    with pytest.raises(InputError, match=r"a trial of norm none fails: TypeError.*--no-timing"):
        time_kinds({kind_of(trial): trial}, job_of(trial, tmp_path), Resources(), 1)


def test_a_process_that_dies_is_bad_input(spec: Build, tmp_path: Path) -> None:
    trial = spec(model={"name": "tests.user_code.failing_models:net", "deadly": True})
    with pytest.raises(InputError, match=r"a process that timed trials died"):
        time_kinds({kind_of(trial): trial}, job_of(trial, tmp_path), Resources(), 1)


def test_the_mean_of_costs_is_that_of_each() -> None:
    some = Costs(1.0, 2.0, 3.0, {"ics": 4.0}, {"ics": 2.0}, {"ics": 100.0}, {"ics": 10.0})
    more = Costs(3.0, 4.0, 5.0, {"ics": 6.0}, {"ics": 2.0}, {"ics": 300.0}, {"ics": 30.0})
    mean = Costs(2.0, 3.0, 4.0, {"ics": 5.0}, {"ics": 2.0}, {"ics": 200.0}, {"ics": 20.0})
    assert mean_costs([some, more]) == mean


PRICE = Price(
    num_trials=100,
    work_s=36_000.0,
    longest_s=400.0,
    start_s=10.0,
    row_bytes=1e6,
    file_bytes=5e4,
    num_tables=5,
    gpus=0.5,
    num_kinds=3,
    num_timed=2,
    at_once=2,
    workers_here=4,
)


def test_time_is_shared_among_workers_but_no_trial_is_cut() -> None:
    assert PRICE.wall_s(1) == 36_010
    assert PRICE.wall_s(4) == 9_010
    assert PRICE.wall_s(1000) == 410


def test_money_is_for_gpus_or_for_workers_without() -> None:
    held = 4 * 9_010 / 3600
    assert PRICE.gpu_hours(4) == pytest.approx(0.5 * held)
    assert PRICE.money(4, 2.0) == pytest.approx(held)
    assert replace(PRICE, gpus=0.0).money(4, 2.0) == pytest.approx(2 * held)


def test_the_lines_say_what_was_timed_and_what_it_takes() -> None:
    text = "\n".join(lines(PRICE, 8, 2.5))
    assert "takes 360 s (2 of 3 kinds of trials timed, 2 at once)" in text
    assert "time on 4 workers, as many as fit here: 2:30:10, of which 0:00:10 to start" in text
    assert "time on 8 workers like these: 1:15:10" in text
    assert f"money: {PRICE.money(8, 2.5):.2f}, at 2.5 per GPU-hour" in text
    assert "money" not in "\n".join(lines(PRICE, 8))


def test_what_takes_too_long_is_refused_with_what_would_be_right() -> None:
    PRICE.require_at_most(2.51, 4)
    with pytest.raises(InputError, match=r"given 2; 100 trials take 2\.5 hours on 4 workers.*fewer trials, take more"):
        PRICE.require_at_most(2, 4)


@given(st.integers(1, 3000), st.integers(1, 64), st.floats(1e-4, 1e4))
def test_packs_hold_all_trials_and_are_not_longer_than_half_a_minute(trials: int, workers: int, each_s: float) -> None:
    packs = num_packs(trials, workers, each_s)
    assert packs <= trials
    assert packs * max(30, each_s) * 1.5 >= (trials - workers) * each_s


@pytest.mark.parametrize("resources", [{"gpus": 64}, {"cpus": 4096}])
def test_workers_that_do_not_fit_here_are_not_timed(resources: dict[str, Any]) -> None:
    assert "more than this machine has" in (why_untimed(Resources(**resources)) or "")
    assert why_untimed(Resources()) is None
