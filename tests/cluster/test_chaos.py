"""Hosts come late, are cut off and return, processes are killed, the store and a disk fail: no bit differs.

What is done waits for what it follows on, not for a time. Where a sweep is through before all is done, another begins.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.cluster.hosts import ROOT
from tests.cluster.onprem import Cluster, onprem_cluster
from tests.waiting import HANGS_AFTER_S, wait_until

pytestmark = [pytest.mark.long, pytest.mark.needs("ssh hosts")]

SWEEP = """
name: chaos
model: {name: vgg, widths: [8, M, 8]}
dataset: {name: digits}
train: {steps: 150, batch_size: 32, eval_every: 50}
axes: {norm: [none, batch, noisy_batch], lr: [0.1, 1.0e+9], seed: {range: 30}}
probes: {landscape: {every: 50}, ics: {every: 50}, moments: {every: 50}}
resources: {cpus: 1, gpus: 1}
"""
HEAD_DISK = "300m"
MIN_SHARE = 0.2
"""Of the trials begun since it has worked, for the host that joins late: a third, if all three were always there."""
EXAMINE = """
import json, sys
from dataclasses import asdict
from collections import Counter
from benchmarks.chaos import Toll, examine
from bnsweep.results import Store
from bnsweep.spec.sweep import Sweep
sweep, undisturbed, *outs = sys.argv[1:]
toll, began, failed = Toll(), [], 0
for out in outs:
    store = Store.open(out)
    examine(store, Store.open(undisturbed), Sweep.from_yaml(sweep), toll)
    began += zip(*(store.read("trials")[name].to_pylist() for name in ("started_at", "host")))
    failed += store.read("failures").num_rows
late = min(at for at, host in began if host == "three")
hosts, hosts_since = (Counter(host for at, host in began if at >= since) for since in (min(began)[0], late))
print(json.dumps({**asdict(toll), "hosts": hosts, "hosts_since": hosts_since, "failed": failed}))
"""
GOES_ON = ("PENDING", "RUNNING")
ON_LAPTOP = {"PYTHONPATH": str(ROOT)}


@dataclass
class Chaos:
    """A cluster at work on one sweep after another, and how it is disturbed."""

    cluster: Cluster
    began: float = field(default_factory=monotonic)
    folders: list[str] = field(default_factory=list)
    job: str = ""

    def say(self, what: str) -> None:
        """Print it, with the seconds since the beginning."""
        print(f"{monotonic() - self.began:5.0f} s  {what}", flush=True)  # noqa: T201

    @property
    def out(self) -> str:
        """Where results of the sweep at hand go."""
        return self.cluster.out(self.folders[-1])

    def begin(self) -> None:
        """Begin a sweep anew."""
        self.folders.append(f"sweep{len(self.folders)}")
        self.job = self.cluster.submit(self.out)
        self.say(f"submitted to {self.folders[-1]}")
        self.wait(lambda: self._commits() >= 2, "rows are committed")

    def keep_busy(self) -> None:
        """Begin another sweep where one is through; submit again what was ended."""
        if self._state() == "SUCCEEDED":
            self.begin()
        if self._state() == "FAILED":
            self.again()

    def again(self) -> None:
        """Submit a sweep again that was ended."""
        logs = self.cluster.on_cluster("logs", self.job)
        self.say(f"it was ended: {logs.splitlines()[-1:]}")
        assert "Traceback" not in logs, logs
        self.job = self.cluster.submit(self.out)
        self.say("submitted again")
        self.wait_for_commit()

    def wait(self, holds: Callable[[], object], what: str) -> None:
        """Wait until `holds()`."""
        wait_until(holds, what)
        self.say(what)

    def wait_for_commit(self) -> None:
        """Wait until more rows are committed, or all are."""
        before = self._commits()
        self.wait(lambda: self._commits() > before or self._state() not in GOES_ON, "more rows are committed")

    def finish(self) -> None:
        """Wait for the end; what was killed is submitted again."""
        self.wait(lambda: self._state() not in GOES_ON, "the job has ended")
        if self._state() == "FAILED":
            self.again()
            self.wait(lambda: self._state() not in GOES_ON, "that one has ended")
        assert self._state() == "SUCCEEDED", self.cluster.on_cluster("logs", self.job)

    def kill_on_head(self, name: str) -> None:
        """Kill a process of the run; one that is through at this moment has none."""

        def is_killed() -> bool:
            self.keep_busy()
            return self.cluster.head.run("pkill", "-KILL", "-f", name).returncode == 0

        self.wait(is_killed, f"{name} is killed")

    def one_joins_late(self) -> None:
        self.cluster.net.reconnect(self.cluster.workers[2])
        self.wait(lambda: "three" in self.cluster.alive(), "three has joined")
        self.wait(lambda: self.keep_busy() or "three" in self.cluster.working(self.folders[-1]), "three works")

    def store_fails(self) -> None:
        for fault, part in (("BUSY", ""), ("LOST_REPLY", "/trials/"), ("LATE_BUSY", "/trials/"), ("SILENCE", "")):
            self.cluster.order_fault(fault, "PUT", part, times=5 if fault == "BUSY" else 1)
        self.wait(lambda: self.cluster.faults_left() == 0 or self._state() not in GOES_ON, "the store has failed")

    def one_is_cut_off_and_a_raylet_is_killed(self) -> None:
        one, two, _ = self.cluster.workers
        self.cluster.net.disconnect(one)
        assert two.run("pkill", "-KILL", "raylet").returncode == 0
        self.wait(lambda: "one" not in self.cluster.alive(), "one is given up")

    def it_returns(self) -> None:
        self.cluster.net.reconnect(self.cluster.workers[0])
        self.wait(lambda: self.cluster.alive() == {"one", "two", "three"}, "all three are there again")

    def coordinator_is_killed(self) -> None:
        self.kill_on_head("ray::CoordinatorActor")
        self.wait_for_commit()

    def disk_of_the_head_fills(self) -> None:
        self.cluster.head.run("bash", "-c", "cat /dev/zero > /tmp/filler")
        assert "100%" in self.cluster.head.run("df", "/tmp").stdout
        self.cluster.workers[2].run("pkill", "-KILL", "-f", "ray::WorkerTrainable")
        self.wait_for_commit()
        self.cluster.head.run("rm", "/tmp/filler")

    def driver_is_killed(self) -> None:
        self.kill_on_head("bnsweep run")
        self.wait(lambda: self._state() == "FAILED", "the job has failed")

    def _commits(self) -> int:
        return self.cluster.commits(self.folders[-1])

    def _state(self) -> str:
        return self.cluster.job_state(self.job)


DISTURBANCES = (
    Chaos.one_joins_late,
    Chaos.store_fails,
    Chaos.one_is_cut_off_and_a_raylet_is_killed,
    Chaos.disk_of_the_head_fills,
    Chaos.it_returns,
    Chaos.coordinator_is_killed,
    Chaos.driver_is_killed,
)


def test_whatever_happens_every_table_is_that_of_an_undisturbed_run(tmp_path: Path) -> None:
    with onprem_cluster(tmp_path, SWEEP, head_disk=HEAD_DISK) as cluster, start_undisturbed(cluster) as undisturbed:
        chaos = Chaos(cluster)
        chaos.begin()
        for disturb in DISTURBANCES:
            chaos.keep_busy()
            chaos.say(disturb.__name__.replace("_", " "))
            disturb(chaos)
        chaos.finish()
        assert undisturbed.wait(HANGS_AFTER_S) == 0
        toll = examined(cluster, chaos.folders)
        chaos.say(f"trials by host: {toll['hosts']}; since three has worked: {toll['hosts_since']}")
    assert (toll["lost"], toll["doubled"], toll["differing"], toll["failed"]) == (0, 0, [], 0)
    assert toll["hosts_since"]["three"] >= MIN_SHARE * sum(toll["hosts_since"].values())


def examined(cluster: Cluster, folders: Sequence[str]) -> dict[str, Any]:
    """Return what is missing, doubled or different in what was stored, and which host ran how many trials."""
    places = ("sweep.yaml", "undisturbed", *map(cluster.out, folders))
    found = cluster.laptop.run(sys.executable, "-c", EXAMINE, *places, env=ON_LAPTOP)
    assert found.returncode == 0, found.stderr
    return dict(json.loads(found.stdout))


def start_undisturbed(cluster: Cluster) -> subprocess.Popen[bytes]:
    """Start a serial run of the sweep on the laptop, into `undisturbed`."""
    (cluster.laptop.folder / "home/serial.yaml").write_text(SWEEP.replace("gpus: 1", "gpus: 0"))
    command = ("bnsweep", "run", "serial.yaml", "--executor", "serial", "--out", "undisturbed")
    return subprocess.Popen(
        cluster.laptop.command(sys.executable, "-m", *command),
        env=cluster.laptop.env(ON_LAPTOP),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
