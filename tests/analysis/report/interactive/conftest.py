"""A sweep of four seeds, its report without figures, and a browser that has it open."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium import webdriver

from analysis import load
from analysis.loading import Results
from analysis.report import write_report
from tests.analysis.report.interactive.reading import (
    HOSTILE,
    open_page,
)
from tests.analysis.unrendered import leave_out_drawing
from tests.shared import made_once
from tests.synthetic import commit_rows, make_specs, write_sweep


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of four seeds, one of whose trials failed with what would be markup."""

    def write(directory: Path) -> None:
        specs = write_sweep(directory, make_specs(gains=[0.5, 2.0], num_seeds=4), keep=lambda spec: spec.lr != 10)
        lost = next(spec.trial_key for spec in specs if spec.lr == 10)
        commit_rows(directory, {"failures": [{"trial_key": lost, "attempt": 1, "error": HOSTILE}]})

    return made_once(tmp_path_factory, "four", lambda place: write(place / "sweep")) / "sweep"


@pytest.fixture(scope="session")
def results(sweep: Path) -> Results:
    return load(sweep)


@pytest.fixture(scope="session")
def page(sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report, its figures not drawn: what is asked here does not hang on them."""
    with pytest.MonkeyPatch.context() as patch:
        leave_out_drawing(patch)
        made = made_once(tmp_path_factory, "page", lambda place: write_report(sweep, place / "report"))
    return made / "report" / "index.html"


@pytest.fixture
def reader(browser: webdriver.Chrome, page: Path) -> webdriver.Chrome:
    """The browser with the page open and ready."""
    return open_page(browser, page)
