"""The report as a reader sees it, in a real browser, on a phone's screen and a desk's, and on paper."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from selenium import webdriver

from analysis.comparison import compare, write_comparison
from tests.analysis.chromium import console, overflowing, resize
from tests.synthetic import make_specs, write_sweep

WIDTHS_PX = (390, 1440)
pytestmark = pytest.mark.needs("chromium")


@pytest.mark.parametrize("width_px", WIDTHS_PX)
def test_nothing_overflows_nothing_is_missing_and_nothing_complains(
    browser: webdriver.Chrome, report: Path, width_px: int
) -> None:
    resize(browser, width_px)
    browser.get(report.as_uri())
    assert console(browser) == []
    assert overflowing(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width_px
    images = browser.execute_script("return [...document.images].map((i) => [i.naturalWidth, i.clientWidth, i.alt])")
    assert len(images) >= 5
    assert all(natural > 0 and shown > 200 and alt for natural, shown, alt in images)


@pytest.mark.parametrize("width_px", WIDTHS_PX)
def test_a_comparison_fits_the_screen(
    browser: webdriver.Chrome, tmp_path: Path, sweep_dir: Path, width_px: int
) -> None:
    write_sweep(tmp_path / "short", make_specs(gains=[1.0], num_seeds=3, probes=False, steps=100))
    page = write_comparison(compare([sweep_dir, tmp_path / "short"]), tmp_path / "page")
    resize(browser, width_px)
    browser.get(page.as_uri())
    assert console(browser) == []
    assert overflowing(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width_px
    (shown,) = browser.execute_script("return [...document.images].map((i) => i.naturalWidth && i.clientWidth)")
    assert shown > 200


def test_text_is_large_enough_to_read_on_a_phone(browser: webdriver.Chrome, report: Path) -> None:
    resize(browser, 390)
    browser.get(report.as_uri())
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('p, li, td, th, figcaption')]"
        ".map((e) => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 12


def test_every_figure_leads_to_its_numbers(browser: webdriver.Chrome, report: Path) -> None:
    browser.get(report.as_uri())
    links = browser.execute_script("return [...document.querySelectorAll('figure a')].map((a) => a.href)")
    csv = [link for link in links if link.endswith(".csv")]
    figures = browser.execute_script("return document.querySelectorAll('figure').length")
    assert len(csv) >= figures > 0
    for link in csv:
        browser.get("view-source:" + link)
        assert "," in browser.find_element("tag name", "body").text


def test_it_can_be_printed(browser: webdriver.Chrome, report: Path) -> None:
    browser.get(report.as_uri())
    paper = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert base64.b64decode(paper["data"]).startswith(b"%PDF")
