"""What `bnsweep run` does before the first training step, and how long each part takes.

    python -m benchmarks.startup                    # some minutes
    python -m benchmarks.startup --beside REVISION  # and the same from the checkout of an earlier commit, in turns

Two workers, two trials on digits of some seconds. Printed are seconds from typing the command, medians with quartiles
over the turns; parts overlap. With a revision beside, also its times until one worker and until both train and to the
end of the command, and the ratios by turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from time import time
from typing import Any

import psutil

SWEEP = """
name: startup
model: {name: vgg, widths: [16, M, 32, M, 64]}
dataset: {name: digits}
train: {steps: 2000, log_every: 100}
axes: {norm: [none, batch]}
probes: {"benchmarks_clock:clock": {at: [0]}}
resources: {cpus: 1}
"""
CLOCK = """
import time
import psutil, pyarrow

class Clock:
    table, columns = "clock", {"process": pyarrow.float64(), "update": pyarrow.float64()}

    def __call__(self, context):
        return [{"step": context.step, "process": psutil.Process().create_time(), "update": time.time()}]

clock = Clock
"""
"""A probe: when its process began and when the update was made, in seconds of the clock."""

FIRST, ALL, END = "first update", "both workers train", "end of the command"


def main() -> None:
    """Print when each part ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--beside", metavar="REVISION", help="an earlier commit")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    from benchmarks.probes import with_quartiles  # imports torch, which the child is to measure

    here = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        if given.beside:
            there = Path(folder, "there")
            subprocess.run(["git", "worktree", "add", "--quiet", "--detach", there, given.beside], check=True, cwd=here)
        try:
            turns = [
                (measured(here, has_marks=True), measured(there, has_marks=False) if given.beside else None)
                for _ in range(given.repeats)
            ]
        finally:
            if given.beside:
                subprocess.run(["git", "worktree", "remove", "--force", there], check=True, cwd=here)
    for label in turns[0][0]:
        print(f"{label:45} {with_quartiles([turn[label] for turn, _ in turns])}")
    for label in (FIRST, ALL, END) if given.beside else ():
        other = [turn[label] for _, turn in turns if turn]
        print(f"{label + ' at ' + given.beside:45} {with_quartiles(other)}")
        print(f"{'  over that':45} {with_quartiles([ours[label] / theirs[label] for ours, theirs in turns if theirs])}")


def measured(checkout: Path, has_marks: bool) -> dict[str, float]:
    """Run the sweep once from a checkout; return when each part ended, in seconds from the command."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        out, marks, sweep = Path(folder, "out"), Path(folder, "marks.json"), Path(folder, "sweep.yaml")
        sweep.write_text(SWEEP)
        Path(folder, "benchmarks_clock.py").write_text(CLOCK)
        ours = ["-m", "benchmarks.startup", "--child", str(sweep), str(out), str(marks)]
        command = ours if has_marks else ["-m", "bnsweep", "run", str(sweep), "--out", str(out)]
        started = time()
        quiet: Any = {
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
        }  # Ray's last processes hold a pipe open
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(checkout), folder))}
        subprocess.run([sys.executable, *command], check=True, cwd=checkout, env=environment, **quiet)
        end = time()
        clock, trials = pd.read_parquet(out / "clock"), pd.read_parquet(out / "trials")
        ended = trials["started_at"].astype("datetime64[us, UTC]").astype("int64") / 1e6 + trials["wall_time_s"]
        times = json.loads(marks.read_text()) if has_marks else {}
    bias = times.pop("Python starts") - started if has_marks else 0.0  # psutil's, which rounds the time of boot
    times |= {
        "worker's process starts": clock["process"].min() - bias,
        FIRST: clock["update"].min(),
        ALL: clock["update"].max(),
        "last trial ends": ended.max(),
        END: end,
    }
    return {label: at - started for label, at in sorted(times.items(), key=lambda item: item[1])}


def child(sweep: str, out: str, marks: str) -> None:
    """Run `bnsweep run` and write down when its parts end."""
    times: dict[str, float] = {"Python starts": psutil.Process().create_time()}

    def mark(owner: Any, name: str, label: str) -> None:
        function: Callable[..., Any] = getattr(owner, name)

        @wraps(function)
        def marked(*arguments: Any, **options: Any) -> Any:
            try:
                return function(*arguments, **options)
            finally:
                times.setdefault(label, time())

        setattr(owner, name, marked)

    from bnsweep.cli import app

    times["command line parsed"] = time()
    from bnsweep.executors import ray_tune_coordinator
    from bnsweep.executors.ray_tune import RayTuneExecutor
    from bnsweep.running import startup
    from bnsweep.running.plan import Plan

    times["bnsweep and ray imported"] = time()
    mark(Plan, "of", "sweep read and planned")
    mark(startup, "_load", "torch imported")
    mark(RayTuneExecutor, "__enter__", "Ray is up")
    mark(ray_tune_coordinator.RemoteService, "status", "the coordinator answers")
    mark(RayTuneExecutor, "run", "Tune has ended")
    mark(RayTuneExecutor, "__exit__", "Ray is down")
    try:
        app(["run", sweep, "--out", out])
    finally:
        Path(marks).write_text(json.dumps(times))


if __name__ == "__main__":
    main()
