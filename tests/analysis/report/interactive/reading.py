"""A reader of the page in a real browser: opens it, looks at a view, waits for what it says."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.analysis.chromium import console
from tests.waiting import HANGS_AFTER_S

NORMS = ["none", "batch", "noisy_batch"]
VIEWS = ("lead", "map", "accuracy", "measures", "training", "landscape", "shift", "scatter", "trials")
HOSTILE = '</script><img src=x onerror="window.wasRun = true"><script>window.wasRun = true</script>'


def open_page(browser: webdriver.Chrome, page: Path, **chosen: object) -> webdriver.Chrome:
    """Open the page as a link that holds what was chosen does, and wait until it is ready."""
    browser.get("about:blank")
    browser.get(f"{page.as_uri()}#{urlencode({name: json.dumps(value) for name, value in chosen.items()})}")
    WebDriverWait(browser, HANGS_AFTER_S).until(
        lambda at: at.execute_script("return document.documentElement.dataset.ready ?? null")
    )
    assert console(browser) == []
    return browser


def view(browser: webdriver.Chrome, name: str) -> WebElement:
    """Return a view once it is drawn: it is when it comes into sight."""
    found = _brought_into_sight(browser, name)
    WebDriverWait(browser, HANGS_AFTER_S).until(lambda _: found.find_elements(By.CSS_SELECTOR, "*"))
    return found


def wait_for_text(browser: webdriver.Chrome, name: str, text: str) -> None:
    """Wait until a view says this: beyond the screen it would stay as it is."""
    found = _brought_into_sight(browser, name)
    WebDriverWait(browser, HANGS_AFTER_S).until(lambda _: text in found.text)


def _brought_into_sight(browser: webdriver.Chrome, name: str) -> WebElement:
    found = browser.find_element(By.CSS_SELECTOR, f'[data-view="{name}"]')
    browser.execute_script("arguments[0].scrollIntoView()", found)
    return found


def wait_for_address(browser: webdriver.Chrome, part: str, *, is_end: bool = False) -> None:
    """Wait until the page's address holds what was chosen."""
    found = str.endswith if is_end else str.__contains__
    WebDriverWait(browser, HANGS_AFTER_S).until(lambda at: found(at.current_url, part))
