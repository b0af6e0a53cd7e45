"""A real browser: Debian's chromium, headless."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """Start the browser; a test that does is marked `needs("chromium")`."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield browser
    finally:
        browser.quit()


def resize(browser: webdriver.Chrome, width_px: int) -> None:
    """Make the viewport this wide; the window itself cannot be as narrow as a phone."""
    metrics = {"width": width_px, "height": 900, "deviceScaleFactor": 1, "mobile": width_px < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def overflowing(browser: webdriver.Chrome) -> list[str]:
    """Return the elements that reach beyond the right edge of the page, and do not scroll in a box of their own."""
    found: list[str] = browser.execute_script(
        """
        const scrolls = (e) => e && e !== document.body &&
          (["auto", "scroll"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
        return [...document.body.querySelectorAll("*")]
          .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !scrolls(e))
          .map((e) => e.outerHTML.slice(0, 120));
        """
    )
    return found


def console(browser: webdriver.Chrome) -> list[dict[str, Any]]:
    """Return what the page said to the console since this was last asked."""
    logged: list[dict[str, Any]] = browser.get_log("browser")  # type: ignore[no-untyped-call]  # selenium's
    return logged
