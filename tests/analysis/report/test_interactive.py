"""The report as it answers: a reader chooses, points, opens a trial, keeps a link; in a real browser, from a disk."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from analysis import load, robustness_table
from analysis.loading import Results
from analysis.report import write_report
from analysis.tables import difference_table
from analysis.tables.pooled import pooled_rows
from tests.analysis.chromium import console
from tests.analysis.unrendered import leave_out_rendering
from tests.synthetic import commit_rows, make_specs, write_sweep

pytestmark = pytest.mark.needs("chromium")
NORMS = ["none", "batch", "noisy_batch"]
WITHIN_S = 20
HOSTILE = '</script><img src=x onerror="window.wasRun = true"><script>window.wasRun = true</script>'


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of four seeds, one of whose trials failed with what would be markup."""
    directory = tmp_path_factory.mktemp("four") / "sweep"
    specs = write_sweep(directory, make_specs(gains=[0.5, 2.0], num_seeds=4), keep=lambda spec: spec.lr != 10)
    lost = next(spec.trial_key for spec in specs if spec.lr == 10)
    commit_rows(directory, {"failures": [{"trial_key": lost, "attempt": 1, "error": HOSTILE}]})
    return directory


@pytest.fixture(scope="module")
def results(sweep: Path) -> Results:
    return load(sweep)


@pytest.fixture(scope="module")
def page(sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The report, its figures not rendered: what is asked here does not hang on them."""
    with pytest.MonkeyPatch.context() as patch:
        leave_out_rendering(patch)
        yield write_report(sweep, tmp_path_factory.mktemp("page") / "report")


@pytest.fixture
def reader(browser: webdriver.Chrome, page: Path) -> webdriver.Chrome:
    """The browser with the page open and ready."""
    return open_page(browser, page)


def open_page(browser: webdriver.Chrome, page: Path, **chosen: object) -> webdriver.Chrome:
    """Open the page as a link that holds what was chosen does, and wait until it is ready."""
    browser.get("about:blank")
    browser.get(f"{page.as_uri()}#{urlencode({name: json.dumps(value) for name, value in chosen.items()})}")
    WebDriverWait(browser, WITHIN_S).until(
        lambda at: at.execute_script("return document.documentElement.dataset.ready ?? null")
    )
    assert console(browser) == []
    return browser


def view(browser: webdriver.Chrome, name: str) -> WebElement:
    """Return a view once it is drawn: it is when it comes into sight."""
    found = browser.find_element(By.CSS_SELECTOR, f'[data-view="{name}"]')
    browser.execute_script("arguments[0].scrollIntoView()", found)
    WebDriverWait(browser, WITHIN_S).until(lambda _: found.find_elements(By.CSS_SELECTOR, "*"))
    return found


def wait_for_text(browser: webdriver.Chrome, name: str, text: str) -> None:
    WebDriverWait(browser, WITHIN_S).until(
        lambda at: text in at.find_element(By.CSS_SELECTOR, f'[data-view="{name}"]').text
    )


def shown(browser: webdriver.Chrome) -> pd.DataFrame:
    """Return the numbers of the table of measures, a row per mode, to their last digit."""
    table = view(browser, "measures").find_element(By.TAG_NAME, "table")
    rows = browser.execute_script(
        "return [...arguments[0].tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.dataset.value))", table
    )
    columns = ["norm", "value", "low", "high", "grid_low", "grid_high", "minus", "minus_low", "minus_high", "n_seeds"]
    frame = pd.DataFrame(rows, columns=columns).set_index("norm")
    return frame.apply(pd.to_numeric)


@pytest.mark.parametrize("measure", ["mean_accuracy", "trainable_decades", "divergence_rate", "trained_inits"])
def test_what_is_chosen_moves_measures_as_python_computes_them(
    browser: webdriver.Chrome, page: Path, results: Results, measure: str
) -> None:
    seeds, norms, fraction = [0, 2, 3], ["none", "noisy_batch"], 0.75
    open_page(browser, page, norms=norms, seeds=seeds, fraction=fraction, measure=measure)
    found = shown(browser)
    trials = results.trials[results.trials["norm"].isin(norms) & results.trials["seed"].isin(seeds)]
    chosen = replace(results, trials=trials.reset_index(drop=True))
    expected = pooled_rows(robustness_table(chosen, fraction), measure).set_index("norm")
    for column in ("value", "low", "high", "grid_low", "grid_high", "n_seeds"):
        assert found[column].tolist() == pytest.approx(expected[column].tolist(), abs=1e-9, nan_ok=True), column
    minus = pooled_rows(difference_table(chosen, fraction=fraction), measure).set_index("norm").loc["noisy_batch"]
    for column in ("value", "low", "high"):
        name = "minus" if column == "value" else f"minus_{column}"
        assert found.loc["noisy_batch", name] == pytest.approx(minus[column], abs=1e-9, nan_ok=True)


def test_verdicts_stay_and_what_differs_from_them_is_marked(reader: webdriver.Chrome) -> None:
    mark = reader.find_element(By.CSS_SELECTOR, '[data-view="exploring"]')
    verdicts = [cell.get_attribute("textContent") for cell in reader.find_elements(By.CLASS_NAME, "verdict")]
    assert not mark.is_displayed()
    slider = view(reader, "controls").find_element(By.CSS_SELECTOR, 'input[type="range"]')
    slider.send_keys(Keys.ARROW_LEFT)
    WebDriverWait(reader, WITHIN_S).until(lambda _: mark.is_displayed())
    assert mark.text.startswith("Exploration: ")
    assert "fraction=0.89" in reader.current_url
    assert reader.execute_script("return document.activeElement.type") == "range"  # and goes on from there
    assert [cell.get_attribute("textContent") for cell in reader.find_elements(By.CLASS_NAME, "verdict")] == verdicts
    view(reader, "controls").find_element(By.CSS_SELECTOR, '[data-name="reset"]').click()
    WebDriverWait(reader, WITHIN_S).until(lambda _: not mark.is_displayed())
    assert reader.current_url.endswith("index.html")


def test_a_mode_is_left_out_of_every_view_but_the_last_is_kept(browser: webdriver.Chrome, page: Path) -> None:
    open_page(browser, page, norms=["batch", "none"])
    assert "noisy_batch" not in view(browser, "map").text + view(browser, "lead").text + view(browser, "trials").text
    boxes = {name: f'[data-name="norms {name}"]' for name in NORMS}
    for name in ("batch", "none"):
        browser.find_element(By.CSS_SELECTOR, boxes[name]).click()
    assert browser.find_element(By.CSS_SELECTOR, boxes["none"]).is_selected()
    wait_for_text(browser, "controls", "none")
    assert "norms=%5B%22none%22%5D" in browser.current_url


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
    WebDriverWait(reader, WITHIN_S).until(lambda _: not panel.is_displayed())


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


def test_dragging_along_the_learning_rate_moves_the_other_views(reader: webdriver.Chrome) -> None:
    ground = view(reader, "accuracy").find_element(By.CSS_SELECTOR, ".ground")
    drag = """
        const box = arguments[0].getBoundingClientRect();
        arguments[0].setPointerCapture = () => null;
        const at = (share) => ({ clientX: box.x + share * box.width, clientY: box.y + 9, pointerId: 1 });
        for (const [kind, share] of [["pointerdown", 0.02], ["pointermove", 0.3], ["pointerup", 0.45]]) {
          arguments[0].dispatchEvent(new PointerEvent(kind, at(share)));
        }
    """
    reader.execute_script(drag, ground)
    assert "brush=" in reader.current_url
    assert "show one rate again" in view(reader, "landscape").text
    rates = {row.split()[4] for row in view(reader, "trials").text.splitlines() if row[:16].isalnum() and len(row) > 40}
    assert rates == {"0.001", "0.01"}


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
    assert lines[0].startswith("norm,value,low,high,grid low")
    assert len(lines) == 1 + len(NORMS)
    assert float(lines[1].split(",")[1]) == pytest.approx(values[0], abs=5e-4)


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
