"""Of curves of which a summary was kept, all tables and verdicts are the same; what was not kept is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import analysis
from analysis.claims import judge
from analysis.loading import Results
from analysis.plots.training import training_data
from analysis.report.coverage import without_rows
from analysis.report.payload import make_payload
from bnsweep.errors import InputError
from bnsweep.spec import TrialSpec
from bnsweep.training.curves import is_logged
from tests.analysis.claims.planted import Mode, plant
from tests.analysis.report.test_payload import unpack
from tests.synthetic import make_specs, write_sweep

MEASURED = 25
"""Steps from one measurement of the synthetic trials to the next."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    directory = tmp_path_factory.mktemp("whole")
    write_sweep(directory, make_specs(log_every=1))
    return analysis.load(directory)


@pytest.fixture(scope="module")
def summary(whole: Results) -> Results:
    return with_summary(whole)


def with_summary(results: Results, is_measured: bool = True) -> Results:
    """Return the results as trials that keep a summary would give them."""
    fields: dict[str, Any] = {"model": {"name": "mlp"}, "dataset": {"name": "digits"}, "log": {"curves": "summary"}}
    spec = TrialSpec.model_validate(fields)
    is_kept = [is_logged(spec, step, is_measured and step % MEASURED == 0) for step in results.curves["step"]]
    curves = results.curves[is_kept].assign(grad_norm=None, step_lr=None)
    return replace(results, curves=curves, trials=results.trials.assign(log_curves="summary"))


def test_tables_are_the_same(whole: Results, summary: Results) -> None:
    assert 0 < len(summary.curves) < len(whole.curves) / 10
    for table in (analysis.robustness_table, analysis.difference_table):
        pd.testing.assert_frame_equal(table(summary), table(whole))
    assert not without_rows(summary)


def test_verdicts_at_equal_loss_are_the_same_by_the_losses_that_are_kept() -> None:
    """And others where the losses of measured steps are not, as with `log_every` alone."""
    modes = {"none": Mode(change=lambda loss: 2 * loss), "batch": Mode(speed=1 / 40), "noisy_batch": Mode(speed=1 / 60)}
    planted = plant(modes, make_specs(gains=[1.0], num_seeds=3))
    of_all, of_summary, of_less = (
        judge(one).statements for one in (planted, with_summary(planted), with_summary(planted, is_measured=False))
    )
    pd.testing.assert_frame_equal(of_summary, of_all)
    assert not of_less["effect"].equals(of_all["effect"])


def test_the_page_says_what_was_not_logged(whole: Results, summary: Results) -> None:
    (all_of, _), (kept, _) = unpack(make_payload(whole)), unpack(make_payload(summary))
    (of_all, of_kept), unmeasured = ([header["settings"][0] for header in (all_of, kept)]), with_summary(whole, False)
    assert "unlogged" not in of_all["absent"]
    assert "log: {curves: summary}" in of_kept["absent"]["unlogged"]
    assert set(of_training(of_all)) - set(of_training(of_kept)) == {"grad_norm"}
    few = unpack(make_payload(unmeasured))[0]["settings"][0]
    assert not of_training(few)
    assert "log: {curves: summary}" in few["absent"]["training"]


def of_training(setting: dict[str, Any]) -> list[str]:
    """Return what the page shows of training."""
    return [one["name"] for one in setting["series"] if one["section"] == "training"]


def test_the_figure_of_training_has_what_is_there_and_says_so_where_it_is_one_step(
    whole: Results, summary: Results
) -> None:
    assert set(training_data(summary).curves["step"]) < set(training_data(whole).curves["step"])
    with pytest.raises(InputError, match="one step of each trial"):
        training_data(with_summary(whole, is_measured=False))
