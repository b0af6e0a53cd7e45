"""Small sweeps that train for real in seconds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

from bnsweep.spec import TrialSpec
from tests.waiting import HANGS_AFTER_S

pytest_plugins = ["tests.programs", "tests.in_process", "tests.s3"]
SLOWEST = ("tests/integration", "tests/jobs", "tests/cluster", "tests/executors", "tests/cli", "tests/running")
"""Begun first, so that no process of `pytest -n` is left alone with one at the end."""

hypothesis.settings.register_profile("tests", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("tests")

TINY = """
name: tiny
model: {name: mlp, widths: [8]}
dataset: {name: digits}
train: {steps: 6, batch_size: 32, eval_every: 3}
axes:
  norm: [none, batch, noisy_batch]
  lr: [0.1, 1.0e+9]
  seed: {range: 2}
probes: {landscape: {every: 3}, ics: {every: 3}, moments: {every: 3}}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders of `SLOWEST` before the others; within each, the order stays."""
    items.sort(
        key=lambda item: next((i for i, folder in enumerate(SLOWEST) if item.nodeid.startswith(folder)), len(SLOWEST))
    )


@pytest.fixture(scope="session", autouse=True)
def own_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Share no temporary files with other runs on this machine, nor with the other process of `pytest -n`."""
    tmp_path_factory.getbasetemp()  # stays where it is
    with (
        tempfile.TemporaryDirectory(prefix="t", ignore_cleanup_errors=True) as folder,  # short, for Ray's sockets
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Compute with one thread, as workers do; several take many times as long on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def patient_ends() -> Iterator[None]:
    """Have runs in this process wait at their end for what is slow: a user's leaves it after some seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bnsweep.running.service.END_WITHIN_S", HANGS_AFTER_S)
        patch.setattr("bnsweep.running.progress_writer.MAX_WAIT_AT_END_S", HANGS_AFTER_S)
        patch.setattr("bnsweep.api.copying.END_WITHIN_S", HANGS_AFTER_S)
        yield


@pytest.fixture
def sweep_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a sweep file: TINY with every (old, new) pair replaced."""

    def write(*changes: tuple[str, str]) -> Path:
        text = TINY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "tiny.yaml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def spec() -> Callable[..., TrialSpec]:
    """Build a spec of a small trial with the given fields changed."""

    def build(**changes: object) -> TrialSpec:
        fields: dict[str, object] = {
            "model": {"name": "vgg", "widths": [4, "M", 6]},
            "dataset": {"name": "digits"},
            "train": {"steps": 8, "batch_size": 32},
        }
        return TrialSpec.model_validate(fields | changes)

    return build
