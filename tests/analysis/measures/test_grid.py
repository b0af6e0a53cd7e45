import numpy as np

from analysis.loading import Results
from analysis.measures.grid import final_accuracy, make_grid
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
    assert final_accuracy(trials)[lost].unique() == [CHANCE]
    assert (final_accuracy(trials)[~lost] == 0.99).all()


def test_a_result_without_an_accuracy_is_missing(results: Results) -> None:
    trials = results.trials.assign(test_acc=np.inf, status="completed")
    assert final_accuracy(trials).isna().all()
    assert np.isnan(make_grid(trials).diverged).all()


def test_norms_are_compared_only_where_each_has_a_result_of_the_same_seed(results: Results) -> None:
    trials = results.trials
    gone = (trials["norm"] == "none") & (trials["lr"] == 10)
    gone_once = (trials["norm"] == "batch") & (trials["lr"] == 1) & (trials["seed"] == 1)
    grid = make_grid(trials[~gone & ~gone_once])
    assert not grid.common[..., -1].any()
    assert grid.common[..., :-2].all()
    assert grid.common[0, ..., -2].all()
    assert not grid.common[1, ..., -2].any()
    compared = grid.comparable().accuracy
    assert np.isnan(compared[..., -1]).all()
    assert np.isnan(compared[1, ..., -2]).all()
    assert np.isfinite(compared[0, ..., -2]).all()
    assert np.isfinite(grid.accuracy[:, 1, ..., -1]).all()


def test_a_seed_that_some_norm_lacks_everywhere_is_left_out(results: Results) -> None:
    trials = results.trials
    grid = make_grid(trials[(trials["seed"] == 0) | (trials["norm"] == "none")])
    assert grid.seeds == [0, 1]
    assert grid.comparable().seeds == [0]
    assert grid.comparable().accuracy.shape == (1, 3, 1, 3, 5)


def test_a_seed_that_is_far_from_finished_is_left_out(results: Results) -> None:
    trials = results.trials
    for most, seeds in ((1e-2, [0]), (1.0, [0, 1])):
        grid = make_grid(trials[(trials["seed"] == 0) | (trials["lr"] <= most)])
        assert grid.comparable().seeds == seeds
