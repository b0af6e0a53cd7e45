"""A link holds what was chosen, whoever wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.analysis.chromium import console
from tests.analysis.report.interactive.reading import (
    NORMS,
    VIEWS,
    open_page,
    view,
    wait_for_address,
    wait_for_text,
)
from tests.waiting import HANGS_AFTER_S

pytestmark = pytest.mark.needs("chromium")


NONSENSE: list[dict[str, object]] = [
    {"norms": 5, "seeds": "x", "setting": "length", "fraction": 7, "bar": "zzz", "brush": 5, "init": "zzz", "gain": 77},
    {
        "norms": ["zzz"],
        "seeds": [99],
        "setting": -1,
        "fraction": "abc",
        "brush": [0.02, 0.05],
        "at": 3,
        "measure": "zzz",
        "baseline": "zzz",
    },
    {
        "norms": [],
        "seeds": [0, 0],
        "setting": 7,
        "map": "zzz",
        "training": "beta",
        "layers": 1,
        "trial": 5,
        "against": {},
        "baseline": "none",
    },
    {"norms": None, "gain": "0.5", "trial": "0123456789abcdef", "__proto__": 1, "constructor": 2, "fraction": None},
]


@pytest.mark.parametrize("chosen", NONSENSE, ids=range(len(NONSENSE)))
def test_a_link_of_another_page_chooses_what_there_is(
    browser: webdriver.Chrome, page: Path, chosen: dict[str, object]
) -> None:
    open_page(browser, page, **chosen)
    for name in VIEWS:
        assert not view(browser, name).find_elements(By.CLASS_NAME, "missing"), name
    assert not browser.find_element(By.CSS_SELECTOR, '[data-view="exploring"]').is_displayed()
    assert all(box.is_selected() for box in browser.find_elements(By.CSS_SELECTOR, '[type="checkbox"]'))
    assert console(browser) == []


def test_a_place_of_the_page_is_gone_to_without_losing_what_was_chosen(browser: webdriver.Chrome, page: Path) -> None:
    open_page(browser, page, fraction=0.7)
    link = browser.find_element(By.CSS_SELECTOR, 'a[href="#definitions"]')
    browser.execute_script("arguments[0].closest('details').open = true; arguments[0].click()", link)
    assert browser.execute_script("return document.activeElement.id") == "definitions"
    assert "fraction=0.7" in browser.current_url


def test_a_link_that_is_pasted_into_an_open_page_is_followed(reader: webdriver.Chrome) -> None:
    reader.execute_script("location.hash = 'fraction=0.6'")
    wait_for_text(reader, "exploring", "60 %")


def wait_for_modes(browser: webdriver.Chrome, norms: list[str]) -> None:
    """Wait until these modes are ticked: the page draws them anew after its address has changed."""
    ticked = """
        const boxes = [...document.querySelectorAll('[data-name^="norms "]')];
        return boxes.filter((box) => box.checked).map((box) => box.dataset.name.slice("norms ".length));
    """
    WebDriverWait(browser, HANGS_AFTER_S).until(lambda at: at.execute_script(ticked) == norms)


def test_back_takes_a_choice_back_and_forward_makes_it_again(reader: webdriver.Chrome) -> None:
    for norm in ("batch", "noisy_batch"):
        reader.find_element(By.CSS_SELECTOR, f'[data-name="norms {norm}"]').click()
        wait_for_address(reader, "norms=" if norm == "batch" else "none%22%5D")
    reader.back()
    wait_for_modes(reader, ["none", "noisy_batch"])
    reader.back()
    wait_for_modes(reader, NORMS)
    assert "norms" not in reader.current_url
    reader.forward()
    wait_for_modes(reader, ["none", "noisy_batch"])
    assert "noisy_batch" in reader.current_url
