"""How long the reader of a page waits, in headless chromium: until the first picture, and after a change."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

from selenium import webdriver

from tests.analysis.chromium import chromium, resize

FIRST_PICTURE_S = 120
"""How long to wait for it at most."""
OPENED, CHANGES = 3, 9
"""How often the page is opened, and how often its threshold is moved."""
WIDTH_PX = 1440
WATCH = """
    new MutationObserver((_, watch) => {
      if (!document.querySelector('[data-view="lead"] :is(svg, canvas)')) return;
      watch.disconnect();
      requestAnimationFrame(() => setTimeout(() => (window.firstPicture = performance.now())));
    }).observe(document, { childList: true, subtree: true });
"""
"""Runs before the page does: notes when the lead has been painted, in milliseconds from the start of the navigation."""
COLOUR = """
    const done = arguments[0];
    document.querySelector('[data-view="map"]').scrollIntoView({ block: "center" });
    const choose = () => {
      const menu = document.querySelector('[data-name="Colour"]');
      if (!menu) return requestAnimationFrame(choose);
      menu.value = "trains";
      menu.dispatchEvent(new Event("change"));
      requestAnimationFrame(() => setTimeout(done));
    };
    choose();
"""
"""Colours the map by what trains: by its mean accuracy it does not hang on the threshold."""
CHANGE = """
    const [percent, done] = arguments;
    const names = ["lead", "map"];
    document.querySelector('[data-view="map"]').scrollIntoView({ block: "center" });
    const views = names.map((name) => document.querySelector(`[data-view="${name}"]`));
    const drawn = views.map(() => false);
    const watches = views.map((view, k) => new MutationObserver(() => (drawn[k] = true)));
    const slider = document.querySelector('[data-name="fraction"]');
    requestAnimationFrame(() => requestAnimationFrame(() => {
      views.forEach((view, k) => watches[k].observe(view, { attributes: true, childList: true, subtree: true }));
      const start = performance.now();
      slider.value = percent;
      slider.dispatchEvent(new Event("input"));
      const told = () => done([performance.now() - start, names.filter((_, k) => !drawn[k])]);
      requestAnimationFrame(() => setTimeout(told));
    }));
"""
"""Moves the threshold; says how many milliseconds later what is on the screen was painted, and which views were not."""


@dataclass(frozen=True)
class Waited:
    """Medians over turns."""

    first_picture_s: float
    change_ms: float
    turns: str


def measure_page(page: Path) -> Waited:
    """Open the page some times, and move its threshold.

    Raises:
        TimeoutException: it shows no picture in two minutes. RuntimeError: a change does not reach lead and map.
    """
    with chromium() as browser:
        browser.set_script_timeout(FIRST_PICTURE_S)
        browser.set_page_load_timeout(FIRST_PICTURE_S)
        resize(browser, WIDTH_PX)
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        opened = [_first_picture_ms(browser, page) for _ in range(OPENED)]
        browser.execute_async_script(COLOUR)
        changed = [_change_ms(browser, 60 + 4 * k) for k in range(CHANGES)]
    return Waited(statistics.median(opened) / 1000, statistics.median(changed), f"{OPENED} and {CHANGES}")


def _first_picture_ms(browser: webdriver.Chrome, page: Path) -> float:
    from selenium.webdriver.support.wait import WebDriverWait

    browser.get("about:blank")
    browser.get(page.as_uri())
    seen = WebDriverWait(browser, FIRST_PICTURE_S).until(lambda it: it.execute_script("return window.firstPicture"))
    return float(seen)


def _change_ms(browser: webdriver.Chrome, percent: int) -> float:
    passed, left_out = browser.execute_async_script(CHANGE, str(percent))
    if left_out:
        raise RuntimeError(f"a change of the threshold did not draw {' and '.join(left_out)} anew")
    return float(passed)
