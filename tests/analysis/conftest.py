"""One synthetic sweep of the shape of sweeps/mini.yaml, and the report on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

import analysis
from analysis import Results
from analysis.report import write_report
from tests.analysis.chromium import chromium
from tests.analysis.unrendered import leave_out_drawing, leave_out_rendering
from tests.shared import made_once
from tests.synthetic import write_sweep


@pytest.fixture(scope="session")
def sweep_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "synthetic", lambda place: write_sweep(place / "mini")) / "mini"


@pytest.fixture(scope="session")
def results(sweep_dir: Path) -> Results:
    return analysis.load(sweep_dir)


@pytest.fixture(scope="session")
def report(sweep_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on the sweep; its index.html."""
    made = made_once(tmp_path_factory, "report", lambda place: write_report(sweep_dir, place / "report"))
    return made / "report" / "index.html"


@pytest.fixture
def words_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have reports compute their figures and not draw them, which takes most of the time and says no words."""
    leave_out_drawing(monkeypatch)


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have reports draw their figures and not render them."""
    leave_out_rendering(monkeypatch)


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    """A real browser; a test that takes it is marked `needs("chromium")`."""
    with chromium() as started:
        yield started
