"""Kill everything, again and again, and count what was lost and what is there twice.

    python -m benchmarks.chaos --kills 200            # an hour
    python -m benchmarks.chaos --kills 20 --seed 3    # other times, other victims

A sweep is run until it is done; meanwhile workers, the coordinator, the driver, the Raylet, Ray's control store (GCS)
and all of these at once are killed (SIGKILL) at random times, and the same command is given again. Then the tables are
compared, bit by bit, with those of a run that nobody disturbed. Where the sweep is done before the kills are, another
one begins.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bnsweep.cli.difference import difference
from bnsweep.results import Store
from bnsweep.spec.sweep import Sweep

SWEEP = """
name: chaos
model: {name: mlp, widths: [8]}
dataset: {name: digits}
train: {steps: 100, batch_size: 32, eval_every: 40}
axes:
  norm: [none, batch, noisy_batch]
  lr: [0.1, 1.0e+9]
  seed: {range: 10}
probes: {landscape: {every: 10}, ics: {every: 10}, moments: {every: 10}}
"""
TABLES = ("trials", "curves", "landscape", "ics", "moments")
CHECKPOINT_MINUTES = 0.002
"""So often that killed trials are continued from a checkpoint now and then."""
MAX_PAUSE_S = 2.5
HUNG_AFTER_S = 600.0

Processes = list[psutil.Process]


def main() -> None:
    """Kill as often as asked and print the count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="how many kills")
    parser.add_argument("--seed", type=int, default=0, help="seed of the times and victims")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    kinds = [rng.choice(list(VICTIMS)) for _ in range(arguments.kills)]
    with tempfile.TemporaryDirectory(prefix="bnsweep-chaos-") as folder:
        toll = kill_often(Path(folder), kinds, rng)
    kills = ", ".join(f"{count} {kind}" for kind, count in sorted(toll.kills.items()))
    print(f"{toll.kills.total()} kills ({kills}) in {toll.starts} starts of {toll.sweeps} sweeps")
    print(f"trials lost {toll.lost}, rows doubled {toll.doubled}, tables that differ {toll.differing}")
    sys.exit(bool(toll.lost or toll.doubled or toll.differing))


def _named(part: str) -> Callable[[psutil.Process], Processes]:
    return lambda driver: [process for process in _children(driver) if part in _name(process)]


VICTIMS: dict[str, Callable[[psutil.Process], Processes]] = {
    "worker": lambda driver: _named("Trainable")(driver)[:1],
    "workers": _named("Trainable"),
    "coordinator": _named("CoordinatorActor"),
    "driver": lambda driver: [driver],
    "raylet": _named("raylet"),
    "gcs": _named("gcs_server"),
    "machine": lambda driver: [driver, *_children(driver)],
}
"""What a kill takes along, by its name."""


@dataclass
class Toll:
    """What was done, and what it did."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    sweeps: int = 0
    lost: int = 0
    doubled: int = 0
    differing: list[str] = field(default_factory=list)


def kill_often(folder: Path, kinds: Sequence[str], rng: random.Random) -> Toll:
    """Run sweeps into `folder` until every kill of `kinds` was made, and check what they left."""
    sweep_file = folder / "chaos.yaml"
    sweep_file.write_text(SWEEP)
    run(sweep_file, folder / "undisturbed", "--executor", "serial").wait()
    undisturbed, toll, left = Store.open(folder / "undisturbed"), Toll(), deque(kinds)
    while left or not toll.sweeps:
        out = folder / f"disturbed-{toll.sweeps}"
        disturb(sweep_file, out, left, rng, toll)
        toll.sweeps += 1
        examine(Store.open(out), undisturbed, Sweep.from_text(SWEEP), toll)
    return toll


def disturb(sweep_file: Path, out: Path, left: deque[str], rng: random.Random, toll: Toll) -> None:
    """Run one sweep to its end, killing what is next in `left` each time workers are at work."""
    code: int | None = None
    while code != 0:
        process = run(sweep_file, out)
        toll.starts += 1
        while left and process.poll() is None:
            driver = psutil.Process(process.pid)
            if not _named("Trainable")(driver) or _outlasts(process, rng.uniform(0, MAX_PAUSE_S)) is not None:
                _outlasts(process, 0.05)
                continue
            kind = left.popleft()
            victims = VICTIMS[kind](driver)
            if not victims:
                left.append(kind)
            toll.kills[kind] += len(victims) if kind == "workers" else bool(victims)
            for victim in victims:
                kill(victim)
        code = exit_code(process, said_by(out))


def run(sweep_file: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start `bnsweep run`; what it says is added to `said_by(out)`."""
    command = [sys.executable, "-m", "bnsweep", "run", str(sweep_file), "--out", str(out), *options]
    command += ["--checkpoint-minutes", str(CHECKPOINT_MINUTES)]
    with said_by(out).open("ab") as said:
        return subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)


def said_by(out: Path) -> Path:
    """Return the file beside `out` that takes what its runs say."""
    return out.with_suffix(".log")


def exit_code(process: subprocess.Popen[bytes], said: Path) -> int:
    """Wait for the end of a run.

    Raises:
        TimeoutError: it hangs; says its last lines and where each of its threads is. It is killed, with its children.
    """
    try:
        return process.wait(HUNG_AFTER_S)
    except subprocess.TimeoutExpired:
        py_spy = Path(sys.executable).with_name("py-spy")  # Ray brings it along
        stacks = subprocess.run([py_spy, "dump", "--pid", str(process.pid)], capture_output=True, text=True)
        for victim in VICTIMS["machine"](psutil.Process(process.pid)):
            kill(victim)
        process.wait()
        last = "\n".join(said.read_text().splitlines()[-30:])
        raise TimeoutError(f"a run hangs for {HUNG_AFTER_S:g} s:\n{last}\n{stacks.stdout}{stacks.stderr}") from None


def _outlasts(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Return the exit code of a process that ends within this time, else None."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def kill(process: psutil.Process) -> None:
    """SIGKILL, where it is still there."""
    with suppress(psutil.NoSuchProcess):
        process.kill()


def examine(store: Store, undisturbed: Store, sweep: Sweep, toll: Toll) -> None:
    """Add to `toll` what is missing, doubled or different."""
    toll.lost += len({spec.trial_key for spec in sweep.trials} - store.finished())
    for table in TABLES:
        stored, wanted = (one.read(table) for one in (store, undisturbed))
        toll.doubled += max(0, len(stored) - len(wanted))
        found = difference(table, stored, wanted)
        if not found.is_same:
            toll.differing.append(str(found))


def _children(driver: psutil.Process) -> Processes:
    try:
        children: Processes = driver.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return children


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return ""


if __name__ == "__main__":
    main()
