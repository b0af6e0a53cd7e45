"""Whatever a sweep holds, the page shows it or says why not: on screen, in the dark, on paper, without JavaScript."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from analysis.loading import Results
from analysis.report.page import write_page
from analysis.report.payload import build
from bnsweep.results.schema import METRIC_TABLES
from tests.analysis.chromium import console
from tests.analysis.report.interactive.reading import (
    HOSTILE,
    VIEWS,
    open_page,
    view,
)

pytestmark = pytest.mark.needs("chromium")


def test_no_mark_lies_outside_its_chart(browser: webdriver.Chrome, page: Path) -> None:
    open_page(browser, page, norms=["none", "batch"])
    for name in ("accuracy", "scatter"):
        outside = browser.execute_script(
            """
            const inside = (mark, box) => mark.top >= box.top - 1 && mark.bottom <= box.bottom + 1;
            return [...arguments[0].querySelectorAll("svg")].flatMap((svg) =>
              [...svg.querySelectorAll(".point, .cross, .band")]
                .filter((mark) => !inside(mark.getBoundingClientRect(), svg.getBoundingClientRect()))
                .map((mark) => mark.outerHTML));
            """,
            view(browser, name),
        )
        assert outside == [], name


def page_of(tmp_path: Path, results: Results) -> Path:
    return write_page(results, tmp_path / "report", "here")


@pytest.mark.usefixtures("words_only")
@pytest.mark.parametrize(
    "kind", ["one lr", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("real targets", "many trials"))]
)
def test_other_sweeps_have_every_view_or_a_reason(
    browser: webdriver.Chrome, tmp_path: Path, results: Results, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = results.trials
    if kind == "real targets":
        loss = {"test_loss": 1 - trials["test_acc"], "num_classes": np.nan, "test_loss_constant": 1.0}
        results = replace(results, trials=trials.assign(**loss))
    if kind == "one lr":
        tables = {name: getattr(results, name) for name in ("trials", *METRIC_TABLES)}
        results = replace(
            results, **{name: rows[rows["lr"] == 0.1].reset_index(drop=True) for name, rows in tables.items()}
        )
    if kind == "many trials":
        monkeypatch.setattr(build, "MAX_WITH_CURVES", 10)
    open_page(browser, page_of(tmp_path, results))
    for name in VIEWS:
        found = view(browser, name)
        assert found.find_elements(By.CSS_SELECTOR, "svg, canvas, table, .missing"), name
    reasons = {text.text for text in browser.find_elements(By.CSS_SELECTOR, "[data-view] .missing")}
    expected = {"real targets": "", "one lr": "It takes two learning rates", "many trials": "more than 10 trials"}
    assert all(expected.get(kind, "") in reason for reason in reasons)
    assert bool(reasons) == (kind in ("one lr", "many trials"))
    assert console(browser) == []


def test_what_a_trial_says_never_runs(reader: webdriver.Chrome) -> None:
    assert HOSTILE in (reader.find_element(By.TAG_NAME, "body").get_attribute("textContent") or "")
    late = "const late = document.createElement('div'); late.innerHTML = arguments[0]; document.body.append(late)"
    reader.execute_script(late, HOSTILE)
    assert reader.execute_script("return window.wasRun ?? null") is None
    told = [line["message"] for line in console(reader)]
    assert any("Content Security Policy" in message for message in told), told


def test_what_is_printed_is_drawn_whole(reader: webdriver.Chrome) -> None:
    reader.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    empty = reader.execute_script(
        "return [...document.querySelectorAll('.view')].filter((e) => !e.childElementCount).map((e) => e.dataset.view)"
    )
    assert empty == []


CONTRASTS = """
    const parts = (color) => color.match(/[0-9.]+/g).slice(0, 3).map(Number);
    const linear = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
    const weights = [0.2126, 0.7152, 0.0722];
    const light = (color) => parts(color).map(linear).reduce((sum, part, k) => sum + part * weights[k], 0);
    const ratio = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const ground = light(getComputedStyle(document.body).backgroundColor);
    const every = (query) => [...document.querySelectorAll(query)].map((e) => getComputedStyle(e));
    const of = (query, field) => every(query).map((style) => ratio(ground, light(style[field])));
    return [ground, of("p, dt, td, .note, label", "color"), of("svg text", "fill"), of("svg .line", "stroke")];
"""
"""WCAG 2.2's relative luminance of the ground, and the contrast of texts, of labels and of lines to it."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_read_by_day_and_by_night(browser: webdriver.Chrome, page: Path, scheme: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    try:
        open_page(browser, page)
        view(browser, "accuracy")
        ground, texts, labels, lines = browser.execute_script(CONTRASTS)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert (ground < 0.1) == (scheme == "dark")
    assert min(texts + labels) >= 4.5
    assert min(lines) >= 3


def test_without_javascript_claims_and_figures_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    before = text[: text.index('id="data"')]
    assert "<noscript>" in before
    assert 'class="verdict' in before
    assert 'id="landscape"' in before
