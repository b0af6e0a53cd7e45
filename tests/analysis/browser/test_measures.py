"""The measures in the browser are Python's: the same numbers to 1e-9, on every kind of grid."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri, stdtrit
from selenium import webdriver

from analysis.browser import script
from analysis.loading import Results
from analysis.measures import MEASURES, curves
from analysis.measures.grid import Grid, make_grid
from analysis.measures.pooling import thresholds
from analysis.measures.scales import DRAWS, scale_of
from analysis.tables import difference_table, robustness_table
from tests.analysis.browser.grids import (
    Choice,
    as_json,
    choices,
    chosen,
    difference_rows,
    grids,
    in_float32,
    robustness_rows,
)
from tests.analysis.chromium import console

pytestmark = pytest.mark.needs("chromium")
Call = Callable[..., Any]
MODULES = [f"measures/{name}.js" for name in ("grid", "robustness", "bars", "pooled_curves", "quantiles")]
HELPERS = """
window.bnsweep = Object.assign({}, ...Object.values(modules));
const floats = (values, Kind) => values && Kind.from(values, (value) => value ?? NaN);
window.gridOf = (grid, Kind = Float64Array) => {
  const arrays = ["accuracy", "diverged", "loss", "initialLoss"].map((name) => [name, floats(grid[name], Kind)]);
  return { ...grid, ...Object.fromEntries(arrays) };
};
window.curveOf = (curve, lrs, bar) => {
  const [scores, logLrs] = [floats(curve, Float64Array), Float64Array.from(lrs, Math.log10)];
  const gaps = bnsweep.gapsOf(scores, logLrs);
  const numbers = (found) => [found.value, found.low, found.high, found.gridSd, found.smooth].map(([number]) => number);
  return {
    width: numbers(bnsweep.trainableDecades(gaps, [bar], 1)),
    area: numbers(bnsweep.meanAccuracy(gaps, logLrs.at(-1) - logLrs[0])),
  };
};
window.all = ({ grid, kind, choice, baseline, fraction, bar }) => {
  const selection = bnsweep.prepare(gridOf(grid, kind === 32 ? Float32Array : Float64Array), choice);
  return {
    thresholds: [...bnsweep.thresholds(selection, fraction)],
    robustness: bnsweep.robustness(selection, { fraction, bar }),
    differences: bnsweep.differences(selection, { fraction, bar, baseline }),
    again: bnsweep.robustness(selection, { fraction: 0.7, bar: "any" }),
  };
};
"""


@pytest.fixture(scope="module")
def call(browser: webdriver.Chrome, tmp_path_factory: pytest.TempPathFactory) -> Call:
    """A function that evaluates an expression in the browser, of arguments that JSON can say; NaN is null there."""
    page: Path = tmp_path_factory.mktemp("page") / "index.html"
    page.write_text(f'<meta charset="utf-8"><script type="module">{script(*MODULES)}\n{HELPERS}</script>')
    browser.get(page.as_uri())
    assert console(browser) == []

    def evaluate(expression: str, *arguments: object) -> Any:
        text = json.dumps(arguments).replace("-Infinity", "-1e999").replace("Infinity", "1e999").replace("NaN", "null")
        returned = browser.execute_script(
            f"const given = JSON.parse(arguments[0]); return JSON.stringify({expression})", text
        )
        return json.loads(returned)

    return evaluate


def same(found: object, expected: object, place: str = "") -> None:
    """Require two trees of dicts, lists and numbers to be the same, to 1e-9; null is NaN."""
    if isinstance(expected, dict):
        assert isinstance(found, dict)
        assert found.keys() == expected.keys(), place
        for key, value in expected.items():
            same(found[key], value, f"{place} {key}")
    elif isinstance(expected, list):
        assert isinstance(found, list)
        assert len(found) == len(expected), (place, found, expected)
        for k, value in enumerate(expected):
            same(found[k], value, f"{value['norm']} {value['measure']}" if isinstance(value, dict) else f"{place} {k}")
    elif isinstance(expected, float):
        assert (np.nan if found is None else found) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), place
    else:
        assert found == expected, place


@given(st.data())
@settings(max_examples=60)
def test_every_measure_is_pythons(call: Call, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([32, 64]))
    grid = data.draw(grids())
    grid = in_float32(grid) if kind == 32 else grid
    choice = data.draw(choices(grid))
    baseline = data.draw(st.sampled_from(grid.norms))
    found = asked(call, grid, choice, baseline, kind)
    part = chosen(grid, choice)
    same(found["thresholds"], thresholds(part, choice.fraction).tolist())
    same(found["robustness"], robustness_rows(grid, choice))
    same(found["differences"], difference_rows(grid, choice, baseline))
    same(found["again"], robustness_rows(grid, Choice(choice.norms, choice.seeds, 0.7, "any")))


def asked(call: Call, grid: Grid, choice: Choice, baseline: str, kind: int = 64) -> dict[str, Any]:
    """Return what the browser says of a choice of a grid."""
    names = {"norms": choice.norms, "seeds": choice.seeds}
    judged = {"fraction": choice.fraction, "bar": choice.bar, "baseline": baseline, "kind": kind}
    found: dict[str, Any] = call("all(given[0])", {"grid": as_json(grid), "choice": names} | judged)
    return found


COLUMNS = {"grid_low": "gridLow", "grid_high": "gridHigh", "n_seeds": "nSeeds"}
COUNTS = {"at_least": "atLeast", "n_trials": "nTrials", "n_diverged": "nDiverged"}


def rows(table: pd.DataFrame, columns: dict[str, str]) -> list[dict[str, Any]]:
    """Return the rows of the table of one init that pool everything, named as in the browser."""
    pooled = table[table["init_gain"] == "all"]
    names = [name for name in ("norm", "baseline", "measure", "value", "low", "high") if name in pooled]
    return pooled[[*names, *columns]].astype({"norm": str}).rename(columns=columns).to_dict("records")


@pytest.mark.parametrize(("fraction", "bar"), [(0.9, "any"), (0.75, "own")])
def test_the_tables_of_a_sweep_are_pythons(call: Call, results: Results, fraction: float, bar: Any) -> None:
    choice = Choice(["none", "noisy_batch"], [0, 1, 2], fraction, bar)
    found = asked(call, make_grid(results.trials, results.curves), choice, "none")
    keep = results.trials["norm"].isin(choice.norms) & results.trials["seed"].isin(choice.seeds)
    part = replace(results, trials=results.trials[keep].reset_index(drop=True))
    for row in found["robustness"] + found["differences"]:
        del row["bySeed"]
    same(found["robustness"], rows(robustness_table(part, fraction, bar), COLUMNS | COUNTS))
    same(found["differences"], rows(difference_table(part, "none", fraction, bar), COLUMNS))


BAR = 0.9
NEAR = [BAR, BAR - 5e-10, BAR + 5e-10, BAR - 2e-9]
"""On the bar, or off it by rounding; the last is below."""
scores = st.one_of(st.just(np.nan), st.sampled_from([0.1, 0.5, *NEAR]), st.floats(0, 1))
curves_over_lr = st.lists(scores, min_size=1, max_size=8).flatmap(
    lambda curve: st.tuples(st.just(curve), st.sets(st.integers(-30, 10), min_size=len(curve), max_size=len(curve)))
)


@given(st.lists(curves_over_lr, min_size=1, max_size=20))
@settings(max_examples=20)
def test_widths_and_areas_of_single_curves_are_pythons(call: Call, drawn: list[tuple[list[float], set[int]]]) -> None:
    cases = [(curve, sorted(10 ** (place / 10) for place in places)) for curve, places in drawn]
    for (curve, lrs), found in zip(
        cases, call("given[0].map(([curve, lrs]) => curveOf(curve, lrs, 0.9))", cases), strict=True
    ):
        width, area = curves.trainable_decades(np.array(curve), lrs, BAR), curves.mean_accuracy(np.array(curve), lrs)
        for name, measured in (("width", width), ("area", area)):
            numbers = [measured.value, measured.low, measured.high, measured.grid_sd, measured.smooth]
            same(found[name], [float(number) for number in numbers], name)


def test_scales_are_equal_where_they_are_in_python(call: Call) -> None:
    gains = [
        0.5,
        1.0,
        1.12,
        1.125,
        1.13,
        1.375,
        1.38,
        float(np.sqrt(2)),
        2.125,
        2.12,
        float(np.sqrt(3)),
        float(np.sqrt(6)),
        1e-5,
    ]
    drawn = [(init, gain) for init in (*DRAWS, "own", "toString") for gain in gains]
    found = call("given[0].map(([init, gain]) => bnsweep.scaleOf(init, gain))", drawn)
    scales, keys = [scale_of(*one) for one in drawn], [(one["draw"], one["scale"]) for one in found]
    assert [one["draw"] for one in found] == [scale.draw for scale in scales]
    assert [keys.index(key) for key in keys] == [scales.index(scale) for scale in scales]
    assert len(set(scales)) < len(scales)


def test_quantiles_are_scipys(call: Call) -> None:
    levels = [1e-6, 0.01, 0.3, 0.5, 0.6, 0.9, 0.975, 0.9875, 0.99375, 0.999375, 0.9999375, 1 - 1e-9]
    expression = "given[0].map((p) => given[1].map((df) => bnsweep.studentQuantileAt(df, p)))"
    student = call(expression, levels, [*range(1, 201)])
    np.testing.assert_allclose(student, stdtrit(np.arange(1, 201), np.array(levels)[:, None]), rtol=1e-13, atol=1e-15)
    normal = call("given[0].map((p) => bnsweep.normalQuantileAt(p))", levels)
    np.testing.assert_allclose(normal, ndtri(levels), rtol=1e-13, atol=1e-15)


def test_inits_and_gains_that_no_chosen_mode_has_are_not_counted(call: Call, results: Results) -> None:
    grid = make_grid(results.trials, results.curves)
    accuracy = grid.accuracy.copy()
    accuracy[:, grid.norms.index("none"), :, 1:] = np.nan
    holed, choice = replace(grid, accuracy=accuracy), Choice(["none"], grid.seeds, 0.9, "any")
    found = asked(call, holed, choice, "none")["robustness"]
    same(found, robustness_rows(holed, choice))
    of_several = {name for name, measure in MEASURES.items() if measure.min_inits * measure.min_gains > 1}
    assert {row["measure"] for row in found} == MEASURES.keys() - of_several


def test_losses_that_are_not_known_give_no_sensitivity(call: Call, results: Results) -> None:
    grid = as_json(make_grid(results.trials, results.curves)) | {"loss": None, "initialLoss": None}
    found = call("bnsweep.robustness(bnsweep.prepare(gridOf(given[0])))", grid)
    values = [row["value"] for row in found if row["measure"] == "lr_sensitivity"]
    assert values == [None] * 3


def test_a_bar_that_is_none_is_refused(call: Call, results: Results) -> None:
    asking = 'bnsweep.robustness(bnsweep.prepare(gridOf(given[0])), { bar: "owm" })'
    expression = f"(() => {{ try {{ {asking}; }} catch (error) {{ return `${{error}}`; }} }})()"
    message = call(expression, as_json(make_grid(results.trials, results.curves)))
    assert message == "RangeError: bar: got owm; allowed: any, own"
