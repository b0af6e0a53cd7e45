"""Which verdicts are open, against the table of differences that the report shows."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis import difference_table, load
from analysis.loading import Results
from analysis.measures import MEASURES
from analysis.tables.open_verdicts import open_modes
from bnsweep.spec.search import MIN_SEEDS, SearchSpec
from tests.synthetic import make_specs, write_sweep

VERDICTS = ["mean_accuracy", "trainable_decades", "own_decades", "trained_share"]


@pytest.fixture(scope="module")
def many_seeds(tmp_path_factory: pytest.TempPathFactory) -> Results:
    directory = tmp_path_factory.mktemp("many")
    write_sweep(directory, make_specs(num_seeds=8, gains=[1.0], probes=False))
    return load(directory)


@pytest.mark.parametrize("baseline", ["none", "batch"])
@pytest.mark.parametrize("measure", VERDICTS)
def test_a_verdict_is_open_where_the_reports_interval_includes_0(
    many_seeds: Results, baseline: str, measure: str
) -> None:
    table = difference_table(many_seeds, baseline)
    rows = table[(table["measure"] == measure) & (table["init_gain"] == "all")]
    is_open = ~((rows["low"] > 0) | (rows["high"] < 0))
    norms = rows.loc[is_open, "norm"].astype(str).tolist()
    assert open_modes(many_seeds.trials, baseline, [measure]) == ([baseline, *norms] if norms else [])


def test_some_are_resolved_by_eight_seeds_and_none_by_two(many_seeds: Results) -> None:
    trials = many_seeds.trials
    two = trials[trials["seed"] < MIN_SEEDS - 1]
    assert open_modes(two, "none", VERDICTS) == ["none", "batch", "noisy_batch"]
    assert len(open_modes(trials, "none", ["mean_accuracy"])) < 3


def test_with_several_settings_a_mode_is_open_where_it_is_in_any(many_seeds: Results) -> None:
    trials = many_seeds.trials
    spec = trials["spec"].str.replace('"batch_size": 64', '"batch_size": 32', regex=False)
    other = trials.assign(spec=spec)[trials["seed"] < 2]
    assert not other["spec"].equals(trials.loc[other.index, "spec"])
    both = pd.concat([trials, other], ignore_index=True)
    assert open_modes(both, "none", ["mean_accuracy"]) == ["none", "batch", "noisy_batch"]


def test_the_sweep_files_measures_are_those_of_the_report() -> None:
    found = SearchSpec.model_validate({"replicate": "adaptive", "verdicts": VERDICTS})
    assert all(MEASURES[name].interval == "t" for name in found.verdicts)
