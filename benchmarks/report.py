"""What the report takes: its parts in Python, and what the reader waits for in a browser.

    python -m benchmarks.report                   # all three parts, each in a process of its own
    python -m benchmarks.report --part small      # 10,000 trials with curves and probes, 3.5 M rows
    python -m benchmarks.report --part large      # 1,000,000 trials, of each what became of it
    python -m benchmarks.report --part browser    # the page of the large one, in chromium

Beside each number stands its goal. Small is measured in processor time of all threads, since a busy machine takes
longer by the clock; large by the clock as well.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from benchmarks.generated import AXES, make_tables, make_trials, write_tables
from benchmarks.report_browser import measure_page

SEED = 0
LARGE: dict[str, dict[str, list[Any]]] = {
    "plane": {
        "norm": ["batch"],
        "init": ["kaiming_normal"],
        "init_gain": [float(gain) for gain in np.logspace(-1, 1, 1024)],
        "lr": [float(lr) for lr in np.logspace(-4, 1, 1024)],
        "seed": [0],
    },
    "seeds": {
        "norm": ["none", "batch", "layer"],
        "init": ["kaiming_normal"],
        "init_gain": AXES["init_gain"],
        "lr": [float(lr) for lr in np.logspace(-4, 1, 21)],
        "seed": list(range(3175)),
    },
}
"""Grids of a million trials, by what they are made of: gains and learning rates, or seeds."""
PHASES = {"loading": "load", "computing": "tables", "drawing": "figures", "writing": "page"}
"""The first word of what a report says that it is at, and what that part is called here."""
Numbers = dict[str, float]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, help="all if left out")
    parser.add_argument("--shape", choices=LARGE, default="plane", help="of the large sweep")
    parser.add_argument("--directory", type=Path, help="where sweeps and reports are kept; else they are removed")
    arguments = parser.parse_args()
    if arguments.directory and arguments.part:
        PARTS[arguments.part](arguments.directory, arguments.shape)
        return
    with tempfile.TemporaryDirectory() as folder:
        for part in [arguments.part] if arguments.part else PARTS:
            _run("--part", part, "--shape", arguments.shape, "--directory", str(arguments.directory or folder))


def _run(*options: str) -> None:
    command = [sys.executable, "-m", "benchmarks.report", *options]
    subprocess.run(command, cwd=Path(__file__).parents[1], check=True)


def small(folder: Path, _: str) -> None:
    """Report on 10,000 trials."""
    sweep = folder / "small"
    if not sweep.exists():
        write_tables(make_tables(np.random.default_rng(SEED)), sweep)
    cpu = report(sweep)["cpu_s"]
    print("10,000 trials, processor time: " + ", ".join(f"{part} {seconds:.1f} s" for part, seconds in cpu.items()))
    _say("whole report", sum(cpu.values()), "s", 10)


def large(folder: Path, shape: str) -> None:
    """Report on a million trials."""
    sweep = folder / shape
    if not sweep.exists():
        write_tables({"trials": make_trials(np.random.default_rng(SEED), LARGE[shape])}, sweep)
    measured = json.loads(_in_its_own_process(sweep))
    cpu, clock = measured["cpu_s"], measured["s"]
    print(f"1,000,000 trials ({shape}), processor time (by the clock):")
    print("  " + ", ".join(f"{part} {seconds:.1f} s ({clock[part]:.1f})" for part, seconds in cpu.items()))
    _say("load", cpu["load"], "s", 10)
    _say("tables and figures", cpu["tables"] + cpu["figures"], "s", 60)
    _say("peak memory", measured["peak_mb"], "MB", 4000)
    _say("index.html", (sweep / "report" / "index.html").stat().st_size / 1e6, "MB", 25)


def _in_its_own_process(sweep: Path) -> str:
    """Return what `report` measures, in JSON: what wrote the sweep would count to its memory."""
    code = f"import json, pathlib, benchmarks.report as b; print(json.dumps(b.report(pathlib.Path({str(sweep)!r}))))"
    root = Path(__file__).parents[1]
    return subprocess.run([sys.executable, "-c", code], cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout


def browser(folder: Path, shape: str) -> None:
    """Open the page of the large sweep, and move its threshold."""
    page = folder / shape / "report" / "index.html"
    if not page.exists():
        large(folder, shape)
    found = measure_page(page)
    print(f"the page of 1,000,000 trials ({shape}) in chromium, medians of {found.turns} turns:")
    _say("first picture", found.first_picture_s, "s", 2)
    _say("a change of the threshold", found.change_ms, "ms", 100)


def report(directory: Path) -> dict[str, Any]:
    """Write a report; return the seconds of each part, `cpu_s` of the processor and `s` by the clock, and the peak."""
    from analysis.report import write_report

    began: list[tuple[str, float, float]] = []
    write_report(directory, say=lambda line: began.append((PHASES[line.split()[0]], process_time(), perf_counter())))
    ends = [*began[1:], ("", process_time(), perf_counter())]
    taken: dict[str, Numbers] = {unit: dict.fromkeys(PHASES.values(), 0.0) for unit in ("cpu_s", "s")}
    for (part, cpu, clock), (_, cpu_end, clock_end) in zip(began, ends, strict=True):
        taken["cpu_s"][part] += cpu_end - cpu
        taken["s"][part] += clock_end - clock
    return {**taken, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _say(what: str, measured: float, unit: str, goal: float) -> None:
    print(f"  {what:28} {measured:8.1f} {unit:2}  (goal: {goal:g} {unit} at most)")


PARTS = {"small": small, "large": large, "browser": browser}

if __name__ == "__main__":
    main()
