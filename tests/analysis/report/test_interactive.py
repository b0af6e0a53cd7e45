"""The report as it answers: a reader chooses, points, opens a trial, keeps a link; in a real browser, from a disk."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from analysis import load, robustness_table
from analysis.loading import Results
from analysis.report import write_report
from analysis.report.page import write_page
from analysis.report.payload import build
from analysis.tables import difference_table
from analysis.tables.pooled import pooled_rows
from bnsweep.results.schema import METRIC_TABLES
from tests.analysis.chromium import console
from tests.analysis.unrendered import leave_out_rendering
from tests.synthetic import commit_rows, make_specs, write_sweep

pytestmark = pytest.mark.needs("chromium")
NORMS = ["none", "batch", "noisy_batch"]
VIEWS = ("lead", "map", "accuracy", "measures", "training", "landscape", "shift", "scatter", "trials")
WITHIN_S = 60
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


def wait_for_address(browser: webdriver.Chrome, part: str, *, is_end: bool = False) -> None:
    """Wait until the page's address holds what was chosen."""
    found = str.endswith if is_end else str.__contains__
    WebDriverWait(browser, WITHIN_S).until(lambda at: found(at.current_url, part))


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
    wait_for_address(reader, "fraction=0.89")
    assert reader.execute_script("return document.activeElement.type") == "range"  # and goes on from there
    assert [cell.get_attribute("textContent") for cell in reader.find_elements(By.CLASS_NAME, "verdict")] == verdicts
    view(reader, "controls").find_element(By.CSS_SELECTOR, '[data-name="reset"]').click()
    WebDriverWait(reader, WITHIN_S).until(lambda _: not mark.is_displayed())
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


def test_escape_closes_a_trial_and_gives_the_focus_back(reader: webdriver.Chrome) -> None:
    canvas = view(reader, "map").find_element(By.TAG_NAME, "canvas")
    canvas.send_keys(Keys.ENTER)
    wait_for_text(reader, "trial", "To repeat it")
    ActionChains(reader).send_keys(Keys.ESCAPE).perform()
    panel = reader.find_element(By.CSS_SELECTOR, '[data-view="trial"]')
    WebDriverWait(reader, WITHIN_S).until(lambda _: not panel.is_displayed())
    assert reader.execute_script("return document.activeElement.tagName") == "CANVAS"


def page_of(tmp_path: Path, results: Results) -> Path:
    return write_page(results, tmp_path / "report", "here")


@pytest.mark.usefixtures("words_only")
@pytest.mark.parametrize("kind", ["real targets", "one lr", "many trials"])
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
