"""cluster/slurm.sh under a real Slurm of one node."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.slurm import Slurm, slurm
from tests.conftest import TINY
from tests.processes import bnsweep
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
SCRIPT = (ROOT / "cluster" / "slurm.sh").read_text()
LONG = re.sub(r"every: \d", "every: 1000000", TINY).replace("steps: 6", "steps: 1000000")


def test_what_it_asks_of_slurm() -> None:
    """A GPU and its share of the node, not the node; another try after a preemption; time to end in good order."""
    asked = dict(re.findall(r"^#SBATCH --([\w-]+)(?:=(\S+))?$", SCRIPT, re.MULTILINE))
    assert "exclusive" not in asked, "the other GPUs of the node would idle"
    assert {"mem-per-cpu", "cpus-per-task", "gpus-per-node", "time"} <= asked.keys()
    assert asked.keys() >= {"requeue", "no-kill"}
    assert asked["open-mode"] == "append", "a job that is run again must not lose what it said"
    assert re.fullmatch(r"B:TERM@\d{3}", asked["signal"])


@pytest.fixture
def node() -> Iterator[Slurm]:
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # a socket's path must be short
    try:
        with slurm(folder) as host:
            yield host
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def submit_dir(tmp_path: Path) -> Path:
    """What a user has: the sweep, the script with the line on GPUs deleted, and .venv."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "tiny.yaml").write_text(TINY)
    assert "#SBATCH --gpus-per-node=1\n" in SCRIPT
    (tmp_path / "slurm.sh").write_text(SCRIPT.replace("#SBATCH --gpus-per-node=1\n", ""))
    (tmp_path / "home").mkdir()
    return tmp_path


def submit(node: Slurm, folder: Path, sweep: str, out: str = "out") -> str:
    """Submit the script; return the job's id."""
    sbatch = ["sbatch", "--parsable", "--cpus-per-task=2", "--time=10"]
    environment = {"HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return node.run(*sbatch, "slurm.sh", sweep, str(folder / out), cwd=folder, environment=environment)


def ended(node: Slurm, folder: Path, job: str) -> str:
    """Wait until a job ends; return the state it ends in, and what it said."""
    wait_until(lambda: node.job_state(job) not in ("PENDING", "RUNNING", "COMPLETING"), "the job's end")
    return f"{node.job_state(job)}\n{said(folder, job)}"


def said(folder: Path, job: str) -> str:
    log = folder / f"bnsweep-{job}.log"
    return log.read_text() if log.exists() else ""


def require_nothing_left(node: Slurm, before: int, job: str) -> None:
    wait_until(lambda: len(node.processes()) == before, "the end of what the job started")
    assert not Path(f"/tmp/bnsweep-{os.geteuid()}-{job}").exists()


@pytest.mark.long
@pytest.mark.needs("slurm")
def test_two_sweeps_run_side_by_side_on_one_node(node: Slurm, submit_dir: Path) -> None:
    before = len(node.processes())
    jobs = [submit(node, submit_dir, "tiny.yaml", out) for out in ("one", "two")]
    wait_until(lambda: [node.job_state(job) for job in jobs] == ["RUNNING"] * 2, "both to run at a time")
    for job, out in zip(jobs, ("one", "two"), strict=True):
        output = ended(node, submit_dir, job)
        assert output.startswith("COMPLETED"), output + (submit_dir / f"bnsweep-{job}-ray.log").read_text()
        assert "all 12 trials have a result" in output
        verified = bnsweep("verify", submit_dir / out)
        assert verified.returncode == 0, verified.stdout
        require_nothing_left(node, before, job)
    token = submit_dir / "home" / ".ray" / "auth_token"
    assert len(token.read_text().strip()) >= 32
    assert token.stat().st_mode & 0o077 == 0
    assert token.stat().st_uid == os.geteuid()


@pytest.mark.long
@pytest.mark.needs("slurm")
def test_before_its_time_is_up_a_job_ends_in_good_order(node: Slurm, submit_dir: Path) -> None:
    before = len(node.processes())
    (submit_dir / "long.yaml").write_text(LONG)
    job = submit(node, submit_dir, "long.yaml")
    assert " Requeue=1 " in node.run("scontrol", "--oneliner", "show", "job", job)
    wait_until(lambda: "to run" in said(submit_dir, job) and "ETA" in said(submit_dir, job), "trials")
    node.run("scancel", "--batch", "--signal=TERM", job)  # as `#SBATCH --signal=B:TERM@180` has Slurm do
    output = ended(node, submit_dir, job)
    assert "interrupted: " in output, output
    assert "the same command continues" in output
    require_nothing_left(node, before, job)


@pytest.mark.long
@pytest.mark.needs("slurm")
def test_what_is_wrong_with_a_sweep_fails_the_job(node: Slurm, submit_dir: Path) -> None:
    before = len(node.processes())
    (submit_dir / "bad.yaml").write_text(TINY.replace("digits", "digit"))
    job = submit(node, submit_dir, "bad.yaml")
    output = ended(node, submit_dir, job)
    assert output.startswith("FAILED"), output
    assert "digits" in output
    assert not (submit_dir / "out").exists()
    require_nothing_left(node, before, job)
