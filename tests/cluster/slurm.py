"""A Slurm of one node on this machine: real munged, slurmctld and slurmd, in namespaces of their own.

They see their own processes, network and host name, so that they meet no other Slurm or Ray
of this machine, and `ray stop`, which ends every Ray it finds, ends none of them; all end with the first process.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.waiting import HANGS_AFTER_S, wait_until

NODE = "node"

CONF = """
ClusterName=test
SlurmctldHost={node}
SlurmUser=root
SlurmdParameters=config_overrides
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
NodeName={node} CPUs=4 RealMemory=64000
PartitionName=all Nodes=ALL Default=YES State=UP
"""

# The shell that stays is process 1: it adopts and reaps what Ray leaves behind, as a host's init does.
BOOT = """
set -e
hostname {node}
ip link set lo up
ip link add eth0 type veth peer name eth1
ip address add 10.77.0.1/24 dev eth0
ip link set eth0 up
ip link set eth1 up
mount --bind {folder}/hosts /etc/hosts
mkdir -p /tmp/ray && mount -t tmpfs none /tmp/ray
munged --foreground --force --key-file={folder}/munge.key --socket={folder}/munge.socket \
    --pid-file={folder}/munge.pid --seed-file={folder}/munge.seed > {folder}/munged.log 2>&1 &
slurmctld -D -f {folder}/slurm.conf &
slurmd -D -N {node} -f {folder}/slurm.conf &
wait
"""


@dataclass(frozen=True)
class Slurm:
    """A running Slurm."""

    folder: Path
    pid: int

    def run(self, *command: str, cwd: Path = Path("/"), environment: Mapping[str, str] | None = None) -> str:
        """Run a command on the node; return what it prints."""
        enter = ["nsenter", "--target", str(self.pid), "--net", "--mount", "--uts", "--ipc", "--pid", f"--wd={cwd}"]
        done = subprocess.run(
            [*enter, *command],
            env={**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf"), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANGS_AFTER_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def job_state(self, job: str) -> str:
        """Return the state of a job, such as RUNNING."""
        fields = self.run("scontrol", "--oneliner", "show", "job", job).split()
        return next(field.removeprefix("JobState=") for field in fields if field.startswith("JobState="))

    def processes(self) -> list[psutil.Process]:
        """Return all processes on the node but its first."""
        return psutil.Process(self.pid).children(recursive=True)


@contextmanager
def slurm(folder: Path) -> Iterator[Slurm]:
    """Start Slurm; end it and all that it started."""
    _write_files(folder)
    boot = ["bash", "-c", BOOT.format(folder=folder, node=NODE)]
    separate = ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with (folder / "boot.log").open("w") as log:
        outer = subprocess.Popen([*separate, *boot], stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: psutil.Process(outer.pid).children(), "the node's first process")
        host = Slurm(folder, psutil.Process(outer.pid).children()[0].pid)
        wait_until(lambda: _is_idle(host), "an idle Slurm node")
        yield host
    finally:
        outer.kill()
        outer.wait()


def _write_files(folder: Path) -> None:
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    (folder / "slurm.conf").write_text(CONF.format(folder=folder, node=NODE))
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n10.77.0.1 {NODE}\n")
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)


def _is_idle(host: Slurm) -> bool:
    try:
        return host.run("sinfo", "--noheader", "--format=%T") == "idle"
    except AssertionError:  # slurmctld does not listen yet
        return False
