"""Trials are pointed at, opened and closed, by pointer and by keyboard; tables are sorted and saved."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from analysis.loading import Results
from tests.analysis.report.interactive.reading import (
    NORMS,
    view,
    wait_for_text,
)
from tests.waiting import HANGS_AFTER_S

pytestmark = pytest.mark.needs("chromium")


def test_a_trial_is_opened_with_its_curves_and_the_command_that_repeats_it(
    reader: webdriver.Chrome, sweep: Path, results: Results
) -> None:
    point = view(reader, "accuracy").find_elements(By.CSS_SELECTOR, ".point")[5]
    reader.execute_script("arguments[0].dispatchEvent(new MouseEvent('click'))", point)
    wait_for_text(reader, "trial", "To repeat it")
    panel = reader.find_element(By.CSS_SELECTOR, '[data-view="trial"]')
    command = panel.find_element(By.TAG_NAME, "code").text
    key = command.split()[-1]
    assert command == f"bnsweep repro {sweep} {key}"
    trial = results.trials.set_index("trial_key").loc[key]
    for words in (
        f"norm\n{trial['norm']}",
        f"lr\n{trial['lr']:g}",
        f"seed\n{trial['seed']}",
        f"{trial['test_acc']:.4f}",
    ):
        assert words in panel.text
    assert len(panel.find_elements(By.TAG_NAME, "svg")) >= 4
    assert reader.execute_script("return document.activeElement.textContent") == f"Trial {key}"
    panel.find_element(By.CSS_SELECTOR, "[aria-label='Close the trial']").click()
    WebDriverWait(reader, HANGS_AFTER_S).until(lambda _: not panel.is_displayed())


POINT_AT = """
    const box = arguments[0].getBoundingClientRect();
    const middle = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
    arguments[0].dispatchEvent(new PointerEvent("pointermove", middle));
"""


def test_pointing_at_a_mark_names_it(reader: webdriver.Chrome) -> None:
    for name, mark in (("lead", ".target"), ("map", "canvas"), ("accuracy", ".point"), ("measures", "circle")):
        found = view(reader, name).find_element(By.CSS_SELECTOR, mark)
        reader.execute_script(POINT_AT, found)
        told = reader.find_element(By.CLASS_NAME, "tooltip")
        assert told.is_displayed(), name
        assert any(norm in told.text for norm in NORMS), name


def test_the_map_is_read_by_the_keyboard(reader: webdriver.Chrome) -> None:
    canvas = view(reader, "map").find_element(By.TAG_NAME, "canvas")
    canvas.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    live = reader.find_element(By.ID, "live").get_attribute("textContent") or ""
    assert re.match(r"none, xavier_uniform, gain 0.5, lr 0.01, accuracy 0\.\d+, mean of 4, \d+ % train", live), live
    canvas.send_keys(Keys.ENTER)
    wait_for_text(reader, "trial", "To repeat it")
    assert "0.5" in reader.find_element(By.CSS_SELECTOR, '[data-view="trial"]').text


def test_escape_closes_a_trial_and_gives_the_focus_back(reader: webdriver.Chrome) -> None:
    canvas = view(reader, "map").find_element(By.TAG_NAME, "canvas")
    canvas.send_keys(Keys.ENTER)
    wait_for_text(reader, "trial", "To repeat it")
    ActionChains(reader).send_keys(Keys.ESCAPE).perform()
    panel = reader.find_element(By.CSS_SELECTOR, '[data-view="trial"]')
    WebDriverWait(reader, HANGS_AFTER_S).until(lambda _: not panel.is_displayed())
    assert reader.execute_script("return document.activeElement.tagName") == "CANVAS"


def test_tables_are_sorted_and_saved(reader: webdriver.Chrome) -> None:
    table = view(reader, "measures").find_element(By.TAG_NAME, "table")
    reader.execute_script("window.saved = []; URL.createObjectURL = (blob) => { window.saved.push(blob); return '#'; }")
    press = table.find_elements(By.CSS_SELECTOR, "th button")[1]
    reader.execute_script("arguments[0].click()", press)
    values = [
        float(row.find_elements(By.TAG_NAME, "td")[1].text) for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")
    ]
    assert values == sorted(values)
    assert press.find_element(By.XPATH, "..").get_attribute("aria-sort") == "ascending"
    reader.execute_script("arguments[0].click()", view(reader, "measures").find_element(By.CLASS_NAME, "save"))
    text = reader.execute_async_script("window.saved[0].text().then(arguments[arguments.length - 1])")
    lines = text.splitlines()
    assert lines[0].startswith('norm,value,interval low,interval high,"tested rates allow, least"')
    headings = next(csv.reader(lines))
    assert len(set(headings)) == len(headings)
    assert len(lines) == 1 + len(NORMS)
    assert float(lines[1].split(",")[1]) == pytest.approx(values[0], abs=5e-4)
