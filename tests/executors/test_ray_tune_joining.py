"""A cluster that changes while a run is on it: machines that join late, and a coordinator that dies."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import torch
from ray.cluster_utils import Cluster

from bnsweep.data import load_dataset
from bnsweep.errors import StartError
from bnsweep.executors.ray_tune import TUNE_SETTINGS, RayTuneExecutor
from bnsweep.executors.ray_tune_waiting import Waiting, waited_for
from bnsweep.results import Store
from bnsweep.running.coordinator import RunStatus
from bnsweep.running.packs import RunContext, dataset_key
from bnsweep.running.run import opened
from bnsweep.running.tally import Tally
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from tests.executors.test_ray_tune_cluster import add_host, cluster_of
from tests.running.jobs import job_of

CPU = Resources()
SPINNING, MEETING = ("tests.user_code.timed_probes:Spinning", "tests.user_code.timed_probes:Meeting")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in TUNE_SETTINGS.items():
            patch.setenv(name, value)
        with cluster_of(1) as cluster:
            yield cluster


def run(out: Path, trials: tuple[TrialSpec, ...], report: Callable[[RunStatus], None]) -> tuple[Store, RunStatus]:
    """Run trials on the cluster that this process is connected to."""
    store, reports, executor = Store.open(out), list[RunStatus](), RayTuneExecutor("auto")

    def keep(status: RunStatus) -> None:
        reports.append(status)
        report(status)

    context = RunContext("tiny", trials, "abc", {dataset_key(trials[0].dataset): load_dataset(trials[0].dataset)})
    with executor.coordinating(job_of(trials, store, 1)) as coordination:
        opened(coordination)
        executor.run(coordination, context, CPU, keep, lambda: False)
    return store, reports[-1]


def slow_trials(spec: Callable[..., TrialSpec], number: int) -> tuple[TrialSpec, ...]:
    return tuple(slow_trial(spec, seed) for seed in range(number))


def slow_trial(spec: Callable[..., TrialSpec], seed: int, probe: str = SPINNING, **options: object) -> TrialSpec:
    probes = {probe: {"at": [0], "seconds": 0.5, **options}}
    return spec(seed=seed, train={"steps": 2, "batch_size": 32}, probes=probes)


@pytest.mark.long
def test_a_machine_that_joins_after_the_first_commit_does_its_share(
    cluster: Cluster, tmp_path: Path, spec: Callable[..., TrialSpec]
) -> None:
    """All trials but the first wait for a worker there, however long it takes to come up."""
    out, signatures = tmp_path / "out", tmp_path / "signatures"
    signatures.mkdir()
    joined, most = list[Cluster](), [0]

    def join_late(status: RunStatus) -> None:
        most[0] = max(most[0], sum(status.working.values()))
        if not joined and Store.open(out).finished():
            joined.append(cluster)
            add_host(cluster)

    waiting = (slow_trial(spec, seed, MEETING, folder=str(signatures), processes=2) for seed in range(1, 40))
    trials = (slow_trial(spec, 0), *waiting)
    store, status = run(out, trials, join_late)
    assert status.tally == Tally(completed=len(trials))
    assert most[0] == 2
    rows = store.read("trials", ["trial_key", "started_at", "wall_time_s"]).to_pandas().sort_values("started_at")
    ended = rows.started_at + rows.wall_time_s.apply(lambda seconds: seconds * 1e9).astype("timedelta64[ns]")
    beside = sum(later < earlier for earlier, later in zip(ended[:-1], rows.started_at[1:], strict=True))
    assert beside > 10, "two at a time, once there are two"


@pytest.mark.long
def test_a_coordinator_that_dies_begins_anew_and_nothing_is_lost(
    cluster: Cluster, tmp_path: Path, spec: Callable[..., TrialSpec]
) -> None:
    coordinators = list[str]()

    def kill_it_once(status: RunStatus) -> None:
        if status.coordinator not in coordinators:
            coordinators.append(status.coordinator)
        if len(coordinators) == 1 and Store.open(tmp_path).finished():
            (pid,) = (
                process.pid
                for process in psutil.Process().children(recursive=True)
                if "CoordinatorActor" in "".join(title(process))
            )
            os.kill(pid, signal.SIGKILL)
            coordinators.append("killed")

    trials = slow_trials(spec, 40)
    store, status = run(tmp_path, trials, kill_it_once)
    assert len(coordinators) == 3
    assert status.is_over
    keys = Counter(store.read("trials", ["trial_key"])["trial_key"].to_pylist())
    assert keys == dict.fromkeys((trial.trial_key for trial in trials), 1)


def title(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.long
def test_nodes_that_only_claim_to_have_gpus_end_the_run_with_the_reason(
    cluster: Cluster, tmp_path: Path, spec: Callable[..., TrialSpec]
) -> None:
    """As where Docker did not hand a machine's GPU over: the file says that there is one, and Ray believes it."""
    assert not torch.cuda.is_available()
    add_host(cluster, num_gpus=1)
    said = list[str]()
    store, trials, executor = Store.open(tmp_path), slow_trials(spec, 1), RayTuneExecutor("auto", announce=said.append)
    context = RunContext("tiny", trials, "abc", {dataset_key(trials[0].dataset): load_dataset(trials[0].dataset)})
    expected = r"workers do not start: resources\.gpus: 1 asked for, but PyTorch finds none on \S+: \S+"
    with executor.coordinating(job_of(trials, store, 1)) as coordination:
        opened(coordination)
        with pytest.raises(StartError, match=expected):
            executor.run(coordination, context, Resources(gpus=1), lambda _: None, lambda: False)
    assert sum(line.startswith("a worker does not start: ") for line in said) == 1, "said once, however often tried"


@pytest.mark.long
def test_a_run_without_workers_says_what_the_nodes_lack(cluster: Cluster) -> None:
    said = list[str]()
    waiting = Waiting(Resources(gpus=2), said.append, first_after_s=1e-9)
    waiting.look(is_working=True)
    assert said == []
    waiting.look(is_working=False)
    assert re.search(r"one needs 1 CPUs and 2 GPUs; of the cluster's \d nodes none has that \(at most 1 CPUs", said[0])
    waiting = Waiting(CPU, said.append, first_after_s=1e-9)
    waiting.look(is_working=False)
    assert "one needs 1 CPUs; that is free, but Ray does not start it: where that lasts, Ray is stuck" in said[1]
    assert "a node has that: it starts there, or waits for others" in waited_for(CPU, [{"CPU": 1.0}], {"CPU": 0.5})
