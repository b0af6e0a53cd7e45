"""Flatness beside generalization: the points and medians by bare pandas."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.loading import Results
from analysis.plots.flatness import draw_flatness, flatness_data
from bnsweep.errors import InputError
from tests.synthetic import CHANCE


def test_there_is_a_point_per_trial_that_learned(results: Results) -> None:
    trials = results.trials
    trials = trials[(trials["status"] == "completed") & (trials["test_acc"] >= CHANCE + 0.05)].reset_index(drop=True)
    data = flatness_data(results)
    np.testing.assert_allclose(data.points["adaptive_sharpness"], np.log10(trials["adaptive_sharpness"]))
    np.testing.assert_allclose(data.points["generalization_gap"], trials["test_loss"] - trials["train_loss_eval"])
    medians = data.medians.set_index("norm")
    for norm, part in trials.groupby("norm", observed=True):
        assert medians["adaptive_sharpness"][norm] == pytest.approx(np.log10(part["adaptive_sharpness"]).median())
        assert medians["n_trials"][norm] == len(part)
    assert data.title.startswith(
        f"Median adaptive sharpness batch {10 ** medians['adaptive_sharpness']['batch']:.2g}, "
    )


def test_each_point_is_drawn_among_all_and_by_mode(results: Results) -> None:
    data = flatness_data(results)
    for ax in draw_flatness(data).axes:
        drawn = sum(len(points.get_offsets()) for points in ax.collections if len(points.get_offsets()) > 1)
        assert drawn == len(data.points)


def test_what_was_not_measured_is_said(results: Results) -> None:
    for column in ("adaptive_sharpness", "train_loss_eval"):
        with pytest.raises(InputError, match=f"no trial has a measurement of {column}"):
            flatness_data(replace(results, trials=results.trials.assign(**{column: np.nan})))


def test_where_nothing_learned_there_is_nothing_to_draw(results: Results) -> None:
    with pytest.raises(InputError, match="no trial that learned"):
        flatness_data(replace(results, trials=results.trials.assign(test_acc=CHANCE)))
