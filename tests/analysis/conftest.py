"""One synthetic sweep of the shape of sweeps/mini.yaml, written once."""

from pathlib import Path

import pytest

import analysis
from analysis.loading import Results
from tests.synthetic import write_sweep


@pytest.fixture(scope="session")
def sweep_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("results") / "mini"
    write_sweep(directory)
    return directory


@pytest.fixture(scope="session")
def results(sweep_dir: Path) -> Results:
    return analysis.load(sweep_dir)
