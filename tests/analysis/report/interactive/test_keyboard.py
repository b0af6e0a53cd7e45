"""Every chart is read by keyboard: arrow keys go from point to point, and what a screen reader says are its numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from analysis.loading import Results
from tests.analysis.report.interactive.reading import NORMS, open_page, view
from tests.waiting import HANGS_AFTER_S

pytestmark = pytest.mark.needs("chromium")
CHARTS = ("lead", "accuracy", "measures", "training", "landscape", "shift", "scatter")


def said(browser: webdriver.Chrome) -> str:
    """Return what a screen reader was told last."""
    return str(browser.execute_script("return document.getElementById('live').textContent"))


def mode_said(browser: webdriver.Chrome) -> str:
    return re.split("[, ]", said(browser))[0]


@pytest.mark.parametrize("name", CHARTS)
def test_arrow_keys_read_the_points_of_every_chart(reader: webdriver.Chrome, name: str) -> None:
    charts = view(reader, name).find_elements(By.CSS_SELECTOR, "svg")
    assert charts
    for chart in charts:
        assert "Arrow keys read its points" in (chart.get_attribute("aria-label") or "")
        reader.execute_script("arguments[0].focus()", chart)
        chart.send_keys(Keys.ARROW_RIGHT)
        first = mode_said(reader)
        chart.send_keys(Keys.ARROW_DOWN)
        assert {first, mode_said(reader)} < set(NORMS)
        assert mode_said(reader) != first
        chart.send_keys(Keys.ARROW_UP)
        assert mode_said(reader) == first
        ring = chart.find_element(By.CLASS_NAME, "here")
        assert ring.get_attribute("visibility") == "visible"
        reader.execute_script("arguments[0].blur()", chart)
        assert ring.get_attribute("visibility") == "hidden"


def test_what_is_said_are_the_numbers_of_the_trials(browser: webdriver.Chrome, page: Path, results: Results) -> None:
    open_page(browser, page, norms=["batch"], gain=0.5)
    chart = view(browser, "accuracy").find_element(By.CSS_SELECTOR, "svg")
    chosen = results.trials.query("norm == 'batch' and init_gain == 0.5")
    means = chosen.assign(score=chosen["test_acc"].fillna(0.1)).groupby("lr")["score"].mean()
    browser.execute_script("arguments[0].focus()", chart)
    for lr, mean in means.items():
        chart.send_keys(Keys.ARROW_RIGHT)
        assert said(browser) == f"batch, lr {lr:g}, mean accuracy {mean:.3f}"
    chart.send_keys(Keys.HOME)
    assert said(browser).startswith("batch, lr 0.001, mean")
    chart.send_keys(Keys.END)
    assert said(browser).startswith(f"batch, lr {max(means.index):g}, mean")


def test_enter_opens_a_trial_and_escape_leads_back_to_its_point(reader: webdriver.Chrome) -> None:
    chart = view(reader, "scatter").find_element(By.CSS_SELECTOR, "svg")
    reader.execute_script("arguments[0].focus()", chart)
    chart.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ENTER)
    told = said(reader)
    opened = reader.find_element(By.CSS_SELECTOR, '[data-view="trial"]')
    WebDriverWait(reader, HANGS_AFTER_S).until(
        lambda at: at.execute_script("return arguments[0].contains(document.activeElement)", opened)
    )
    for words in told.split(", ")[1:4]:
        value = words.split()[-1]
        assert value in opened.text
    reader.switch_to.active_element.send_keys(Keys.ESCAPE)
    WebDriverWait(reader, HANGS_AFTER_S).until(
        lambda at: at.execute_script("return document.activeElement.dataset.name") == "chart scatter"
    )
    reader.switch_to.active_element.send_keys(Keys.HOME)
    assert said(reader).startswith("none")
    reader.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert said(reader) == told
