"""A machine with two GPUs, as far as Ray is told: which of them each worker may see. They train on the CPU.

What it may take of a GPU's memory is in `tests/training/test_device.py` and `test_memory.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from bnsweep.data import load_dataset
from bnsweep.executors.ray_tune import TUNE_SETTINGS, RayTuneExecutor
from bnsweep.results import Store
from bnsweep.running.packs import RunContext, dataset_key
from bnsweep.running.run import opened
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from tests.executors.test_ray_tune_cluster import add_host, cluster_of
from tests.running.jobs import job_of

SEEING = "tests.user_code.timed_probes:Seeing"
NUM_TRIALS = 8

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head, whose processor is too little for any worker, and a machine with four processors and two GPUs."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**TUNE_SETTINGS, "BNSWEEP_DEVICE": "cpu"}.items():
            patch.setenv(name, value)
        with cluster_of(1) as cluster:
            add_host(cluster, num_gpus=2, num_cpus=4)
            yield cluster


@pytest.mark.parametrize(
    ("gpus", "workers", "seen"),
    [(1, 2, {"0": 1, "1": 1}), (0.5, 4, {"0": 2, "1": 2}), (2, 1, {"0,1": 1})],
    ids=["one each", "halves", "both"],
)
def test_each_worker_sees_the_gpus_that_it_was_given(
    cluster: Cluster,
    tmp_path: Path,
    spec: Callable[..., TrialSpec],
    gpus: float,
    workers: int,
    seen: dict[str, int],
) -> None:
    (signatures := tmp_path / "signatures").mkdir()
    probes = {SEEING: {"at": [0], "folder": str(signatures), "processes": workers}}
    trials = [spec(seed=seed, train={"steps": 2, "batch_size": 32}, probes=probes) for seed in range(NUM_TRIALS)]
    store, executor, resources = Store.open(tmp_path / "out"), RayTuneExecutor("auto"), Resources(gpus=gpus)
    assert executor.num_workers(resources) == workers
    context = RunContext("tiny", trials, "abc", {dataset_key(trials[0].dataset): load_dataset(trials[0].dataset)})
    with executor.coordinating(job_of(trials, store, workers)) as coordination:
        opened(coordination)
        executor.run(coordination, context, resources, lambda _: None, lambda: False)
    rows = store.read("seeing", ["gpus", "pid"]).to_pylist()
    assert len(rows) == NUM_TRIALS
    assert Counter(gpus for gpus, _ in {(row["gpus"], row["pid"]) for row in rows}) == seen
