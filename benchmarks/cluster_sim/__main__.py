"""The command."""

from __future__ import annotations

import argparse
import resource
from collections.abc import Iterator
from time import perf_counter

import numpy as np
import pyarrow as pa

import benchmarks.cluster_sim
from benchmarks.cluster_sim.cluster import Cluster
from bnsweep.running.coordinator import Coordinator
from bnsweep.running.packs import Delivery, Ended, Ending, Pack, Whereabouts


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=benchmarks.cluster_sim.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 100, 1000, 10_000])
    parser.add_argument("--preempted", type=float, default=0.05, help="share of the workers in an hour")
    parser.add_argument("--lost-replies", type=float, default=0.01, help="share of the answers")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print("workers   trials  hours   idle  twice  lost  doubled  packs/s  memory")
    for num_workers in given.workers:
        cluster = Cluster(num_workers, np.random.default_rng(given.seed), given.preempted, given.lost_replies)
        cluster.run()
        print(line(cluster), flush=True)


def line(cluster: Cluster) -> str:
    """Return what is printed of a run."""
    there = sum(min(worker.until, cluster.now) - worker.since for worker in cluster.workers)
    rows, memory = cluster.log.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    idle = 1 - float(cluster.useful_s.sum()) / there
    return (
        f"{cluster.num_workers:7,} {len(rows):8,} {cluster.now / 3600:6.2f} {100 * idle:5.1f}% "
        f"{int((cluster.runs > 1).sum()):6,} {int((rows == 0).sum()):5} {int((rows > 1).sum()):8} "
        f"{served(cluster.num_workers):8,.0f} {memory:5.0f} MB"
    )


def served(num_workers: int, num_packs: int = 50_000) -> float:
    """Return how many packs of one trial are taken and delivered in a second of real time."""
    coordinator = Coordinator([], np.arange(num_packs, dtype=np.uint64), np.empty(0, np.uint64))
    workers = [Whereabouts(f"w{number}", host=f"h{number % 100}") for number in range(num_workers)]
    table = pa.table({"trial_key": ["0" * 16]})
    numbers, done = [0] * num_workers, 0
    began = perf_counter()
    for worker, pack in taken(coordinator, workers, num_packs):
        numbers[worker] += 1
        for ended, is_last in (({}, False), ({trial: Ended(Ending.COMPLETED) for trial in pack.trials}, True)):
            coordinator.deliver(
                Delivery(
                    workers[worker], 2 * numbers[worker] + is_last, pack.coordinator, pack.number, ended,
                    {"trials": table} if ended else {}, 60.0 * len(ended), is_last,
                )
            )  # fmt: skip
        done += 1
    return done / (perf_counter() - began)


def taken(coordinator: Coordinator, workers: list[Whereabouts], num_packs: int) -> Iterator[tuple[int, Pack]]:
    """Yield the packs that workers take in turn; all of them hold one all the time."""
    held: list[Pack | None] = [None] * len(workers)
    for turn in range(num_packs + len(workers)):
        worker = turn % len(workers)
        if (pack := held[worker]) is not None:
            yield worker, pack
        given = coordinator.take(workers[worker])
        held[worker] = given if isinstance(given, Pack) else None


if __name__ == "__main__":
    main()
