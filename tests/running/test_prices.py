"""The price: the work is counted exactly, costs are measured on real trials, and the rest is arithmetic."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import thread_time
from typing import Any

import pytest

from bnsweep.data import load_dataset
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.commits import to_parquet
from bnsweep.running.coordinator.outbox import num_commits
from bnsweep.running.packs import RunContext, dataset_key
from bnsweep.running.prices import Price, price_sweep, why_untimed
from bnsweep.running.prices.calibrate import calibrate
from bnsweep.running.prices.costs import COMPILING, EVALUATION, GPU, PEAK, STEP, Costs, mean_costs, total, work_of
from bnsweep.running.prices.kinds import find_kinds
from bnsweep.running.prices.timing import price_of, time_kinds
from bnsweep.running.rows import EndedTrial, code_and_place, tables_of
from bnsweep.spec import TrialSpec
from bnsweep.spec.grid import Grid
from bnsweep.spec.resources import Resources
from bnsweep.spec.sweep import Sweep
from bnsweep.training.loop import run_trial, train
from tests.waiting import wait_until

Build = Callable[..., TrialSpec]
PROBES = {"landscape": {"every": 3, "start": 1}, "ics": {"at": [0, 5]}, "moments": {"log_spaced": 3}}
PROBES["flatness"] = {"samples": 50}
SPINNING = "tests.user_code.timed_probes:Spinning"
SPIN_S = 0.5


def context_of(spec: TrialSpec, tmp_path: Path) -> RunContext:
    return RunContext("a", (spec,), None, {dataset_key(spec.dataset): load_dataset(spec.dataset)})


def sweep_of(trial: TrialSpec) -> Sweep:
    return Sweep("a", Resources(), Grid.of(trial.model_dump(), {}), "")


@pytest.mark.parametrize(
    "options",
    [
        {"steps": 11},
        {"steps": 10, "log_every": 4, "eval_every": 3},
        {"steps": 12, "log_every": 2, "eval_every": 6},
        {"steps": 6, "log_every": 100, "eval_every": 1},
    ],
)
def test_a_trial_does_the_work_that_is_counted(spec: Build, options: dict[str, int]) -> None:
    require_counted(spec(train={"batch_size": 32, **options}, probes=PROBES))


@pytest.mark.parametrize("probes", [{}, PROBES])
@pytest.mark.parametrize("eval_every", [None, 4])
def test_the_rows_of_a_summary_are_counted(spec: Build, eval_every: int | None, probes: dict[str, Any]) -> None:
    train = {"steps": 10, "batch_size": 32, "eval_every": eval_every}
    require_counted(spec(train=train, probes=probes, log={"curves": "summary"}))


def require_counted(trial: TrialSpec) -> None:
    """Require that what a trial does is what is counted."""
    tables, work = run_trial(trial, load_dataset(trial.dataset)).tables, work_of(trial)
    assert work[STEP] == trial.train.steps
    assert work["curves"] == len(tables["curves"])
    on_the_way = [row for row in tables["curves"] if row["step"] < trial.train.steps]
    assert work[EVALUATION] == 1 + sum("test_loss" in row for row in on_the_way)
    for table in {*PROBES} & {*tables}:
        assert work[table] == len({row["step"] for row in tables[table]})


def test_trials_that_cost_the_same_are_of_one_kind() -> None:
    fixed = {"model": {"name": "mlp"}, "dataset": {"name": "digits"}}
    same = {"lr": [0.1, 1.0], "seed": range(2), "init": ["orthogonal"], "init_gain": [1.0, 2.0]}
    same |= {"train.warmup": [0, 0.1]}
    other = {"norm": ["none", "batch"], "model.widths": [[4], [8]], "train.clip_norm": [None, 1.0]}
    trials = Grid.of(fixed, {**same, **other, "train.max_loss": [10.0, 1e6]})
    kinds, counts = find_kinds(trials)
    assert counts == [32] * 8
    assert len({(spec.norm, spec.model.widths, spec.train.clip_norm) for spec in kinds}) == 8


@pytest.mark.parametrize("train", [{"warmup": 500}, {"warmup": 0.9}, {"schedule": "step", "optimizer": "adamw"}])
def test_a_trial_is_timed_in_a_few_steps_whatever_its_schedule(spec: Build, tmp_path: Path, train: dict) -> None:
    trial = spec(train={"steps": 1000, "batch_size": 32, "clip_norm": 1.0, **train})
    costs = calibrate(trial, context_of(trial, tmp_path), budget_s=0.0)
    assert costs
    assert costs.seconds[STEP] > 0


def test_kinds_count_every_trial_that_is_missing_once() -> None:
    fixed = {"model": {"name": "mlp"}, "dataset": {"name": "digits"}, "norm": "batch"}
    trials = Grid.of(fixed, {"train.steps": [16, 8], "seed": range(3)})
    kinds, counts = find_kinds(trials.take([5, 3, 1, 0]))
    assert [(kind.train.steps, count) for kind, count in zip(kinds, counts, strict=True)] == [(8, 3), (16, 1)]


@pytest.fixture
def _processor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have time measured and spent by this thread's processor: nothing takes longer since others are at work."""
    monkeypatch.setattr("bnsweep.running.prices.calibrate.now", lambda _: thread_time())
    monkeypatch.setattr("tests.user_code.timed_probes.perf_counter", thread_time)


@pytest.mark.usefixtures("_processor_time")
def test_calibration_tells_the_probe_from_the_step(spec: Build, tmp_path: Path) -> None:
    probes = {"moments": {"every": 7}, SPINNING: {"every": 100, "seconds": SPIN_S}}
    trial = spec(train={"steps": 1000, "batch_size": 32}, probes=probes)
    costs = calibrate(trial, context_of(trial, tmp_path), budget_s=0.0)
    assert costs
    assert costs.seconds["spinning"] > 0.8 * SPIN_S
    assert costs.seconds[STEP] < SPIN_S
    assert costs.seconds["moments"] < SPIN_S
    assert total(work_of(trial), costs.seconds) > 1000 * costs.seconds[STEP] + 10 * costs.seconds["spinning"]


def test_the_peak_of_memory_is_that_of_the_largest_kind(spec: Build, tmp_path: Path) -> None:
    """A layer of 4096 x 4096 has 64 MiB and its gradient as much: blocks that malloc has no free ones for."""
    kinds = [spec(model={"name": "mlp", "widths": [width, width]}) for width in (8, 4096)]
    context = context_of(kinds[0], tmp_path)
    small, large = (time_kinds([kind], context, lambda _: 0.0)[0].memory_bytes for kind in kinds)
    assert small.keys() == large.keys() == {PEAK}
    assert large[PEAK] - small[PEAK] > 2**26
    costs = {
        place: Costs({"trials": 1.0, STEP: 1.0, COMPILING: 0.0}, {}, {}, {PEAK: size})
        for place, size in enumerate((5.0, 7.0))
    }
    works = [(1, work_of(kind)) for kind in kinds]
    assert price_of(works, costs, workers=1, gpus=0.0, start_s=0.0).peak_bytes == 7.0
    on_gpu = {0: costs[0]._replace(memory_bytes={PEAK: 3.0 * 2**30, GPU: 80.0 * 2**30}), 1: costs[1]}
    assert price_of(works, on_gpu, workers=1, gpus=0.5, start_s=0.0).least_gpus == 0.05


def test_what_diverges_whatever_its_learning_rate_gives_no_costs(spec: Build, tmp_path: Path) -> None:
    trial = spec(train={"batch_size": 32, "weight_decay": 1e30})
    context = context_of(trial, tmp_path)
    assert calibrate(trial, context, budget_s=0.0) is None
    with pytest.raises(InputError, match=r"every kind .*diverges.*--no-timing"):
        time_kinds([trial], context, lambda _: math.inf)


def test_bytes_are_those_of_real_trials(spec: Build, tmp_path: Path) -> None:
    probes = {name: {"every": 4} for name in ("landscape", "ics", "moments")}
    trials = [
        spec(lr=lr, seed=seed, train={"batch_size": 32, "steps": 20}, probes=probes)
        for lr in (0.01, 0.1)
        for seed in range(3)
    ]
    context = context_of(trials[0], tmp_path)
    costs, ended = calibrate(trials[0], context, budget_s=1.0), list[EndedTrial]()
    assert costs
    for trial in trials:
        (training,) = deque(train(trial, context.datasets[dataset_key(trial.dataset)]), maxlen=1)
        ended.append(EndedTrial.of(training, code_and_place(context, training.device), attempt=1))
    planned = sum(costs.file_bytes.values()) + sum(total(work_of(trial), costs.row_bytes) for trial in trials)
    assert planned == pytest.approx(sum(to_parquet(rows).size for rows in tables_of(ended).values()), rel=0.25)


def test_kinds_are_timed_for_as_long_as_is_allowed(spec: Build, tmp_path: Path) -> None:
    kinds = [spec(norm=norm) for norm in ("none", "batch")]
    context = context_of(kinds[0], tmp_path)
    assert len(time_kinds(kinds, context, lambda _: 0.0)) == 1
    assert time_kinds(kinds, context, lambda _: math.inf).keys() == {0, 1}


def test_trials_are_timed_one_at_a_time_in_a_process_that_ends(spec: Build, tmp_path: Path) -> None:
    (signatures := tmp_path / "signatures").mkdir()
    probes = {"tests.user_code.timed_probes:Signing": {"every": 1, "folder": str(signatures)}}
    trial = spec(probes=probes)
    sweep = sweep_of(trial)
    price = price_sweep(sweep, Store.open(tmp_path / "out"), sweep.trials)
    assert price.basis == "1 of 1 kinds of trials timed, one at a time"
    (process,) = [int(path.name) for path in signatures.iterdir()]
    assert process != os.getpid()
    assert not os.path.exists(f"/proc/{process}")
    assert not os.path.exists(tmp_path / "out")


def test_a_command_that_is_killed_leaves_no_process(sweep_file: Callable[..., Path], tmp_path: Path) -> None:
    (signatures := tmp_path / "signatures").mkdir()
    signing = f'"tests.user_code.timed_probes:Signing": {{every: 1, folder: "{signatures}"}}'
    command = [sys.executable, "-m", "bnsweep", "plan", sweep_file(("ics: {every: 3}", signing)), "--out", tmp_path]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL) as plan:
        wait_until(lambda: any(signatures.iterdir()), "timing")
        plan.kill()
    processes = [int(path.name) for path in signatures.iterdir()]
    wait_until(lambda: not any(os.path.exists(f"/proc/{process}") for process in processes), f"{processes} to end")


def test_a_trial_that_fails_is_bad_input(spec: Build, tmp_path: Path) -> None:
    trial = spec(probes={SPINNING: {"every": 1, "seconds": "long"}})
    with pytest.raises(InputError, match=r"a trial of norm none fails: TypeError.*--no-timing"):
        time_kinds([trial], context_of(trial, tmp_path), lambda _: math.inf)


@pytest.mark.long
def test_a_process_that_dies_is_bad_input(spec: Build, tmp_path: Path) -> None:
    sweep = sweep_of(spec(model={"name": "tests.user_code.crashing_models:net", "deadly": True}))
    with pytest.raises(InputError, match=r"died.*--no-timing"):
        price_sweep(sweep, Store.open(tmp_path), sweep.trials)


def test_the_mean_of_costs_is_that_of_each() -> None:
    some = Costs({"trials": 1.0, "ics": 4.0}, {"ics": 10.0}, {"ics": 100.0}, {})
    more = Costs({"trials": 3.0, "ics": 6.0}, {"ics": 30.0}, {"ics": 300.0}, {})
    assert mean_costs([some, more]) == Costs({"trials": 2.0, "ics": 5.0}, {"ics": 20.0}, {"ics": 200.0}, {})


PRICE = Price(
    num_trials=100,
    work_s=36_000.0,
    longest_s=400.0,
    start_s=10.0,
    row_bytes=1e6,
    num_tables=5,
    file_bytes=5e4,
    gpus=0.5,
    workers_here=4,
    basis="2 of 3 kinds of trials timed, one at a time",
    peak_bytes=3 * 2**30,
    least_gpus=0.0501,
)


def test_time_is_shared_among_workers_but_no_trial_is_cut() -> None:
    assert PRICE.wall_s(1) == 36_010
    assert PRICE.wall_s(4) == 9_010
    assert PRICE.wall_s(1000) == 410


def test_money_is_for_gpus_or_for_workers_without() -> None:
    hours = 4 * 9_010 / 3600
    assert f"money: {hours:.2f}, at 2 per GPU-hour" in list(PRICE.lines(4, 2.0))
    assert f"money: {2 * hours:.2f}, at 2 per worker-hour" in list(replace(PRICE, gpus=0.0).lines(4, 2.0))
    assert "money" not in "\n".join(PRICE.lines(4))


@pytest.mark.parametrize(
    ("workers", "where"),
    [(4, "4 workers, as many as fit here,"), (1, "1 worker,"), (8, "8 workers like these,")],
)
def test_one_line_says_what_the_run_takes_and_another_is_there_for_another_number_of_workers_alone(
    workers: int, where: str
) -> None:
    lines = list(PRICE.lines(workers))
    (taken,) = [line for line in lines if line.startswith("the run takes")]
    assert f" on {where} of which" in taken
    assert sum(line.startswith("it would take") for line in lines) == (workers != PRICE.workers_here)


def test_the_lines_say_what_was_timed_and_what_it_takes() -> None:
    text = "\n".join(PRICE.lines(8))
    assert "takes 360 s (2 of 3 kinds of trials timed, one at a time)" in text
    assert "the run takes 1:15:10 on 8 workers like these, of which 0:00:10 to start" in text
    assert "it would take 2:30:10 on 4 workers, as many as fit here\n" in text
    hours = 8 * 4_510 / 3600
    assert f"that is {hours:.3g} worker-hours, {hours / 2:.3g} GPU-hours" in text
    at_peak = "memory: 3 GiB of the GPU at a worker's peak, which takes gpus: 0.06 or more of one like this, the most"
    assert at_peak in text
    assert "memory: 3 GiB in a worker's process at" in "\n".join(replace(PRICE, least_gpus=None).lines(8))
    assert "memory" not in "\n".join(replace(PRICE, peak_bytes=None).lines(8))
    assert "train.fuse" not in text
    assert "train.fuse: 25% of the slots hold trials" in "\n".join(replace(PRICE, fullness=0.25).lines(8))
    assert f"Parquet: {(1e6 + 100 * 5e4) / 1e6:.3g} MB in {5 * 100} files" in text  # no more than trials
    many = "\n".join(replace(PRICE, num_trials=1000).lines(8))
    commits = num_commits(4500)
    assert f"Parquet: {(1e6 + commits * 5e4) / 1e6:.3g} MB in {5 * commits} files" in many


def test_what_takes_too_long_is_refused_with_what_would_be_right() -> None:
    PRICE.require_at_most(2.51, 4)
    with pytest.raises(InputError, match=r"given 2; 100 trials take 2\.5 hours on 4 workers.*fewer trials, take more"):
        PRICE.require_at_most(2, 4)


@pytest.mark.parametrize("resources", [{"gpus": 64}, {"cpus": 4096}])
def test_workers_that_do_not_fit_here_are_not_timed(resources: dict[str, Any]) -> None:
    assert "more than this machine has" in (why_untimed(Resources(**resources)) or "")
    assert why_untimed(Resources()) is None


@pytest.mark.usefixtures("_processor_time")
def test_a_loop_of_the_users_own_is_timed_and_its_rows_are_counted_by_the_step(tmp_path: Path) -> None:
    """Its two tables have a row a step, the landscape 4 points at steps 0 and 500."""
    trial = TrialSpec.model_validate(
        {
            "trial": {"name": "tests.user_code.loops:regression", "metric": {"name": "val_loss", "mode": "min"}},
            "train": {"steps": 1000},
            "lr": 0.001,
            "probes": {"landscape": {"every": 500}},
        }
    )
    costs = calibrate(trial, context_of(trial, tmp_path), 0.3)
    assert costs is not None
    assert costs.seconds[STEP] > 0
    assert costs.seconds[EVALUATION] == pytest.approx(0.0, abs=0.01)
    assert costs.row_bytes.keys() == {"trials", "curves", "seen", "landscape"}
    tables = tables_of([EndedTrial(trial, run_trial(trial, load_dataset(trial.dataset)), {})])
    assert {name: len(rows) for name, rows in tables.items()} == {
        "trials": 1,
        "curves": 1000,
        "seen": 1000,
        "landscape": 8,
    }
    work = work_of(trial)
    assert (work["landscape"], work[STEP]) == (2, 1000)
    assert total(work, {"seen": 1.0}) == total(work, {STEP: 1.0}) == 1000


def test_a_loop_that_stops_before_it_is_timed_says_so(tmp_path: Path) -> None:
    trial = TrialSpec.model_validate(
        {
            "trial": {
                "name": "tests.user_code.loops:regression",
                "metric": {"name": "val_loss", "mode": "min"},
                "stop_after": 2,
            }
        }
    )
    with pytest.raises(InputError, match="its loop stops after 2 steps, before the 8 that are timed"):
        calibrate(trial, context_of(trial, tmp_path), 0.1)
