"""What a reader chooses moves measures and views, and no verdict."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from analysis import robustness_table
from analysis.loading import Results
from analysis.tables import difference_table
from analysis.tables.pooled import pooled_rows
from tests.analysis.report.interactive.reading import (
    NORMS,
    open_page,
    view,
    wait_for_address,
    wait_for_text,
)
from tests.waiting import HANGS_AFTER_S

pytestmark = pytest.mark.needs("chromium")


def shown(browser: webdriver.Chrome) -> pd.DataFrame:
    """Return the numbers of the table of measures, a row per mode, to their last digit."""
    table = view(browser, "measures").find_element(By.TAG_NAME, "table")
    rows = browser.execute_script(
        "return [...arguments[0].tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.dataset.value))", table
    )
    columns = ["norm", "value", "low", "high", "grid_low", "grid_high", "minus", "minus_low", "minus_high", "n_seeds"]
    frame = pd.DataFrame(rows, columns=columns).set_index("norm")
    return frame.apply(pd.to_numeric)


@pytest.mark.parametrize("baseline", [None, "noisy_batch"])
@pytest.mark.parametrize("measure", ["mean_accuracy", "trainable_decades", "divergence_rate", "trained_inits"])
def test_what_is_chosen_moves_measures_as_python_computes_them(
    browser: webdriver.Chrome, page: Path, results: Results, measure: str, baseline: str | None
) -> None:
    seeds, norms, fraction = [0, 2, 3], ["none", "noisy_batch"], 0.75
    open_page(browser, page, norms=norms, seeds=seeds, fraction=fraction, measure=measure, baseline=baseline)
    found = shown(browser)
    trials = results.trials[results.trials["norm"].isin(norms) & results.trials["seed"].isin(seeds)]
    chosen = replace(results, trials=trials.reset_index(drop=True))
    expected = pooled_rows(robustness_table(chosen, fraction), measure).set_index("norm")
    for column in ("value", "low", "high", "grid_low", "grid_high", "n_seeds"):
        assert found[column].tolist() == pytest.approx(expected[column].tolist(), abs=1e-9, nan_ok=True), column
    table = difference_table(chosen, baseline or "none", fraction)
    minus = pooled_rows(table, measure).set_index("norm")
    (other,) = set(norms) - {baseline or "none"}
    for column in ("value", "low", "high"):
        name = "minus" if column == "value" else f"minus_{column}"
        assert found.loc[other, name] == pytest.approx(minus.loc[other, column], abs=1e-9, nan_ok=True)


def test_another_baseline_is_chosen_by_a_menu_and_marked_as_exploration(reader: webdriver.Chrome) -> None:
    verdicts = [cell.get_attribute("textContent") for cell in reader.find_elements(By.CLASS_NAME, "verdict")]
    Select(view(reader, "controls").find_element(By.CSS_SELECTOR, '[data-name="Compared with"]')).select_by_value(
        "batch"
    )
    wait_for_text(reader, "measures", "minus batch")
    wait_for_address(reader, "baseline=%22batch%22")
    assert "compared with batch" in reader.find_element(By.CSS_SELECTOR, '[data-view="exploring"]').text
    assert [cell.get_attribute("textContent") for cell in reader.find_elements(By.CLASS_NAME, "verdict")] == verdicts
    reader.find_element(By.CSS_SELECTOR, '[data-name="norms batch"]').click()
    wait_for_text(reader, "measures", "Nothing is compared with batch")
    reader.find_element(By.CSS_SELECTOR, '[data-name="reset"]').click()
    wait_for_text(reader, "measures", "minus none")


def test_verdicts_stay_and_what_differs_from_them_is_marked(reader: webdriver.Chrome) -> None:
    mark = reader.find_element(By.CSS_SELECTOR, '[data-view="exploring"]')
    verdicts = [cell.get_attribute("textContent") for cell in reader.find_elements(By.CLASS_NAME, "verdict")]
    assert not mark.is_displayed()
    slider = view(reader, "controls").find_element(By.CSS_SELECTOR, 'input[type="range"]')
    slider.send_keys(Keys.ARROW_LEFT)
    WebDriverWait(reader, HANGS_AFTER_S).until(lambda _: mark.is_displayed())
    assert mark.text.startswith("Exploration: ")
    wait_for_address(reader, "fraction=0.89")
    assert reader.execute_script("return document.activeElement.type") == "range"  # and goes on from there
    assert [cell.get_attribute("textContent") for cell in reader.find_elements(By.CLASS_NAME, "verdict")] == verdicts
    view(reader, "controls").find_element(By.CSS_SELECTOR, '[data-name="reset"]').click()
    WebDriverWait(reader, HANGS_AFTER_S).until(lambda _: not mark.is_displayed())
    wait_for_address(reader, "index.html", is_end=True)


def test_a_mode_is_left_out_of_every_view_but_the_last_is_kept(browser: webdriver.Chrome, page: Path) -> None:
    open_page(browser, page, norms=["batch", "none"])
    assert "noisy_batch" not in view(browser, "map").text + view(browser, "lead").text + view(browser, "trials").text
    boxes = {name: f'[data-name="norms {name}"]' for name in NORMS}
    for name in ("batch", "none"):
        browser.find_element(By.CSS_SELECTOR, boxes[name]).click()
    assert browser.find_element(By.CSS_SELECTOR, boxes["none"]).is_selected()
    wait_for_text(browser, "controls", "none")
    wait_for_address(browser, "norms=%5B%22none%22%5D")


def test_dragging_over_a_chart_chooses_the_tested_rates_there_for_the_views_below(reader: webdriver.Chrome) -> None:
    """From a band, on which the pointer is as often as on the ground."""
    accuracy = view(reader, "accuracy")
    band = max(accuracy.find_elements(By.CSS_SELECTOR, ".band"), key=lambda found: found.size["width"])
    ActionChains(reader).click_and_hold(band).move_by_offset(-30, 0).move_by_offset(-120, 0).release().perform()
    wait_for_address(reader, "brush=")
    brushed = json.loads(parse_qs(urlsplit(reader.current_url).fragment)["brush"][0])
    assert "show one rate again" in view(reader, "landscape").text
    rows = [row.split() for row in view(reader, "trials").text.splitlines()]
    rates = {float(row[4]) for row in rows if len(row) == 8 and len(row[0]) == 16}
    tested = {0.001, 0.01, 0.1, 1.0}
    assert rates == {lr for lr in tested if brushed[0] <= lr <= brushed[1]}
    assert set(brushed) <= tested
    ground = view(reader, "accuracy").find_element(By.CSS_SELECTOR, ".ground")
    ActionChains(reader).move_to_element_with_offset(ground, 0, int(ground.size["height"] / 2) - 3).click().perform()
    wait_for_address(reader, "index.html", is_end=True)


def test_a_range_is_chosen_by_menus_too_and_the_focus_stays(reader: webdriver.Chrome) -> None:
    menu = view(reader, "accuracy").find_element(By.CSS_SELECTOR, '[data-name="Learning rates from"]')
    menu.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    wait_for_address(reader, "brush=%5B0.01%2C1%5D")
    assert reader.execute_script("return document.activeElement.dataset.name") == "Learning rates from"


def test_the_slider_can_be_dragged(reader: webdriver.Chrome) -> None:
    slider = view(reader, "controls").find_element(By.CSS_SELECTOR, 'input[type="range"]')
    thumb = int(slider.size["width"] * ((90 - 50) / 49 - 0.5))
    drag = ActionChains(reader).move_to_element_with_offset(slider, thumb, 0).click_and_hold()
    for _ in range(8):
        drag = drag.move_by_offset(-8, 0)
    drag.release().perform()
    assert int(slider.get_attribute("value") or 0) < 75
    told = reader.find_element(By.CSS_SELECTOR, '[data-view="controls"] output').text
    assert told == f"{slider.get_attribute('value')} %"
