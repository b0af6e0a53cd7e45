"""A million trials on one machine: run, verified, drawn, disturbed by kills, and repeated in other company.

    python -m benchmarks.million                          # of sweeps/million.yaml: twelve minutes on two cores
    python -m benchmarks.million --side 64 --kills 20     # of 64 x 64 trials, and 20 kills at random times
    python -m benchmarks.million --out results/million    # keeps the results, and a report that opens

Prints the time of each command and the memory of the run, all of its processes', above one of four trials. Then 256 of
the trials at random are trained again, each in company that it did not have, and compared with what is stored; and as
many in float64, 50 steps, each by itself and in company. Goals: 15 minutes, 3 GB, the same bits, and 1e-9.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import psutil
import torch

from benchmarks.chaos import VICTIMS, Toll, disturb, said_by
from bnsweep.data import load_dataset
from bnsweep.results import Store
from bnsweep.spec import TrialSpec
from bnsweep.spec.fusing import slot_of
from bnsweep.spec.sweep import Sweep
from bnsweep.training.fused.loop import train_together
from bnsweep.training.loop import run_trial
from bnsweep.training.result import TrialResult

SWEEP = Path(__file__).parents[1] / "sweeps" / "million.yaml"
NUM_REPEATED = 256
STEPS_ALONE = 50
NEAR = 1e-9
LOOK_EVERY_S = 1.0
SAME = ("status", "stop_step", "train_loss", "test_loss", "train_loss_eval")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1024, help="how many learning rates, and how many gains")
    parser.add_argument("--kills", type=int, default=0, help="how many kills")
    parser.add_argument("--seed", type=int, default=0, help="seed of the kills, and of what is repeated")
    parser.add_argument("--out", type=Path, help="where the results go and stay")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="bnsweep-million-") as folder:
        sweep_file = sized(Path(folder), arguments.side)
        out = arguments.out or Path(folder, "out")
        if arguments.kills:
            run_disturbed(sweep_file, out, arguments.kills, rng)
        else:
            _, least = run(sized(Path(folder), 2), Path(folder, "empty"))
            seconds, most = run(sweep_file, out)
            memory = (most - least) / 1e9
            print(f"{arguments.side**2:,} trials in {seconds:.0f} s, with {memory:.2f} GB more than 4 trials take")
        for words in ("verify", str(out)), ("report", str(out)):
            print(f"bnsweep {words[0]}: {command(*words):.0f} s", flush=True)
        specs = list(Sweep.from_yaml(sweep_file).trials)
        chosen = rng.sample(specs, min(NUM_REPEATED, len(specs)))
        print(f"{differing(chosen, Store.open(out))} of {len(chosen)} differ when repeated in other company")
        near, worst = alone(chosen)
        print(f"{near} of {len(chosen)} in float64 are within 1e-9 of the trial alone after {STEPS_ALONE} steps")
        print(f"the loss that is farthest from it is {worst:.1e} of itself away")


def sized(folder: Path, side: int) -> Path:
    """Return a copy of the sweep file with so many rates and gains."""
    path = folder / f"million-{side}.yaml"
    path.write_text(SWEEP.read_text().replace(", 1024]", f", {side}]"))
    return path


def command(*words: str) -> float:
    """Run bnsweep; return how long it took, in seconds."""
    began = monotonic()
    subprocess.run([sys.executable, "-m", "bnsweep", *words], check=True, stdout=subprocess.DEVNULL)
    return monotonic() - began


def run(sweep_file: Path, out: Path) -> tuple[float, int]:
    """Run a sweep; return how long it took, in seconds, and the memory of all its processes at its peak, in bytes."""
    sizes, is_over = [0], Event()

    def look() -> None:
        while not is_over.wait(LOOK_EVERY_S):
            sizes.append(sum(map(_memory, psutil.Process().children(recursive=True))))

    watch = Thread(target=look)
    watch.start()
    try:
        return command("run", str(sweep_file), "--out", str(out)), max(sizes)
    finally:
        is_over.set()
        watch.join()


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def run_disturbed(sweep_file: Path, out: Path, num_kills: int, rng: random.Random) -> None:
    """Run a sweep to its end among kills, and say what is missing or there twice."""
    toll, kinds = Toll(), deque(rng.choice(list(VICTIMS)) for _ in range(num_kills))
    disturb(sweep_file, out, kinds, rng, toll)
    keys = Store.open(out).read("trials", ["trial_key"])["trial_key"].to_pylist()
    lost = {spec.trial_key for spec in Sweep.from_yaml(sweep_file).trials} - set(keys)
    twice = len(keys) - len(set(keys))
    print(f"{toll.kills.total()} of {num_kills} kills in {toll.starts} starts: lost {len(lost)}, twice {twice}")
    print(f"what the runs said is in {said_by(out)}")


def companies(specs: Sequence[TrialSpec]) -> Iterator[Mapping[int, TrialSpec]]:
    """Yield the trials by slot, in as few companies as can be."""
    left = list(specs)
    while left:
        company = dict[int, TrialSpec]()
        for spec in left:
            company.setdefault(slot_of(spec), spec)
        yield company
        left = [spec for spec in left if company[slot_of(spec)] is not spec]


def trained(specs: Sequence[TrialSpec]) -> Iterator[tuple[TrialSpec, TrialResult]]:
    """Train trials in companies of their own."""
    data = load_dataset(specs[0].dataset)
    for company in companies(specs):
        *_, training = train_together(company, data)
        yield from ((spec, training.members[slot].result) for slot, spec in company.items())


def differing(specs: Sequence[TrialSpec], store: Store) -> int:
    """Return how many trials give other bits than those that are stored."""
    stored = {row["trial_key"]: row for row in store.read("trials", ["trial_key", *SAME]).to_pylist()}
    return sum(
        any(getattr(result, name) != stored[spec.trial_key][name] for name in SAME) for spec, result in trained(specs)
    )


def alone(specs: Sequence[TrialSpec]) -> tuple[int, float]:
    """Return how many of the trials end as by themselves, to 1e-9, and the largest relative difference of a loss."""
    exact = {"precision": "float64", "steps": STEPS_ALONE}
    data, distances = load_dataset(specs[0].dataset), list[float]()
    for spec, result in trained([changed(spec, **exact) for spec in specs]):
        by_itself = run_trial(changed(spec, fuse=1), data)
        if result.test_loss is None or by_itself.test_loss is None:
            same = (result.status, result.stop_step) == (by_itself.status, by_itself.stop_step)
            distances.append(0.0 if same else inf)
        else:
            distances.append(abs(result.test_loss / by_itself.test_loss - 1))
    return sum(distance <= NEAR for distance in distances), max(distances)


def changed(spec: TrialSpec, **train: object) -> TrialSpec:
    """Return another trial, which trains otherwise."""
    fields = {name: getattr(spec, name) for name in type(spec).model_fields}
    return TrialSpec(**{**fields, "train": spec.train.model_copy(update=train)})


if __name__ == "__main__":
    main()
