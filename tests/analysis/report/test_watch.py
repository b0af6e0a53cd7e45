"""`bnsweep report --watch` as a user runs it, while another process commits trials."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver

from analysis.report import write_report
from bnsweep.spec import TrialSpec
from tests.analysis.chromium import console, overflowing
from tests.in_process import Run
from tests.processes import complaints
from tests.synthetic import accuracy_of, commit_rows, joined, make_specs, rows_of, write_sweep
from tests.waiting import HANGS_AFTER_S


@contextmanager
def watching(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Start watching; end it, whatever happens."""
    command = [sys.executable, "-W", "error", "-m", "bnsweep", "report", str(directory), "--watch", "--every", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def commit(directory: Path, specs: list[TrialSpec]) -> None:
    """Commit these trials as a batch."""
    commit_rows(directory, joined(rows_of(spec, accuracy_of(spec) is None) for spec in specs))


@pytest.fixture
def specs(tmp_path: Path) -> list[TrialSpec]:
    """Declare six trials, of which none has a result."""
    return write_sweep(
        tmp_path, make_specs(gains=[1.0], lrs=[0.01, 0.1], num_seeds=1, probes=False), keep=lambda _: False
    )


@pytest.mark.long
def test_it_waits_then_writes_with_each_commit_until_all_is_done(tmp_path: Path, specs: list[TrialSpec]) -> None:
    page = tmp_path / "report" / "index.html"
    with watching(tmp_path) as process:
        assert line_of(process) == f"waiting for the first trial in {tmp_path}"
        commit(tmp_path, specs[:4])
        assert line_of(process) == f"report: {page} (4 of 6 trials done)"
        html = page.read_text(encoding="utf-8")
        assert '<meta http-equiv="refresh" content="1">' in html
        assert '<progress value="4" max="6">' in html
        commit(tmp_path, specs[4:])
        lines = process.communicate(timeout=HANGS_AFTER_S)
        assert lines[0].splitlines()[-1] == f"report: {page} (6 of 6 trials done)"
        assert (process.returncode, complaints(lines[1])) == (0, "")
    html = page.read_text(encoding="utf-8")
    assert "6 of 6 declared trials are done" in html
    assert 'http-equiv="refresh"' not in html
    assert "watched" not in html


@pytest.mark.long
def test_interrupted_it_leaves_a_page_that_reloads_no_more(tmp_path: Path, specs: list[TrialSpec]) -> None:
    commit(tmp_path, specs[:2])
    with watching(tmp_path) as process:
        assert line_of(process).endswith("(2 of 6 trials done)")
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=HANGS_AFTER_S)
    assert (process.returncode, printed, complaints(said)) == (130, "interrupted; the last report is kept\n", "")
    once, again = tmp_path / "report" / "index.html", write_report(tmp_path, tmp_path / "again" / "report")
    assert once.read_text(encoding="utf-8") == again.read_text(encoding="utf-8")
    assert {path.name for path in once.parent.iterdir()} == {"index.html", "figures"}


def test_what_cannot_be_watched_is_refused(tmp_path: Path, run: Run) -> None:
    nowhere = run("report", tmp_path / "nowhere", "--watch")
    assert nowhere.code == 2
    assert "no such directory" in nowhere.err
    hasty = run("report", tmp_path, "--watch", "--every", "0")
    assert hasty.code == 2
    assert "--every" in hasty.err


@pytest.mark.long
@pytest.mark.needs("chromium")
def test_a_browser_left_open_follows_to_the_end(
    tmp_path: Path, specs: list[TrialSpec], browser: webdriver.Chrome
) -> None:
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.ui import WebDriverWait

    commit(tmp_path, specs[:2])
    with watching(tmp_path) as process:
        assert line_of(process).endswith("(2 of 6 trials done)")
        browser.get((tmp_path / "report" / "index.html").as_uri())
        wait = WebDriverWait(browser, HANGS_AFTER_S, ignored_exceptions=[WebDriverException])  # what it reloads is gone
        reloads = "2 of 6 trials: this page reloads every 1 s"
        wait.until(lambda one: reloads in one.find_element("tag name", "body").text)
        wait.until(lambda one: overflowing(one) == [])
        commit(tmp_path, specs[2:])
        wait.until(lambda one: "6 of 6 declared trials are done" in one.find_element("tag name", "body").text)
        assert "this page reloads" not in browser.find_element("tag name", "body").text
        assert console(browser) == []
        assert process.wait(HANGS_AFTER_S) == 0
