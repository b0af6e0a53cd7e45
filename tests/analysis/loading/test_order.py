"""The order of keys, norms and inits, in the frames of `load` and in what is built on them, against bare pandas."""

from pathlib import Path

import pandas as pd
import pytest

import analysis
from analysis import Results
from analysis.loading.order import NORM_ORDER, in_order
from analysis.plots.accuracy import accuracy_data
from analysis.plots.heatmap import heatmap_data
from analysis.plots.ics import ics_data
from analysis.plots.landscape import landscape_data
from analysis.tables import difference_table, importance_table, robustness_table
from bnsweep.results import Store
from bnsweep.spec import TrialSpec
from tests.synthetic import make_specs, write_sweep

NORMS = ["noisy_batch", "none", "batch"]
INITS = ["xavier_uniform", "default"]
FRAMES = ("trials", "curves", "landscape", "ics", "moments")


def seed_first(spec: TrialSpec) -> tuple[object, ...]:
    """Order the trials as a sweep file whose last axes are init and norm."""
    return (spec.seed, spec.lr, spec.init_gain, INITS.index(spec.init), NORMS.index(spec.norm))


@pytest.fixture(scope="module", params=["norm is the first axis", "norm is the last axis", "a third is missing"])
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    specs = make_specs(NORMS, INITS, gains=[1.0], lrs=[0.01, 0.1, 1.0])
    if request.param != "norm is the first axis":
        specs = sorted(specs, key=seed_first)
    directory = tmp_path_factory.mktemp("order")
    # The first two trials of three go: the first that there are are all of the last norm.
    missing = specs[:24] if request.param == "a third is missing" else []
    write_sweep(directory, specs, keep=lambda spec: spec not in missing or spec.norm == NORMS[-1], batch=7)
    return analysis.load(directory)


@pytest.mark.parametrize("table", FRAMES)
def test_keys_sort_as_text(results: Results, table: str) -> None:
    frame: pd.DataFrame = getattr(results, table)
    assert frame.sort_values("trial_key")["trial_key"].tolist() == sorted(frame["trial_key"].tolist())
    assert frame["trial_key"].max() == max(frame["trial_key"].tolist())


@pytest.mark.parametrize("table", FRAMES)
def test_norms_and_inits_sort_as_in_the_sweep_file(results: Results, table: str) -> None:
    frame: pd.DataFrame = getattr(results, table)
    for axis, order in (("norm", NORMS), ("init", INITS)):
        assert frame[axis].cat.ordered
        assert frame[axis].cat.categories.tolist() == order
        assert frame.sort_values(axis)[axis].unique().tolist() == order
        assert frame.groupby(axis).size().index.tolist() == order
    assert (frame["norm"] > "noisy_batch").sum() == frame["norm"].isin(["none", "batch"]).sum()


def test_tables_and_figures_keep_the_order(results: Results) -> None:
    frames = [
        robustness_table(results),
        importance_table(results),
        accuracy_data(results).means,
        accuracy_data(results).widths,
        heatmap_data(results).cells,
        landscape_data(results).bands,
        ics_data(results).shifts,
    ]
    for table in frames:
        frame = table[table["norm"] != "all"]  # of importances, those of all modes together
        assert frame["norm"].unique().tolist() == NORMS
        assert frame.sort_values("norm")["norm"].unique().tolist() == NORMS
    assert difference_table(results)["norm"].unique().tolist() == ["noisy_batch", "batch"]


def test_only_the_norms_read_are_categories(results: Results, tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(NORMS, gains=[1.0], num_seeds=1))
    some = analysis.load(tmp_path, norms=["batch", "none"])
    assert some.trials["norm"].cat.categories.tolist() == ["none", "batch"]
    assert some.ics["norm"].cat.categories.tolist() == ["none", "batch"]


def test_without_a_declaration_norms_have_the_usual_order(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(NORMS, gains=[1.0], num_seeds=1, probes=False), declare=False)
    assert analysis.load(tmp_path).trials["norm"].cat.categories.tolist() == ["none", "batch", "noisy_batch"]


def test_trials_that_are_not_declared_leave_the_order_alone(tmp_path: Path) -> None:
    specs = make_specs(NORMS, gains=[1.0], num_seeds=1, probes=False)
    write_sweep(tmp_path, specs)
    Store.open(tmp_path).declare("fewer", [spec.trial_key for spec in specs if spec.norm != "none"], "")
    results = analysis.load(tmp_path)
    assert results.trials["norm"].cat.categories.tolist() == ["noisy_batch", "batch"]
    assert set(results.undeclared["norm"]) == {"none"}


def test_names_without_an_order_are_sorted_as_usual_and_unknown_ones_come_last() -> None:
    assert in_order(["zeta", "rms", "alpha", "none", "rms"]) == ["none", "rms", "alpha", "zeta"]
    assert in_order(pd.Series(NORM_ORDER[::-1])) == list(NORM_ORDER)
