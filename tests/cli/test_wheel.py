"""The wheel: built and installed for real, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bnsweep.cli.shipped import shipped

ROOT = Path(__file__).parents[2]
FOLDERS = ("bnsweep", "analysis", "sweeps", "cluster")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
OFFLINE = ("--no-index", "--no-deps")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel was installed to, built of a copy: a build leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    source, wheels, installed = folder / "source", folder / "wheels", folder / "installed"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    subprocess.run([*PIP, "wheel", *OFFLINE, "--no-build-isolation", "-w", wheels, source], check=True)
    (wheel,) = wheels.iterdir()
    subprocess.run([*PIP, "install", *OFFLINE, "--no-compile", "--target", installed, wheel], check=True)
    return installed


def installed_bnsweep(installed: Path, *arguments: str, cwd: Path) -> str:
    """Run a command of what was installed."""
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "bnsweep", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.mark.long
def test_it_holds_each_file_of_the_repository_and_nothing_beside_its_packages(installed: Path) -> None:
    for folder in ("sweeps", "cluster"):
        there = {path.name: path.read_bytes() for path in (ROOT / folder).iterdir() if path.is_file()}
        brought = (installed / "bnsweep/shipped" / folder).iterdir()
        assert {path.name: path.read_bytes() for path in brought} == there
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {"analysis", "bin", "bnsweep"}


@pytest.mark.long
def test_what_comes_with_it_is_listed_and_written_from_elsewhere(installed: Path, tmp_path: Path) -> None:
    listed = installed_bnsweep(installed, "init", "--list", cwd=tmp_path).splitlines()
    assert [line.split()[0] for line in listed[:-1]] == [file.name for file in shipped()]
    installed_bnsweep(installed, "init", "--from", "variants_cpu", cwd=tmp_path)
    assert (tmp_path / "sweeps/variants.py").read_bytes() == (ROOT / "sweeps/variants.py").read_bytes()
    installed_bnsweep(installed, "init", "first", cwd=tmp_path)
    planned = installed_bnsweep(installed, "plan", "digits.yaml", "--no-timing", cwd=tmp_path / "first")
    assert "30 trials declared" in planned
