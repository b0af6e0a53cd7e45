"""Environments that lack something, or say nonsense: commands run as a user runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from moto import settings

from tests.bad_inputs.commands import changed, require_refusal, tree
from tests.cgroup import limited
from tests.in_process import Run
from tests.processes import bnsweep
from tests.s3 import s3_uri

ONE = (("[0.1, 1.0e+9]", "[0.1]"), ("{range: 2}", "[0]"), ("[none, batch, noisy_batch]", "[none]"))
"""One trial is left."""
SERIAL = ("run", "tiny.yaml", "--executor", "serial")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sweep of one trial, in a folder that is away from the checkout."""
    (tmp_path / "tiny.yaml").write_text(changed(*ONE))
    return tmp_path


def require_refusal_of(result: subprocess.CompletedProcess[str], folder: Path, message: str, code: int = 2) -> None:
    """Check that one line on stderr says what is wrong, and that nothing was written."""
    assert result.returncode == code, result.stderr
    assert re.fullmatch("bnsweep: .*\n", result.stderr), result.stderr
    assert re.search(message, result.stderr), result.stderr
    assert "results" not in tree(folder)


def test_a_run_without_ray_needs_no_home_and_minds_no_nonsense(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    for name in ("MPLBACKEND", "COLUMNS", "CUDA_VISIBLE_DEVICES", "RAY_ADDRESS"):
        monkeypatch.setenv(name, "nonsense")
    result = bnsweep(*SERIAL, cwd=folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert "all 1 trials have a result" in result.stdout


@pytest.mark.long
def test_steps_are_compiled_only_where_there_is_a_compiler(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "tiny.yaml").write_text(changed(*ONE, ("batch_size: 32", "batch_size: 32, compile: true")))
    monkeypatch.setenv("CXX", "/nowhere/g++")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(folder / "cache"))
    message = r"train\.compile: PyTorch cannot compile here \(.*\); install a C\+\+ compiler and Python's headers, or"
    require_refusal_of(bnsweep(*SERIAL, cwd=folder), folder, message)


@pytest.mark.long
def test_a_report_needs_neither_a_home_nor_a_backend_of_matplotlib(
    tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/proc")
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    result = bnsweep("report", finished / "out", "--out", tmp_path / "page")
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "page/index.html").is_file()


def test_a_folder_too_long_for_sockets_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(folder / ("x" * 120)))
    require_refusal_of(bnsweep("run", "tiny.yaml", cwd=folder), folder, r"x{120}")


def test_a_home_that_ray_cannot_use_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/proc")
    result = bnsweep("run", "tiny.yaml", cwd=folder)
    require_refusal_of(result, folder, r"/proc.*HOME")


@pytest.mark.parametrize("executor", [pytest.param("ray", marks=pytest.mark.long), "serial"])
def test_a_gpu_that_is_hidden_is_lacking(folder: Path, monkeypatch: pytest.MonkeyPatch, executor: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (folder / "tiny.yaml").write_text(changed(*ONE, ("axes:", "resources: {gpus: 1}\naxes:")))
    result = bnsweep("run", "tiny.yaml", "--executor", executor, cwd=folder)
    require_refusal_of(result, folder, r"resources\.gpus: 1 asked for, .*\b0\b.*; set gpus: 0 for the CPU")


@pytest.mark.needs("namespaces")
def test_a_machine_without_a_network_interface_is_refused_with_what_to_bring_up(folder: Path) -> None:
    result = bnsweep("run", "tiny.yaml", cwd=folder, within=("unshare", "--net"))
    require_refusal_of(result, folder, r"127\.0\.0\.1 .*; bring that network interface up .*--executor serial")


@pytest.mark.long
@pytest.mark.needs("namespaces")
def test_without_another_network_than_its_own_a_run_finishes(folder: Path) -> None:
    within = ("unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh")
    result = bnsweep("run", "tiny.yaml", cwd=folder, within=within)
    assert result.returncode == 0, result.stderr


@pytest.mark.needs("namespaces")
def test_where_no_cluster_runs_auto_finds_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(folder / "ray"))
    within = ("unshare", "--pid", "--fork", "--mount-proc")  # another Ray of this machine is not seen from there
    result = bnsweep("run", "tiny.yaml", "--address", "auto", cwd=folder, within=within)
    require_refusal_of(result, folder, r"--address auto: no Ray cluster is running here; give host:port")


@pytest.mark.long
@pytest.mark.needs("cgroups")
def test_the_limits_of_a_container_are_what_counts(folder: Path) -> None:
    with limited(memory_bytes=2**30, cpus=0.5) as processes:
        joins = "".join(f"echo $$ > {path}; " for path in processes)
        within = ("sh", "-c", f'{joins}exec "$@"', "sh")
        found = bnsweep("doctor", within=within)
        ray, serial = (
            bnsweep("run", "tiny.yaml", "--executor", name, cwd=folder, within=within) for name in ("ray", "serial")
        )
    assert re.search(r"CPUs: 0\.5\b", found.stdout), found.stdout
    assert re.search(r"lacking +memory: 1\.0 GiB", found.stdout)
    assert (ray.returncode, serial.returncode) == (2, 0), serial.stderr
    assert re.search(r"1 GiB of memory, .*--executor serial", ray.stderr), ray.stderr


START = """
import psutil
from bnsweep.errors import StartError
from bnsweep.executors.ray_tune_start import start_ray
try:
    start_ray(1, print, give_up_after_s=35)
except StartError as error:
    print(error)
left = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
print(len(left), "left")
"""


@pytest.mark.long
def test_a_ray_that_does_not_come_up_is_tried_again_and_then_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_testing_asio_delay_us", "NodeInfoGcsService.grpc_server.RegisterNode=60000000:60000000")
    result = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
    attempt, message, left = result.stdout.splitlines()
    assert "attempt 2" in attempt
    assert re.search(r"too busy, or short of memory; try again .*, or give --executor serial", message)
    assert left == "0 left"


NET = """
from torch import nn

def net(input_shape, num_classes, norm):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))
"""


@pytest.mark.long
def test_a_module_that_pythonpath_lacks_is_named_and_one_that_it_has_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere/my_nets.py").write_text(NET)
    (folder / "tiny.yaml").write_text(changed(*ONE, ("{name: mlp, widths: [8]}", "{name: 'my_nets:net'}")))
    message = rf"\(No module named 'my_nets'\); there is no such module in {folder}, .* start bnsweep in the"
    require_refusal(run(*SERIAL), message)
    assert "results" not in tree(folder)
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert bnsweep(*SERIAL, cwd=folder).returncode == 0


def test_a_message_that_the_terminal_cannot_show_is_escaped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (folder / "tiny.yaml").write_text(changed(("name: mlp", "name: größe")), encoding="utf-8")
    message = r"model\.name: given 'gr\\xf6\\xdfe'; allowed: "
    require_refusal_of(bnsweep("plan", "tiny.yaml", cwd=folder), folder, message)


def test_credentials_that_are_missing_are_asked_for(
    folder: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)  # the server checks them from now on
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(folder))
    message = (
        r"--out s3://sweeps/x\S+: cannot be opened \(no credentials are found; credentials should be in "
        r"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or in ~/\.aws/credentials"
    )
    require_refusal_of(bnsweep(*SERIAL, "--out", s3_uri(endpoint, "x"), cwd=folder), folder, message)
