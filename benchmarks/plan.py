"""How right `bnsweep plan` and the progress line's ETA are: what they say beside what the run then takes.

    python -m benchmarks.plan                        # the mini sweep, three turns; some minutes
    python -m benchmarks.plan sweeps/mini.yaml --repeats 1

Printed are, for each turn and as medians: seconds that `bnsweep plan` and `bnsweep run` took, from the command to its
end; time and bytes planned over those that the run took; and the median relative error of the ETA over the second half
of the run, by the lines that it prints every few seconds. Goals: time within 25 % of the run's, an ETA error under
20 %, a plan in 20 s and in less than the run. All move with whatever else the machine does.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

TIME = r"(?:(\d+) days?, )?(\d+):(\d\d):(\d\d)"
PLANNED = re.compile(rf"the run takes {TIME} on \d+ workers?")
BYTES = re.compile(r"Parquet: (\S+) MB")
PROGRESS = re.compile(rf"elapsed {TIME}, ETA {TIME}")


def main() -> None:
    """Plan and run a sweep some times, and print how they compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", nargs="?", default="sweeps/mini.yaml")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    turns = list[Turn]()
    for _ in range(arguments.repeats):
        turns.append(measure(arguments.sweep))
        print(turns[-1], flush=True)
    print("medians:", Turn(*map(median, zip(*turns, strict=True))))


class Turn(NamedTuple):
    """What was planned beside what was taken."""

    plan_s: float
    run_s: float
    time_ratio: float
    bytes_ratio: float
    eta_error: float

    def __str__(self) -> str:
        return (
            f"time planned/taken {self.time_ratio:.2f}, bytes {self.bytes_ratio:.2f}, ETA error "
            f"{100 * self.eta_error:.0f} %; the plan took {self.plan_s:.1f} s, the run {self.run_s:.1f} s"
        )


def measure(sweep: str) -> Turn:
    """Plan, then run."""
    with tempfile.TemporaryDirectory(prefix="bnsweep-plan-") as folder:
        planned, plan_s = bnsweep("plan", sweep, "--out", folder)
        ran, run_s = bnsweep("run", sweep, "--out", folder)
        num_bytes = sum(path.stat().st_size for path in Path(folder).glob("*/*.parquet"))
    time_ratio = seconds(found(PLANNED, planned)) / run_s
    return Turn(plan_s, run_s, time_ratio, 1e6 * float(found(BYTES, planned)[0]) / num_bytes, eta_error(ran))


def found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    """Return the groups of the pattern's first match."""
    match = pattern.search(text)
    assert match, text
    return match.groups()


def bnsweep(*arguments: str) -> tuple[str, float]:
    """Run a command; return what it printed and the seconds that it took."""
    started = perf_counter()
    done = subprocess.run([sys.executable, "-m", "bnsweep", *arguments], check=True, capture_output=True, text=True)
    return done.stdout, perf_counter() - started


def eta_error(printed: str) -> float:
    """Return the median relative error of the ETA over the second half of a run's lines, the last one left out."""
    lines = [match.groups() for match in PROGRESS.finditer(printed)]
    points = [(seconds(groups[:4]), seconds(groups[4:])) for groups in lines]
    end = points[-1][0]
    return median(abs(eta - (end - at)) / (end - at) for at, eta in points if end / 2 <= at < end)


def seconds(groups: Iterable[str | None]) -> int:
    """Return days, hours, minutes and seconds as seconds.

    >>> seconds((None, "1", "01", "02"))
    3662
    """
    days, hours, minutes, rest = (int(group or 0) for group in groups)
    return 86400 * days + 3600 * hours + 60 * minutes + rest


if __name__ == "__main__":
    main()
