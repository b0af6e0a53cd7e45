"""Decades over the threshold: the numbers by the tables at that threshold, and where they are drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import analysis
from analysis.loading import Results
from analysis.plots.thresholds import BARS, FRACTIONS, draw_thresholds, thresholds_data
from analysis.tables import robustness_table
from analysis.tables.pooled import pooled_rows
from bnsweep.errors import InputError
from tests.synthetic import make_specs, write_sweep


@pytest.mark.parametrize("fraction", [FRACTIONS[0], 0.9, 0.99])
def test_each_point_is_that_of_the_robustness_table_at_its_threshold(results: Results, fraction: float) -> None:
    table = robustness_table(results, fraction)
    profile = thresholds_data(results).profile
    for measure, bar in BARS.items():
        wanted = pooled_rows(table, measure).set_index("norm")
        found = profile[(profile["bar"] == bar) & (profile["fraction"] == fraction)].set_index("norm")
        for column in ("value", "grid_low", "grid_high", "low", "n_seeds"):
            np.testing.assert_allclose(found[column], wanted[column])


def test_a_width_never_grows_with_the_threshold(results: Results) -> None:
    profile = thresholds_data(results).profile.sort_values("fraction")
    for _, part in profile.groupby(["norm", "bar"], observed=True):
        assert (part["value"].diff().dropna() <= 1e-9).all()
        assert (part["grid_low"] <= part["value"]).all()
        assert (part["value"] <= part["grid_high"]).all()


def test_the_title_says_at_which_thresholds_a_mode_is_ahead(results: Results) -> None:
    wide = thresholds_data(results).profile.query("bar == 'the best of any mode'")
    wide = wide.pivot(index="fraction", columns="norm", values="value")
    ahead = {norm: float((wide[norm] > wide["none"]).mean()) for norm in ("batch", "noisy_batch")}
    always = [norm for norm, share in ahead.items() if share == 1]
    assert always
    assert f"more decades than none at every threshold: {', '.join(always)}" in thresholds_data(results).title
    alone = results.trials[results.trials["norm"] != "none"].reset_index(drop=True)
    assert "none" not in thresholds_data(replace(results, trials=alone)).title


def test_a_panel_per_mode_has_both_bars_and_the_baseline(results: Results) -> None:
    data = thresholds_data(results)
    for ax, norm in zip(draw_thresholds(data).axes, data.norms, strict=True):
        assert ax.get_title() == norm
        lines = [line for line in ax.lines if len(np.asarray(line.get_xdata())) == len(FRACTIONS)]
        expected = ["-", "--"] if norm == "none" else ["-", "-", "--"]
        assert sorted(str(line.get_linestyle()) for line in lines) == expected


def test_a_single_rate_has_no_width(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(lrs=[0.1], num_seeds=1, probes=False))
    with pytest.raises(InputError, match="it takes two learning rates or more"):
        thresholds_data(analysis.load(tmp_path))
