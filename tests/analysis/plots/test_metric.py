"""What loops of users' own report, against bare pandas."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.loading import Results
from analysis.plots.metric import MAX_PANELS, draw_metric, metric_data
from analysis.report.page import write_page
from bnsweep.errors import InputError

OWN = {"trial": "mine:loop", "metric_name": "reward", "metric_mode": "max"}
UNSCORED = dict.fromkeys(("test_acc", "test_loss", "num_classes", "test_loss_constant"), np.nan)


@pytest.fixture
def own(results: Results) -> Results:
    """The sweep, as a loop of the user's own would have made it that reports a reward and no score."""
    reward = (-(np.log10(results.trials["lr"]) ** 2) + results.trials["seed"]).astype(float)
    reward = reward.mask(results.trials["status"] == "diverged")
    return replace(results, trials=results.trials.assign(**OWN, **UNSCORED, metric=reward))


def test_lines_are_means_over_seeds_and_bands_their_range(own: Results) -> None:
    data = metric_data(own)
    cells = own.trials.groupby(["norm", "init", "init_gain", "lr"], observed=True)["metric"]
    expected = cells.agg(["mean", "min", "max", "count"]).reset_index(drop=True)
    drawn = data.means[["mean", "low", "high", "n_seeds"]]
    assert np.array_equal(drawn.to_numpy(float), expected.to_numpy(float), equal_nan=True)
    diverged = own.trials["status"] == "diverged"
    assert data.means["n_diverged"].sum() == diverged.sum() > 0
    figure = draw_metric(data)
    assert [ax.get_title() for ax in figure.axes] == [f"{init}, gain {gain:g}" for init, gain in data.panels]
    assert len(data.panels) <= MAX_PANELS
    assert figure.axes[0].get_ylabel() == "reward"


@pytest.mark.parametrize(("mode", "best"), [("max", "max"), ("min", "min")])
def test_the_headline_is_the_best_cell_of_each_mode(own: Results, mode: str, best: str) -> None:
    data = metric_data(replace(own, trials=own.trials.assign(metric_mode=mode)))
    top = data.means.groupby("norm", observed=True)["mean"].agg(best)
    assert all(f"{norm} {value:.3g} at lr " in data.title for norm, value in top.items())
    assert data.title.startswith({"max": "Largest reward", "min": "Smallest reward"}[mode])


def test_where_all_diverged_or_nothing_is_reported_there_is_no_figure(own: Results, results: Results) -> None:
    for bare in (results, replace(own, trials=own.trials.assign(metric=np.nan))):
        with pytest.raises(InputError, match="no trial reports a metric"):
            metric_data(bare)


@pytest.mark.long
def test_the_page_has_it_above_the_claims_and_no_other_headline(own: Results, tmp_path: Path) -> None:
    text = write_page(own, tmp_path / "report", "results").read_text()
    assert "<h1>Largest reward, mean over seeds: " in text
    assert 0 < text.index("What do the trials report?") < text.index("Do the paper")
    assert "R²" not in text
    assert (tmp_path / "report" / "figures" / "metric.png").exists()


@pytest.mark.long
def test_the_page_on_real_targets_defines_what_it_shows(results: Results, tmp_path: Path) -> None:
    loss = {"test_loss": 1 - results.trials["test_acc"], "num_classes": np.nan, "test_loss_constant": 1.0}
    page = write_page(
        replace(results, trials=results.trials.assign(**loss)), tmp_path / "report", "results"
    ).read_text()
    definitions = page[page.index('id="definitions"') : page.index("Coverage")]
    assert "Mean R² over log lr" in definitions
    assert "accuracy" not in definitions
    assert "What do the trials report?" not in page
