"""The best configurations are those that bare pandas finds, of scores and of a user's own metric."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Results, best_configurations
from bnsweep.errors import InputError
from tests.synthetic import CHANCE

POINT = ["init", "init_gain", "lr"]


def with_trials_changed(results: Results, **columns: object) -> Results:
    return replace(results, trials=results.trials.assign(**columns))


def test_they_are_ranked_by_the_mean_over_seeds_where_diverged_runs_are_at_chance(results: Results) -> None:
    best = best_configurations(results, count=4)
    assert best.groupby("norm", observed=True)["rank"].agg(list).tolist() == [[1, 2, 3, 4]] * 3
    assert set(best["measure"]) == {"accuracy"}
    for norm, found in best.groupby("norm", observed=True):
        trials = results.trials[results.trials["norm"] == norm]
        means = trials.assign(score=trials["test_acc"].fillna(CHANCE)).groupby(POINT, observed=True)["score"].mean()
        assert found["value"].tolist() == pytest.approx(means.nlargest(4).tolist())
        assert [means[tuple(point)] for point in found[POINT].to_numpy()] == pytest.approx(found["value"].tolist())


def test_points_that_lack_a_seed_come_last(results: Results) -> None:
    (first,) = best_configurations(results, count=1).query("norm == 'batch'").to_dict("records")
    is_there = (results.trials[["norm", *POINT]].astype(object) == pd.Series(first)[["norm", *POINT]]).all(axis=1)
    is_lost = is_there & (results.trials["seed"] == 0)
    left = replace(results, trials=results.trials[~is_lost].reset_index(drop=True))
    ranked = best_configurations(left, count=100).query("norm == 'batch'")
    assert ranked["n_seeds"].tolist() == [2] * (len(ranked) - 1) + [1]
    assert ranked.iloc[-1][POINT].tolist() == [first[name] for name in POINT]


@pytest.mark.parametrize(("mode", "chosen"), [("min", 1e-3), ("max", 1.0)])
def test_a_metric_is_ranked_its_own_way_and_what_diverged_is_not_the_best(
    results: Results, mode: str, chosen: float
) -> None:
    lrs = results.trials["lr"].where((results.trials["lr"] != 10.0) | (results.trials["seed"] == 0))
    own = with_trials_changed(results, test_acc=np.nan, metric=lrs, metric_name="perplexity", metric_mode=mode)
    own = with_trials_changed(own, status=own.trials["status"].mask(own.trials["metric"].isna(), "diverged"))
    best = best_configurations(own, count=1)
    assert set(best["lr"]) == {chosen}
    assert set(best["measure"]) == {"perplexity"}


def test_what_cannot_be_ranked_is_refused(results: Results) -> None:
    with pytest.raises(InputError, match="count: given 0; it should be 1 or more"):
        best_configurations(results, count=0)
    with pytest.raises(InputError, match="no trial says how good its model is"):
        best_configurations(with_trials_changed(results, test_acc=np.nan, metric=np.nan))
