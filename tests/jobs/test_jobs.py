"""Submit, status, logs and stop against a job server on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from bnsweep.errors import InputError
from bnsweep.jobs.listing import find_job, list_jobs
from bnsweep.jobs.submit import Submission
from bnsweep.results import Store
from bnsweep.running.progress_file import RunState
from tests.conftest import TINY
from tests.jobs.conftest import Cluster
from tests.processes import bnsweep, complaints
from tests.s3 import CREDENTIALS

Write = Callable[..., Path]
PLACE = "~/bnsweep/results/tiny/"
MANY = TINY.replace("steps: 6", "steps: 400").replace("range: 2", "range: 10")
"""60 trials, more than a test waits for."""


@pytest.mark.long
def test_a_job_without_a_bucket_is_watched_and_fetched_and_stopped_and_keeps_its_work(
    cluster: Cluster, tmp_path: Path
) -> None:
    job, out = submit_two_at_once(cluster), str(cluster.home / "bnsweep/results/tiny")
    assert re.fullmatch(r"tiny-[0-9a-f]{8}", job)
    cluster.wait_for_progress(job, out, lambda progress: progress.num_with_result > 0)
    line = cluster.bnsweep("status", job).stdout
    assert re.match(rf"{job}  RUNNING  [1-9]\d*/60 trials have a result, \d+ diverged, 0 failed, .*ETA \d", line)
    copy = Store.open(tmp_path / "copy")
    fetched = cluster.bnsweep("fetch", copy.root)
    assert re.search(rf"{job}  RUNNING  [1-9].*\n{copy.root}: [1-9]\d* commits are new", fetched.stdout), fetched
    assert 0 < len(copy.finished()) < 60
    verified = bnsweep("verify", copy.root)  # of 60 that are declared
    assert (verified.returncode, "whose run was not over: `bnsweep fetch` it again" in verified.stdout) == (1, True)
    stopped = cluster.bnsweep("stop", job)
    assert (stopped.returncode, stopped.stderr) == (0, "")
    kept = cluster.wait_for_progress(job, out, lambda progress: progress.state is RunState.INTERRUPTED)
    assert 0 < kept.num_with_result < 60
    assert f"{job}  STOPPED  {kept.num_with_result}/60 trials have a result" in stopped.stdout
    assert f"{kept.num_with_result} of 60 trials have a result" in cluster.bnsweep("logs", job).stdout
    assert f"{kept.num_with_result}/60" in cluster.bnsweep("fetch", copy.root).stdout
    assert copy.read("ics").equals(Store.open(out).read("ics"))
    assert "0 commits are new (0.0 MB)" in cluster.bnsweep("fetch", copy.root, "--job", job).stdout
    for command in (["failures", copy.root], ["report", copy.root]):  # of what there is so far
        seen = bnsweep(*command)
        assert (seen.returncode, complaints(seen.stderr)) == (0, ""), seen
    assert (tmp_path / "copy/report/index.html").is_file()


def submit_two_at_once(cluster: Cluster) -> str:
    """Have two processes submit a sweep to one place; return the id of the job that one of them started."""
    (cluster.folder / "sweep.yaml").write_text(MANY)
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda place: cluster.bnsweep("submit", "sweep.yaml", *place), [(), ("--out", PLACE)]))
    lost, won = sorted(ends, key=lambda end: "submitted: " in end.stdout)
    (job,) = re.findall(r"^submitted: (\S+)$", won.stdout, re.MULTILINE)
    assert (won.returncode, lost.returncode, lost.stderr.count("\n")) == (0, 2, 1)
    message = rf"--out ~/bnsweep/results/tiny: job {job} writes there \((PENDING|RUNNING)\).*bnsweep stop {job}"
    assert re.search(message, lost.stderr)
    return str(job)


@pytest.mark.parametrize(
    ("bucket", "secret", "message"),
    [("no-such-bucket", "secret", "bucket"), ("sweeps", "", "credentials")],
    ids=["no bucket", "no credentials"],
)
def test_a_bucket_that_cannot_be_written_is_refused_before_anything_is_uploaded(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, bucket: str, secret: str, message: str
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in CREDENTIALS if not secret else ():
        monkeypatch.delenv(name)
    (cluster.folder / "sweep.yaml").write_text(TINY)
    out = cluster.new_out().replace("//sweeps/", f"//{bucket}/")
    refused = cluster.bnsweep("submit", "sweep.yaml", "--out", out)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
    assert message in refused.stderr
    assert "--no-check" in refused.stderr
    assert "submitted" not in refused.stdout
    with cluster.connect() as client:
        assert not [job for job in list_jobs(client) if job.out == out]


@pytest.mark.long
def test_a_sweep_is_submitted_and_followed_to_its_end(cluster: Cluster, tmp_path: Path) -> None:
    out = cluster.new_out()
    job = cluster.submit(TINY, out)
    followed = cluster.bnsweep("logs", "-f", job)
    assert "tiny: 0 of 12 trials done, 12 to run" in followed.stdout, followed.stderr
    assert "all 12 trials have a result" in followed.stdout
    cluster.wait_for_end(job)
    line = f"{job}  SUCCEEDED  12/12 trials have a result, 6 diverged, 0 failed  {out}\n"
    assert cluster.bnsweep("status", job).stdout == line
    assert line in cluster.bnsweep("status").stdout
    assert cluster.bnsweep("logs", job).stdout == followed.stdout
    verified = bnsweep("verify", out)
    assert verified.returncode == 0, verified.stdout
    copy = Store.open(tmp_path / "copy")
    assert line in cluster.bnsweep("fetch", copy.root).stdout
    assert copy.read("ics").equals(Store.open(out).read("ics"))
    again = cluster.submit(TINY, out, "--extend")
    assert again == f"{job}-2"
    with cluster.connect() as client:
        assert client.get_job_info(again).entrypoint.endswith(" --extend")
    cluster.wait_for_end(again)
    line = f"{again}  SUCCEEDED  12/12 trials have a result; in this run 0 completed, 0 diverged, 0 failed  {out}\n"
    assert cluster.bnsweep("status", again).stdout == line


@pytest.mark.long
def test_a_job_whose_driver_was_killed_says_so_and_submitting_again_continues(cluster: Cluster) -> None:
    out = cluster.new_out()
    job = cluster.submit(MANY, out)
    cluster.wait_for_progress(job, out, lambda progress: progress.completed > 0)
    for process in drivers(out):
        process.kill()
    assert cluster.wait_for_end(job).status == "FAILED"
    line = cluster.bnsweep("status", job).stdout
    assert re.match(rf"{job}  FAILED  \d+/60 trials have a result", line)
    assert "driver was killed, most often since the head ran out of memory; submit the sweep again" in line
    again = cluster.submit(MANY, out)
    progress = cluster.wait_for_progress(again, out, lambda progress: progress.num_trials == 60)
    assert 0 < progress.had_result_before < 60
    assert f"continued by {again}" in cluster.bnsweep("status", job).stdout
    assert cluster.bnsweep("stop", again).returncode == 0


def drivers(out: str) -> list[psutil.Process]:
    """Return the processes of this machine that run a sweep into `out`."""
    found = [process for process in psutil.process_iter(["cmdline"]) if out in (process.info["cmdline"] or [])]
    assert found
    return found


@pytest.mark.long
def test_a_widened_sweep_is_given_to_the_job_that_runs(cluster: Cluster) -> None:
    sweep, out = TINY.replace("steps: 6", "steps: 300").replace("name: tiny", "name: wide", 1), cluster.new_out()
    job = cluster.submit(sweep.replace("range: 2", "range: 8"), out)
    cluster.wait_for_progress(job, out, lambda progress: progress.num_with_result > 0)
    (cluster.folder / "sweep.yaml").write_text(sweep.replace("range: 2", "range: 10"))
    again = ("submit", "sweep.yaml", "--out", out)
    given = cluster.bnsweep(*again)
    assert given.returncode == 0, given.stderr
    assert given.stdout.endswith(f"job {job} was given 12 more trials\n")
    coordinator(cluster).kill()  # the one that is started in its place goes on with them
    same = cluster.bnsweep(*again)
    assert (same.returncode, f"job {job} writes there (RUNNING), and it has all of these" in same.stderr) == (2, True)
    (cluster.folder / "sweep.yaml").write_text(sweep.replace("range: 2", "range: 9"))
    fewer = cluster.bnsweep(*again)
    assert (fewer.returncode, "6 of its trials are not in this sweep file" in fewer.stderr) == (2, True), fewer.stderr
    (cluster.folder / "mine.py").write_text("VERSION = 2\n")
    (cluster.folder / "sweep.yaml").write_text(sweep.replace("range: 2", "range: 11"))
    other = cluster.bnsweep(*again)
    assert (other.returncode, "runs with other code" in other.stderr) == (2, True), other.stderr
    assert f"bnsweep stop {job}" in other.stderr
    assert cluster.wait_for_end(job).status == "SUCCEEDED"
    assert "all 60 trials have a result" in cluster.bnsweep("logs", job).stdout
    assert f"{job}  SUCCEEDED  60/60 trials have a result" in cluster.bnsweep("status", job).stdout
    assert bnsweep("verify", out).returncode == 0


def coordinator(cluster: Cluster) -> psutil.Process:
    """Return the process of the cluster's coordinator: other clusters of this machine have their own."""
    named = [process for process in psutil.process_iter(["name", "cmdline"]) if "CoordinatorActor" in str(process.info)]
    token = str(cluster.folder / "token")
    (found,) = (process for process in named if process.environ().get("RAY_AUTH_TOKEN_PATH") == token)
    return found


@pytest.mark.long
def test_the_reason_of_a_job_that_could_not_begin_is_in_its_line(cluster: Cluster) -> None:
    (cluster.folder / "mine.py").write_text("raise RuntimeError('only on the cluster')\n")
    job = cluster.submit(TINY.replace("{name: digits}", '{name: "mine:data"}'), cluster.new_out())
    assert cluster.wait_for_end(job).exit_code == 2
    line = cluster.bnsweep("status", job).stdout
    assert re.match(rf"{job}  FAILED  12 trials declared, no progress recorded  .*only on the cluster", line)


def test_wrong_and_missing_tokens_are_refused(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"token in RAY_AUTH_TOKEN is not the cluster's"), cluster.connect("wrong"):
        pass
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/nowhere")
    with pytest.raises(InputError, match=r"requires a token.* none in /nowhere"), cluster.connect(""):
        pass


def test_an_unknown_job_is_refused(cluster: Cluster) -> None:
    with cluster.connect() as client, pytest.raises(InputError, match=r"nothing: no jobs"):
        find_job(client, "nothing")


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("file:///x", r"--out file:///x: .*path alone"),
        ("s4://b/x", r"--out s4://b/x: .*'s4'; .*did you mean 's3'\?"),
    ],
)
def test_places_that_cannot_be_had_are_refused(sweep_file: Write, out: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Submission.checked(sweep_file(), out, 10.0)


def test_a_missing_sweep_file_is_refused_before_the_cluster_is_asked() -> None:
    with pytest.raises(InputError, match=r"nowhere\.yaml"):
        Submission.checked(Path("nowhere.yaml"), "s3://b/x", 10.0)


def test_a_refusal_is_one_message_and_exit_code_2(sweep_file: Write) -> None:
    result = bnsweep("submit", sweep_file(), "--out", "s3://b/x", "--address", "127.0.0.1:1")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
    assert result.stderr.startswith("bnsweep: --address 127.0.0.1:1: ")
