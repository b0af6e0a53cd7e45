"""A sweep of four seeds, its report without rendered figures, and a browser that has it open."""

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
from tests.analysis.unrendered import leave_out_rendering
from tests.synthetic import commit_rows, make_specs, write_sweep


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of four seeds, one of whose trials failed with what would be markup."""
    directory = tmp_path_factory.mktemp("four") / "sweep"
    specs = write_sweep(directory, make_specs(gains=[0.5, 2.0], num_seeds=4), keep=lambda spec: spec.lr != 10)
    lost = next(spec.trial_key for spec in specs if spec.lr == 10)
    commit_rows(directory, {"failures": [{"trial_key": lost, "attempt": 1, "error": HOSTILE}]})
    return directory


@pytest.fixture(scope="session")
def results(sweep: Path) -> Results:
    return load(sweep)


@pytest.fixture(scope="session")
def page(sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report, its figures not rendered: what is asked here does not hang on them."""
    with pytest.MonkeyPatch.context() as patch:
        leave_out_rendering(patch)
        return write_report(sweep, tmp_path_factory.mktemp("page") / "report")


@pytest.fixture
def reader(browser: webdriver.Chrome, page: Path) -> webdriver.Chrome:
    """The browser with the page open and ready."""
    return open_page(browser, page)
