"""The image that nodes run: built from the lock, with the locked Ray, and what a node does that has another one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import torch
from packaging.specifiers import SpecifierSet

from tests.cluster.aws import ROOT
from tests.cluster.test_cloud_configs import CLOUDS, LOCK, PROJECT, read, text_of

DOCKERFILE = (ROOT / "cluster" / "Dockerfile").read_text()
INSTRUCTIONS = [
    line.split(maxsplit=1) for line in re.sub(r"#.*\n", "", DOCKERFILE).replace("\\\n", "").splitlines() if line.strip()
]
(LOCKED_RAY,) = re.findall(r"^ray==(\S+)$", LOCK, re.MULTILINE)
(UV,) = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)


def values(instruction: str) -> list[str]:
    return [value for name, value in INSTRUCTIONS if name == instruction]


def test_it_begins_with_the_locked_ray_and_a_python_that_bnsweep_supports() -> None:
    ((version, major, minor),) = re.findall(r"^rayproject/ray:([\d.]+)-py(\d)(\d+)$", values("FROM")[0])
    assert version == LOCKED_RAY
    assert f"{major}.{minor}" in SpecifierSet(PROJECT["requires-python"])


def test_it_installs_the_lock_before_the_code() -> None:
    """So that what changes daily is the last and smallest layer of what a spot machine pulls."""
    copies = [value.split() for value in values("COPY")]
    assert next(source for copy in copies for source in copy[1:-1]) == "requirements.lock"
    (install,) = [value for value in values("RUN") if "--requirements" in value]
    assert "--requirements image/requirements.lock" in install
    assert [name for name, value in INSTRUCTIONS if "requirements.lock" in value][:2] == ["COPY", "RUN"]
    assert all((ROOT / source).exists() for copy in copies for source in copy[1:-1])


def test_nothing_in_it_is_unpinned() -> None:
    """But for Ubuntu's compiler, of which a release has one."""
    assert f"uv=={UV}" in DOCKERFILE
    for command in re.findall(r"pip install ([^&]*)", "&".join(values("RUN"))):
        named = [word for word in command.split() if not word.startswith(("-", '"', "python)"))]
        assert all("==" in word or word in ("image/requirements.lock", "./image") for word in named)
    assert "--build-constraints image/requirements.lock" in DOCKERFILE
    assert re.search(r"^setuptools==", LOCK, re.MULTILINE)


def test_it_names_the_cuda_that_is_locked() -> None:
    assert f"its own, {torch.version.cuda}, for which" in DOCKERFILE.replace("\n# ", " ")
    assert re.search(rf"^cuda-toolkit=={re.escape(str(torch.version.cuda))}\.", LOCK, re.MULTILINE)


@pytest.mark.parametrize("name", [*CLOUDS, "onprem"])
def test_nothing_that_a_node_or_a_user_installs_is_unpinned(name: str) -> None:
    installed = re.findall(r"pip install (?:--?\S+ )*(\w\S*)", text_of(name))
    assert installed
    assert all(re.fullmatch(r"[\w-]+==[\d.]+[)\]]*", package) for package in installed), installed
    assert {package.rstrip(")") for package in installed if package.startswith("uv=")} == {f"uv=={UV}"}


@pytest.mark.parametrize("name", [*CLOUDS, "kuberay"])
def test_each_file_names_it_and_says_how_to_build_it(name: str) -> None:
    text = text_of(name)
    assert "docker build --platform linux/amd64 -f cluster/Dockerfile -t " in text
    (image, *_) = re.findall(r"^ +(?:- name: ray-head\n +)?image: (?:&\w+ )?(\S+)", text, re.MULTILINE)
    assert image.endswith("/bnsweep:1")
    assert text.count(image) >= 2, "built under the name that it is pulled by"


@pytest.mark.parametrize("name", CLOUDS)
def test_without_a_registry_the_nodes_take_rays_own(name: str) -> None:
    assert set(re.findall(r"rayproject/ray:(\S+?)`", text_of(name))) == {f"{LOCKED_RAY}-py311-gpu"}


@pytest.mark.parametrize("name", CLOUDS)
@pytest.mark.parametrize("image", ["of this lock", "of another", "Ray's own"])
def test_a_node_installs_the_lock_only_where_its_image_has_another(tmp_path: Path, name: str, image: str) -> None:
    """The set-up command itself, with a home, pip and uv that only say what they are told."""
    assert read(name)["file_mounts"]["~/requirements.lock"] == "requirements.lock"
    (tmp_path / "requirements.lock").write_text("ray==1\n")
    if image != "Ray's own":
        (tmp_path / "image").mkdir()
        (tmp_path / "image/requirements.lock").write_text("ray==1\n" if image == "of this lock" else "ray==0\n")
    for program in ("pip", "uv", "python"):
        (tmp_path / program).write_text(f'#!/bin/sh\necho {program} "$@" >> ~/told\n')
        (tmp_path / program).chmod(0o700)
    (command,) = read(name)["setup_commands"]
    environment = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["bash", "-c", command], env=environment, check=True)
    told = (tmp_path / "told").read_text().splitlines() if (tmp_path / "told").exists() else []
    if image == "of this lock":
        assert told == []
    else:
        assert told[0] == f"pip install --quiet uv=={UV}"
        assert told[1].endswith(f"--requirements {tmp_path}/requirements.lock")
