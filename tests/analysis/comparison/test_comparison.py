"""Sweeps side by side: the numbers of each, what differs, and what they share."""

import math
import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.comparison import Comparison, compare, comparison_text, write_comparison
from analysis.comparison.data import other_versions
from analysis.comparison.figure import MARKERS, PANELS, comparison_data, draw_comparison
from analysis.comparison.text import side_by_side
from analysis.tables import robustness_table
from analysis.tables.pooled import pooled_rows
from bnsweep.errors import InputError
from bnsweep.results import Store
from tests.in_process import Run
from tests.synthetic import make_specs, write_sweep


def store_name(directory: Path, name: str) -> None:
    """Give the sweep in `directory` a name of its own."""
    store = Store.open(directory)
    declared = store.declared()
    assert declared is not None
    store.declare(name, declared["trial_keys"], declared["sweep_file"])


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A sweep of three modes and one of three others over fewer learning rates with momentum, two trials missing."""
    root = tmp_path_factory.mktemp("sweeps")
    write_sweep(root / "plain", make_specs(probes=False))
    store_name(root / "plain", "plain")
    some = make_specs(["none", "batch", "layer"], lrs=[1e-2, 1e-1, 1.0], num_seeds=3, momentum=0.9)
    write_sweep(root / "other", some, keep=lambda spec: spec.lr < 1 or spec.seed < 2 or spec.init_gain < 2)
    store_name(root / "other", "other")
    return root / "plain", root / "other"


@pytest.fixture(scope="module")
def comparison(places: tuple[Path, Path]) -> Comparison:
    return compare(places)


def test_each_sweep_is_measured_as_its_own_report_does(comparison: Comparison, places: tuple[Path, Path]) -> None:
    for name, place in zip(comparison.names, places, strict=True):
        own = robustness_table(analysis.load(place))
        for measure in own["measure"].unique():
            found = comparison.table[(comparison.table["sweep"] == name) & (comparison.table["measure"] == measure)]
            expected = pooled_rows(own, measure)[list(found.columns.drop("sweep"))]
            found = found.drop(columns="sweep").reset_index(drop=True).astype({"norm": own["norm"].dtype})
            pd.testing.assert_frame_equal(found, expected)


def test_only_what_differs_is_named(comparison: Comparison) -> None:
    fields = {row["field"]: (row["plain"], row["other"]) for row in comparison.differing.to_dict("records")}
    assert list(fields) == ["momentum", "landscape", "ics", "moments", "layers", "flatness", "norm", "lr", "seed"]
    assert fields["momentum"] == ("0", "0.9")
    assert fields["lr"] == ("0.001, 0.01, 0.1, 1, 10", "0.01, 0.1, 1")
    assert fields["ics"] == ("none", "every 25")


def test_versions_are_named_where_they_differ(places: tuple[Path, Path]) -> None:
    one, other = (analysis.load(place) for place in places)
    newer = replace(other, trials=other.trials.assign(semantics_version=9))
    same = replace(one, trials=one.trials.assign(semantics_version=9))
    (note,) = other_versions({"a": replace(one, trials=one.trials.assign(semantics_version=None)), "b": newer})
    assert "(a: before 4; b: 9), between which the same spec gives other numbers" in note
    assert other_versions({"a": same, "b": newer}) == []


def test_a_sweep_that_is_not_done_is_named(comparison: Comparison) -> None:
    assert comparison.notes == ["other is incomplete: 3 trials are missing"]


def test_the_same_trials_in_two_sweeps_are_counted(places: tuple[Path, Path], tmp_path: Path) -> None:
    again = tmp_path / "again"
    write_sweep(again, make_specs(lrs=[1e-3, 1e-2, 1e-1], probes=False))
    notes = compare([places[0], again]).notes
    assert notes == ["54 trials are the same in plain (90) and synthetic (54): for those, agreement is no confirmation"]


def test_sweeps_of_the_same_name_go_by_their_place_and_configurations_are_apart(tmp_path: Path) -> None:
    few = {"gains": [1.0], "num_seeds": 1, "probes": False}
    write_sweep(tmp_path / "a", make_specs(**few))  # type: ignore[arg-type]
    write_sweep(tmp_path / "b", [*make_specs(**few), *make_specs(**few, steps=100)])  # type: ignore[arg-type]
    said = list[str]()
    names = compare([tmp_path / "a", tmp_path / "b"], said.append).names
    loading = [f"loading {tmp_path}/a", f"loading {tmp_path}/b"]
    assert said == [*loading, *(f"computing the robustness of {name}" for name in names)]
    assert names == [f"{tmp_path}/a", f"{tmp_path}/b: steps 100", f"{tmp_path}/b: steps 200"]


def test_what_cannot_be_compared_is_refused(places: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two results directories or more"):
        compare(places[:1])
    with pytest.raises(InputError, match="is given twice"):
        compare([places[0], places[0].parent / "." / "plain"])
    with pytest.raises(InputError, match="no such directory"):
        compare([places[0], tmp_path / "nowhere"])
    write_sweep(
        tmp_path,
        [
            spec
            for steps in range(1, 11)
            for spec in make_specs(["none"], gains=[1.0], lrs=[0.1], num_seeds=1, probes=False, steps=steps)
        ],
    )
    with pytest.raises(InputError, match=r"11 sweeps or configurations.*at most 10"):
        compare([places[0], tmp_path])


def test_the_title_is_the_lead_of_batch_in_each(comparison: Comparison) -> None:
    table = comparison.table[comparison.table["measure"] == "mean_accuracy"].set_index(["sweep", "norm"])["value"]
    gains = [table[name, "batch"] - table[name, "none"] for name in ("plain", "other")]
    words = f"+{gains[0]:.2f} in plain, +{gains[1]:.2f} in other"
    assert comparison_data(comparison).title == f"Mean accuracy over log lr, batch less none: {words}"


def test_every_value_is_drawn_once_with_the_marker_of_its_sweep(comparison: Comparison) -> None:
    data = comparison_data(comparison)
    axes = draw_comparison(data).axes
    for ax, measure in zip(axes, PANELS, strict=True):
        rows = comparison.table[comparison.table["measure"] == measure]
        for sweep, marker in zip(comparison.names, MARKERS, strict=False):
            drawn = [x for line in ax.lines if line.get_marker() == marker for x in np.asarray(line.get_xdata())]
            assert sorted(drawn) == pytest.approx(sorted(rows.loc[rows["sweep"] == sweep, "value"]))


def test_a_mode_that_a_sweep_lacks_has_no_value(comparison: Comparison) -> None:
    for by_norm in side_by_side(comparison).values():
        assert by_norm["noisy_batch"][1].value == "-"
        assert by_norm["layer"][0].value == "-"
        assert by_norm["none"][0].value != "-"


def test_the_page_stands_alone(comparison: Comparison, tmp_path: Path) -> None:
    page = write_comparison(comparison, tmp_path / "page")
    html = page.read_text(encoding="utf-8")
    assert not re.search(r"https?:|<script|url\(", html)
    (image,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert b64decode(image) == (page.parent / "figures" / "compare.png").read_bytes()
    for link in re.findall(r'href="(figures/[^"]+)"', html):
        assert (page.parent / link).stat().st_size > 0
    assert "other is incomplete: 3 trials are missing." in html
    stored = pd.read_csv(page.parent / "figures" / "compare.csv")
    assert stored["value"].tolist() == pytest.approx(comparison.table["value"].tolist(), nan_ok=True)


def test_the_same_sweeps_give_the_same_bytes(comparison: Comparison, tmp_path: Path) -> None:
    pages = [write_comparison(comparison, tmp_path / name) for name in ("one", "two")]
    for name in ("index.html", "figures/compare.png", "figures/compare.svg", "figures/compare.csv"):
        assert len({(page.parent / name).read_bytes() for page in pages}) == 1, name


def test_the_command_prints_the_table_and_writes_the_page(places: tuple[Path, Path], tmp_path: Path, run: Run) -> None:
    result = run("compare", *places)
    assert (result.code, result.err) == (0, "")
    width = compare(places).table.query("sweep == 'plain' and norm == 'batch' and measure == 'trainable_decades'")
    assert math.isfinite(width["value"].item())
    assert re.search(rf"(?m)^batch +{width['value'].item():.1f}", result.out)
    assert "momentum\n    plain: 0\n    other: 0.9" in result.out
    assert f"comparison: {tmp_path}/comparison/index.html" in result.out
    assert (tmp_path / "comparison" / "index.html").exists()


def test_the_command_refuses_one_sweep(places: tuple[Path, Path], run: Run) -> None:
    refused = run("compare", places[0])
    assert refused.code == 2
    assert refused.err == "bnsweep: compare: needs two results directories or more\n"


def test_text_begins_with_what_differs(comparison: Comparison) -> None:
    text = comparison_text(comparison)
    assert text.startswith("The sweeps differ in:\n  momentum\n")
    assert "\n\nother is incomplete: 3 trials are missing\n\n" in text
