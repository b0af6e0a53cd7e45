"""cluster/slurm.sh under a real Slurm of one node."""

from __future__ import annotations

import os
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
JOB_WITHIN_S = 110.0
pytestmark = [pytest.mark.long, pytest.mark.needs("slurm")]


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
    script = (ROOT / "cluster" / "slurm.sh").read_text()
    assert "#SBATCH --gpus-per-node=1\n" in script
    (tmp_path / "slurm.sh").write_text(script.replace("#SBATCH --gpus-per-node=1\n", ""))
    (tmp_path / "home").mkdir()
    return tmp_path


def submit(node: Slurm, folder: Path, sweep: str) -> str:
    """Run the script as a job to its end; return the state it ends in, and assert that it leaves no process."""
    before = len(node.processes())
    sbatch = ["sbatch", "--parsable", "--cpus-per-task=2", "--time=10"]
    environment = {"HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    job = node.run(*sbatch, "slurm.sh", sweep, str(folder / "out"), cwd=folder, environment=environment)
    wait_until(lambda: node.job_state(job) not in ("PENDING", "RUNNING", "COMPLETING"), "the job's end", JOB_WITHIN_S)
    wait_until(lambda: len(node.processes()) == before, "the end of what the job started", 10)
    return f"{node.job_state(job)}\n{(folder / f'bnsweep-{job}.log').read_text()}"


def test_a_sweep_runs_as_a_slurm_job(node: Slurm, submit_dir: Path) -> None:
    output = submit(node, submit_dir, "tiny.yaml")
    assert output.startswith("COMPLETED"), output
    assert "all 12 trials have a result" in output
    verified = bnsweep("verify", submit_dir / "out")
    assert verified.returncode == 0, verified.stdout
    token = submit_dir / "home" / ".ray" / "auth_token"
    assert len(token.read_text().strip()) >= 32
    assert token.stat().st_mode & 0o077 == 0
    assert token.stat().st_uid == os.geteuid()


def test_what_is_wrong_with_a_sweep_fails_the_job(node: Slurm, submit_dir: Path) -> None:
    (submit_dir / "bad.yaml").write_text(TINY.replace("digits", "digit"))
    output = submit(node, submit_dir, "bad.yaml")
    assert output.startswith("FAILED"), output
    assert "digits" in output
    assert not (submit_dir / "out").exists()
