import numpy as np
import pytest

from analysis.loading import Results
from analysis.measures.grid import make_grid
from analysis.measures.scores import final_score
from tests.synthetic import CHANCE


def test_each_trial_is_at_its_place(results: Results) -> None:
    grid = make_grid(results.trials)
    assert grid.accuracy.shape == (2, 3, 1, 3, 5)
    assert grid.norms == ["none", "batch", "noisy_batch"]
    for row in results.trials.sample(20, random_state=0).itertuples():
        place = (
            grid.seeds.index(row.seed),
            grid.norms.index(row.norm),
            0,
            grid.gains.index(row.init_gain),
            grid.lrs.index(row.lr),
        )
        diverged = row.status == "diverged"
        assert grid.accuracy[place] == (CHANCE if diverged else row.test_acc)
        assert grid.diverged[place] == diverged


def test_a_diverged_run_is_at_chance_whatever_its_accuracy_says(results: Results) -> None:
    trials = results.trials.assign(test_acc=0.99)
    lost = trials["status"] == "diverged"
    assert final_score(trials)[lost].unique() == [CHANCE]
    assert (final_score(trials)[~lost] == 0.99).all()


def test_a_result_without_an_accuracy_is_missing(results: Results) -> None:
    trials = results.trials.assign(test_acc=np.inf, status="completed")
    assert final_score(trials).isna().all()
    assert np.isnan(make_grid(trials).diverged).all()


def test_the_best_is_of_the_whole_grid_by_mode_and_seed(results: Results) -> None:
    grid, trials = make_grid(results.trials), results.trials.assign(accuracy=final_score(results.trials))
    best = trials.groupby(["seed", "norm"], observed=True)["accuracy"].max().unstack()
    assert grid.best.tolist() == best[grid.norms].to_numpy().tolist()
    assert grid.best_of_any.tolist() == best.max(axis=1).tolist()
    unknown = make_grid(trials.assign(test_acc=trials["test_acc"].mask(trials["norm"] == "batch"), status="completed"))
    assert (unknown.best[:, 1] == 0).all()


def test_losses_are_those_of_the_test_set_and_of_the_first_mini_batch(results: Results) -> None:
    trials, curves = results.trials, results.curves
    first = trials["trial_key"].iloc[0]
    started = curves.assign(train_loss=curves["train_loss"].mask(curves["trial_key"] == first, np.nan))
    grid = make_grid(trials, started)
    lost = grid.diverged == 1
    assert np.isposinf(grid.loss[lost]).all()
    assert grid.loss[~lost] == pytest.approx(1 - grid.accuracy[~lost])
    known = grid.initial_loss[np.isfinite(grid.initial_loss)]
    assert (len(known), set(known)) == (len(trials) - 1, {2.3})
    assert np.isnan(make_grid(trials).initial_loss).all()
    assert np.isnan(make_grid(trials.drop(columns="test_loss")).loss).all()
