"""What orchestration costs: the same trials in a bare loop, in Ray Tune as its docs teach it, in Optuna, and here.

    python -m benchmarks.orchestration                        # 48 trials, three turns; Tune alone takes minutes
    python -m benchmarks.orchestration --trials 24 --repeats 1 --sides bare bnsweep

Each trial trains a small VGG for 120 steps on digits, without probes, and each side has two workers with one thread:

    bare     two processes, each looping over its half of the trials
    tune     a function trainable that reports each epoch, default loggers, a new actor for each trial
    optuna   a study in a journal file, its grid shared by the two processes of joblib's pool
    bnsweep  `bnsweep run`, every row stored

The first three train by a minimal loop (`benchmarks.step`). Each side is a command; the sides take turns. Printed are
seconds from typing the command to its end, seconds from the start of the first trial to the end of the last, and
bnsweep's ratio to each side, by turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path
from time import monotonic, time

import pandas as pd

from benchmarks.probes import with_quartiles
from bnsweep.data import Dataset, load_dataset
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.spec.sweep import Sweep
from bnsweep.training.device import prepare_device
from bnsweep.training.optimizers import load_optimizers

WORKERS = 2
SWEEP = """
name: orchestration
model: {{name: vgg, widths: [16, M, 32, M, 64]}}
dataset: {{name: digits}}
train: {{steps: 120, log_every: 10}}
axes:
  norm: [none, batch]
  lr: {{logspace: [0.01, 0.3, {rates}]}}
  seed: {{range: 4}}
"""
Window = tuple[float, float]
LOADED: list[Dataset] = []


def main() -> None:
    """Print the times of each side, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=48, help="a multiple of 8")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument("--worker", choices=PEERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    text = SWEEP.format(rates=given.trials // 8)
    if given.worker:
        json.dump(PEERS[given.worker](tuple(Sweep.from_text(text).trials)), sys.stdout)
        return
    turns = [{side: measured(side, text, given.trials) for side in given.sides} for _ in range(given.repeats)]
    print(f"{given.trials} trials, {WORKERS} workers: seconds in all, and from the first trial to the end of the last")
    for side in given.sides:
        whole, trials = ([turn[side][part] for turn in turns] for part in (0, 1))
        print(f"  {side:8} {with_quartiles(whole)}   {with_quartiles(trials)}", flush=True)
    for other in [side for side in given.sides if side in PEERS and "bnsweep" in given.sides]:
        ratios = [[turn["bnsweep"][part] / turn[other][part] for turn in turns] for part in (0, 1)]
        print(f"  bnsweep / {other:8} {with_quartiles(ratios[0])}   {with_quartiles(ratios[1])}")


def measured(side: str, text: str, num_trials: int) -> tuple[float, float]:
    """Run one side as a command; return seconds in all, and from the first trial to the end of the last."""
    with tempfile.TemporaryDirectory() as folder:
        sweep, out = Path(folder, "sweep.yaml"), Path(folder, "out")
        sweep.write_text(text)
        if side == "bnsweep":
            command = ["-m", "bnsweep", "run", str(sweep), "--out", str(out)]
        else:
            command = ["-m", "benchmarks.orchestration", "--trials", str(num_trials), "--worker", side]
        started = monotonic()
        with open(Path(folder, "printed"), "w+") as printed:  # Ray's last processes would hold a pipe open
            subprocess.run([sys.executable, *command], stdout=printed, stderr=printed, check=True, cwd=os.getcwd())
            whole = monotonic() - started
            printed.seek(0)
            windows = stored(out) if side == "bnsweep" else json.loads(printed.read().splitlines()[-1])
    if len(windows) != num_trials:
        raise SystemExit(f"{side}: {len(windows)} trials ended, {num_trials} were asked for")
    return whole, max(end for _, end in windows) - min(start for start, _ in windows)


def stored(out: Path) -> list[Window]:
    """Return when each stored trial began and ended (seconds of the clock)."""
    trials = pd.read_parquet(out / "trials", columns=["started_at", "wall_time_s"])
    starts = trials["started_at"].astype("datetime64[us, UTC]").astype("int64") / 1e6
    return list(zip(starts, starts + trials["wall_time_s"], strict=True))


def trial(spec: TrialSpec) -> Window:
    """Train by hand; return when it began and ended."""
    from benchmarks.step import by_hand

    if not LOADED:  # once in each process
        prepare_device(Resources())
        load_optimizers()
        LOADED.append(load_dataset(spec.dataset))
    started = time()
    by_hand(spec, LOADED[0])
    return started, time()


def _loop(trials: tuple[TrialSpec, ...]) -> list[Window]:
    return [trial(spec) for spec in trials]


def bare(trials: tuple[TrialSpec, ...]) -> list[Window]:
    """Run the trials in two processes."""
    with get_context("spawn").Pool(WORKERS) as pool:
        halves = pool.map(_loop, [trials[worker::WORKERS] for worker in range(WORKERS)], chunksize=1)
    return [window for half in halves for window in half]


def plain_tune(trials: tuple[TrialSpec, ...]) -> list[Window]:
    """Run the trials as `tune.Tuner` does."""
    import ray
    from ray import tune

    def trainable(config: dict[str, str]) -> None:
        start, end = trial(TrialSpec.model_validate_json(config["spec"]))
        tune.report({"start": start, "end": end})

    with tempfile.TemporaryDirectory() as folder:
        ray.init(address="local", num_cpus=WORKERS, log_to_driver=False)  # no Ray that runs here already
        run_config = tune.RunConfig(storage_path=folder, verbose=0)
        space = {"spec": tune.grid_search([spec.to_json() for spec in trials])}
        found = tune.Tuner(trainable, param_space=space, run_config=run_config).fit().get_dataframe()
        windows = list(zip(found["start"].tolist(), found["end"].tolist(), strict=True))
        ray.shutdown()
    return windows


def _optimize(journal: str, specs: list[str]) -> None:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(journal))
    sampler = optuna.samplers.GridSampler({"spec": specs}, seed=0)

    def objective(one: optuna.Trial) -> float:
        start, end = trial(TrialSpec.model_validate_json(one.suggest_categorical("spec", specs)))
        one.set_user_attr("window", [start, end])
        return end - start

    optuna.load_study(study_name="bench", storage=storage, sampler=sampler).optimize(objective)


def optuna_joblib(trials: tuple[TrialSpec, ...]) -> list[Window]:
    """Run the trials as a grid study that joblib's processes share."""
    import joblib
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    with tempfile.TemporaryDirectory() as folder:
        journal = str(Path(folder, "journal"))
        storage = JournalStorage(JournalFileBackend(journal))
        study = optuna.create_study(study_name="bench", storage=storage)
        specs = [spec.to_json() for spec in trials]
        joblib.Parallel(n_jobs=WORKERS)(joblib.delayed(_optimize)(journal, specs) for _ in range(WORKERS))
        seen = {one.params["spec"]: tuple(one.user_attrs["window"]) for one in study.trials if one.user_attrs}
    return list(seen.values())


PEERS = {"bare": bare, "tune": plain_tune, "optuna": optuna_joblib}
SIDES = [*PEERS, "bnsweep"]


if __name__ == "__main__":
    main()
