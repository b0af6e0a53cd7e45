"""What it takes to load 10,000 trials and to compute their tables, beside reading the same from Ray Tune's own files.

    python -m benchmarks.analysis    # generates the sweep, two minutes; the report is `benchmarks.report`

Each turn is a process of its own: loading every table and computing every robustness table, then reading the
result.json of some trials, both the way of `ray.tune.Result.from_path` and by json.loads into frames of the same
columns. A read of some files is scaled to all of them. Printed are medians and quartiles over the turns. On a busy
machine go by processor time: loading takes several threads, which a busy machine lacks, and reading JSON one.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import TypeVar

import numpy as np
import pandas as pd

from benchmarks.generated import AXES, make_tables, write_json, write_tables

SEED = 0
AXIS_COLUMNS = [f"config/{axis}" for axis in AXES]
READERS = {
    "tune": "ray.tune.Result.from_path of every trial",
    "unpacked": "the same, its lists unpacked into the tables ics and landscape",
    "json": "json.loads, into the three tables",
}

Times = dict[str, float]
ResultT = TypeVar("ResultT")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="turns")
    parser.add_argument("--files", type=int, default=40, help="result.json files read in a turn")
    parser.add_argument("--turn", help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.turn == "generate":
        print(json.dumps(generate(arguments.directory, arguments.repeats, arguments.files)))
        return
    if arguments.turn:
        print(json.dumps(TURNS[arguments.turn](arguments.directory)))
        return
    with tempfile.TemporaryDirectory() as folder:
        _compare(Path(folder), arguments.repeats, arguments.files)


def _compare(folder: Path, repeats: int, files: int) -> None:
    # In a process of its own: what it allocates would slow down the first turns.
    trials = int(_run("generate", folder, "--repeats", str(repeats), "--files", str(files))["trials"])
    turns = []
    for turn in range(repeats):
        ours, theirs = _run("load", folder / "sweep"), _run("json", folder / "tune" / str(turn))
        turns.append(ours | {name: seconds / files * trials for name, seconds in theirs.items()})
    _show(turns)


def generate(folder: Path, repeats: int, files: int) -> Times:
    """Write the sweep, and for every turn the result.json of other trials; return how many trials there are."""
    tables = make_tables(np.random.default_rng(SEED))
    write_tables(tables, folder / "sweep")
    keys = np.random.default_rng(SEED).permutation(tables["trials"]["trial_key"].to_numpy(str)).tolist()
    for turn in range(repeats):
        write_json(tables, keys[turn * files : (turn + 1) * files], folder / "tune" / str(turn))
    print(", ".join(f"{table} {len(frame):,} rows" for table, frame in tables.items()), file=sys.stderr)
    return {"trials": len(keys)}


def _show(turns: list[Times]) -> None:
    print(f"load and every robustness table (s): {shown([turn['total_s'] for turn in turns])}")
    print(f"  of which load (s):                 {shown([turn['load_s'] for turn in turns])}")
    print(f"  peak memory of the process (MB):   {shown([turn['peak_mb'] for turn in turns])}")
    for name, words in READERS.items():
        print(f"{words} (s): {shown([turn[f'{name}_s'] for turn in turns])}")
        for unit, clock in (("s", "by the clock"), ("cpu_s", "in processor time")):
            ratios = [turn[f"{name}_{unit}"] / turn[f"total_{unit}"] for turn in turns]
            print(f"  times as long as ours, {clock:17}: {shown(ratios)}")


def shown(values: list[float]) -> str:
    """Return the median and, in brackets, the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:8.2f}  [{low:.2f}, {high:.2f}]  n={len(values)}"


def _run(turn: str, directory: Path, *options: str) -> Times:
    root = Path(__file__).parents[1]  # where this package is found
    command = [sys.executable, "-m", "benchmarks.analysis", "--turn", turn, "--directory", str(directory), *options]
    result = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True)
    measured: Times = json.loads(result.stdout.splitlines()[-1])
    return measured


def load_turn(directory: Path) -> Times:
    """Load a sweep and compute its robustness tables."""
    import analysis
    from analysis.tables import make_tables as robustness_tables

    _warm(directory)
    results, load = timed(partial(analysis.load, directory))
    _, tables = timed(partial(robustness_tables, results))
    total = {f"total_{unit}": load[unit] + tables[unit] for unit in load}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"load_s": load["s"], **total, "peak_mb": peak}


def json_turn(directory: Path) -> Times:
    """Read the result.json of every trial under a directory, Tune's way and by hand."""
    _warm(directory)
    paths = sorted(directory.iterdir())
    _from_path(paths[:1])  # the first imports what it takes
    reports, tune = timed(partial(_from_path, paths))
    _, unpack = timed(partial(_unpacked, reports))
    _, by_hand = timed(partial(_frames, paths))
    unpacked = {unit: tune[unit] + unpack[unit] for unit in tune}
    found = {"tune": tune, "unpacked": unpacked, "json": by_hand}
    return {f"{name}_{unit}": time for name, times in found.items() for unit, time in times.items()}


def _from_path(paths: list[Path]) -> pd.DataFrame:
    from ray.tune import Result

    return pd.concat([Result.from_path(path).metrics_dataframe for path in paths], ignore_index=True)


def timed(call: Callable[[], ResultT]) -> tuple[ResultT, Times]:
    """Return the result, and the time that it took by the clock, `s`, and of the processor, all threads, `cpu_s`."""
    clock, cpu = perf_counter(), process_time()
    result = call()
    return result, {"s": perf_counter() - clock, "cpu_s": process_time() - cpu}


def _unpacked(reports: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the tables ics and landscape from the lists in Tune's frame."""
    tables = {}
    for table in ("ics", "landscape"):
        rows = reports[["trial_id", "step", *AXIS_COLUMNS, table]].dropna(subset=[table]).explode(table)
        measured = pd.json_normalize(rows.pop(table).tolist())
        tables[table] = pd.concat([rows.reset_index(drop=True), measured], axis=1)
    return tables


def _warm(directory: Path) -> None:
    """Read every file once, so that what is timed comes from memory on either side."""
    for path in directory.rglob("*.*"):
        path.read_bytes()


def _frames(paths: list[Path]) -> dict[str, pd.DataFrame]:
    """Return the tables curves, ics and landscape from the reports."""
    rows: dict[str, list[dict[str, object]]] = {"curves": [], "ics": [], "landscape": []}
    for path in paths:
        for line in (path / "result.json").read_text(encoding="utf-8").splitlines():
            report = json.loads(line)
            head = {"trial_key": report["trial_id"], "step": report["step"], **report["config"]}
            rows["curves"].append(head | {name: report[name] for name in ("train_loss", "train_acc", "grad_norm")})
            for table in ("ics", "landscape"):
                rows[table] += [head | one for one in report.get(table, ())]
    return {table: pd.DataFrame(some) for table, some in rows.items()}


TURNS: dict[str, Callable[[Path], Times]] = {"load": load_turn, "json": json_turn}

if __name__ == "__main__":
    main()
