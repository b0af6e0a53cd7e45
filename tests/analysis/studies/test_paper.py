"""The statements of the paper's figures on sweeps of which the answer is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.loading import Results
from analysis.plots.style import style
from analysis.studies.finding import Finding
from analysis.studies.page import DATA, written
from analysis.studies.paper.figure4 import draw_figure4, figure4_data
from analysis.studies.paper.findings import (
    against_batch,
    late,
    measured_walks,
    of_landscape,
    of_learning_rates,
    of_lp_norms,
    of_moments,
    of_noise,
    of_shift,
    of_smoothing,
)
from analysis.studies.paper.full_size import table_at_equal_loss, table_of_full_size
from analysis.studies.paper.linear import of_linear_network
from analysis.studies.paper.ranks import LEAST_LOSS, draw_ranks, ranks_at_equal_loss, table_of_ranks
from analysis.studies.paper.step_lengths import table_of_curvature, table_of_published_growth, table_of_step_lengths
from bnsweep.data.gaussian import load_gaussian
from bnsweep.errors import InputError
from bnsweep.spec import GaussianSpec
from tests.synthetic import make_specs, write_sweep

NORMS = ("none", "batch", "noisy_batch", "l1", "l2", "linf")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    directory = tmp_path_factory.mktemp("paper")
    write_sweep(directory, make_specs(NORMS, gains=(1.0,), lrs=(0.1, 0.5), num_seeds=4))
    return analysis.load(directory)


def named(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {finding.statement: finding for finding in findings}


def spread(finding: Finding) -> Finding:
    """Return a finding whose four seeds differ a little."""
    return replace(finding, by_seed=finding.by_seed.add([0.0, 0.001, 0.002, 0.0]))


def with_accuracy(results: Results, accuracy: dict[tuple[str, float], float]) -> Results:
    trials = results.trials.assign(status="completed")
    values = [
        accuracy.get((str(norm), lr), 0.8) + 0.001 * seed
        for norm, lr, seed in zip(trials["norm"], trials["lr"], trials["seed"], strict=True)
    ]
    return replace(results, trials=trials.assign(test_acc=values, test_acc_running=values))


def test_figure_1_is_found_where_it_is_so_and_contradicted_where_not(results: Results) -> None:
    as_in_paper = with_accuracy(results, {("none", 0.5): 0.1, ("batch", 0.5): 0.8, ("none", 0.1): 0.7})
    found = named(of_learning_rates(as_in_paper))
    assert {spread(finding).row["verdict"] for finding in found.values()} == {"supported"}
    otherwise = named(of_learning_rates(with_accuracy(results, {("none", 0.5): 0.8, ("batch", 0.5): 0.75})))
    near = otherwise["lr 0.5: the standard net stays near chance"]
    assert spread(near).row["verdict"] == "contradicted"


def test_an_lp_norm_within_the_margin_is_no_worse(results: Results) -> None:
    found = named(of_lp_norms(with_accuracy(results, {("l1", 0.1): 0.79, ("linf", 0.1): 0.6})))
    verdicts = {text.split()[2]: spread(finding).row["verdict"] for text, finding in found.items()}
    assert verdicts == {"l1": "supported", "l2": "supported", "linf": "contradicted"}


def test_noise_is_judged_by_each_way_to_evaluate(results: Results) -> None:
    """It is as good with statistics taken anew alone."""
    noisy = results.trials["norm"] == "noisy_batch"
    given = with_accuracy(results, {("none", 0.1): 0.7})
    trials = given.trials.assign(
        test_acc_running=given.trials["test_acc"] - 0.3 * noisy, train_acc=given.trials["test_acc"] - 0.05 * noisy
    )
    found = named(of_noise(replace(given, trials=trials)))
    assert {
        text.removeprefix("lr 0.1: noisy_batch is "): spread(one).row["verdict"] for text, one in found.items()
    } == {
        "as accurate as batch, to 0.02": "supported",
        "more accurate than none": "supported",
        "as accurate as batch, to 0.02, by running statistics": "contradicted",
        "more accurate than none, by running statistics": "contradicted",
        "as accurate as batch, to 0.02, in training": "contradicted",
        "more accurate than none, in training": "supported",
    }


def test_moments_are_compared_behind_the_normalization_and_before_it(results: Results) -> None:
    """Ten times as far as batch behind it, as far before it; none in between."""
    norms = results.moments["norm"].astype(str)
    behind, before = norms.map({"noisy_batch": 1.0, "none": 0.5}).fillna(0.1), norms.map({"none": 0.5}).fillna(0.2)
    moments = results.moments.assign(mean_shift=behind, std_shift=0.0, pre_mean_shift=before, pre_std_shift=before)
    found = {
        text: set(np.round(one.by_seed, 9))
        for text, one in named(of_moments(replace(results, moments=moments))).items()
    }
    assert found == {
        "lr 0.1: activations move more with noisy_batch than with none": {round(np.log10(2), 9)},
        "lr 0.1: activations move more with noisy_batch than with batch": {1.0},
        "lr 0.1: inputs of the normalizations move more with noisy_batch than with none": {round(np.log10(0.4), 9)},
        "lr 0.1: inputs of the normalizations move more with noisy_batch than with batch": {0.0},
    }


def test_bands_are_those_of_bare_pandas_against_none_and_against_batch(results: Results) -> None:
    width = np.log10(measured_walks(results, 0.1).groupby(["norm", "seed"])["loss_width"].median())
    smoothing, beside = named(of_smoothing(results)), named(against_batch(results))
    for norm in set(NORMS) - {"none"}:
        text = f"lr 0.1: the loss varies less along the gradient with {norm} than with none"
        np.testing.assert_allclose(smoothing[text].by_seed, width[norm] - width["none"])
    for norm in set(NORMS) - {"none", "batch"}:
        text = f"with {norm} the loss varies along the gradient as with batch"
        np.testing.assert_allclose(beside[text].by_seed, width[norm] - width["batch"])


def test_widths_and_levels_are_those_of_bare_pandas(results: Results) -> None:
    rows = results.landscape[(results.landscape["lr"] == 0.1) & (results.landscape["given_as"] == "lr_multiple")]
    walked = measured_walks(results, 0.1).set_index(["norm", "seed", "step"])
    for cell, walk in rows.astype({"norm": str}).groupby(["norm", "seed", "step"]):
        assert walked.loc[cell, "loss_width"] == pytest.approx(walk["loss"].max() - walk["loss"].min())
        assert walked.loc[cell, "beta"] == walk["beta"].max()
    after = late(walked.reset_index())
    assert after["step"].min() >= walked.index.get_level_values("step").max() / 3
    found = named(of_landscape(results))
    width = walked["loss_width"].groupby(["norm", "seed"]).median()
    expected = np.log10(width["batch"]) - np.log10(width["none"])
    np.testing.assert_allclose(found["lr 0.1: the loss varies less along the gradient with batch"].by_seed, expected)


def test_the_first_layer_which_has_none_before_it_is_no_part_of_the_shift(results: Results) -> None:
    moved = results.ics.assign(ics_l2=np.where(results.ics["layer"] == 0, 1e9, results.ics["ics_l2"]))
    one, other = (named(of_shift(r)) for r in (results, replace(results, ics=moved)))
    for text, finding in one.items():
        pd.testing.assert_series_equal(finding.by_seed, other[text].by_seed)


def test_figure_4_has_the_published_series_beside_ours(results: Results) -> None:
    data = figure4_data(measured_walks(results, 0.1), DATA / "published", 0.1, "a synthetic sweep")
    assert data.title.endswith("published 4.2")
    assert data.level == 20
    assert set(data.published["norm"]) == set(data.ours["norm"]) == {"none", "batch"}
    with style():
        figure = draw_figure4(data)
        figure.draw_without_rendering()
    assert [ax.get_title() for ax in figure.axes[:2]] == ["published", "here"]


def test_at_full_size_each_number_stands_beside_the_published_one(results: Results) -> None:
    """The published ones are those that the protocol of the paper's curves names."""
    kept = results.trials["lr"].isin([0.1, 0.5]) & results.trials["norm"].isin(["none", "batch"])
    table = table_of_full_size(replace(results, trials=results.trials[kept]), DATA / "published")
    cells = {line.split(" | ")[1]: line.split(" | ")[2:] for line in table.splitlines()[2:]}
    published = {quantity: numbers[0].split(" (")[0] for quantity, numbers in cells.items()}
    assert published["width of the loss band, none over batch"] == "4.2"
    assert published["width of the gradient difference's band, none over batch"] == "4.1"
    assert published["its upper edge, none over batch"] == "2.2"
    assert published["late level of effective beta, none"] == "20.00"
    assert published["late level of effective beta, batch"] == "19.96"
    walked = measured_walks(results, 0.1)
    ours = walked.groupby(["norm", "step"])["loss_width"].mean()
    low, middle, high = (ours["none"] / ours["batch"]).quantile([0.25, 0.5, 0.75])
    expected = f"{middle:.2g} ({low:.2g} to {high:.2g}) |"
    assert cells["width of the loss band, none over batch"][1] == expected


def test_walks_are_compared_from_equal_losses(results: Results) -> None:
    """Batch is ten times smoother, from losses of which each mode has as many."""
    walk = results.landscape.astype({"norm": str})
    ten = np.where(walk["norm"] == "batch", 10.0, 1.0)
    known = walk.assign(loss=walk["lr_multiple"] / ten, grad_diff_l2=2 * walk["grad_norm"] / ten)
    kept = results.trials["norm"].isin(["none", "batch"])
    lines = table_at_equal_loss(replace(results, landscape=known, trials=results.trials[kept])).splitlines()[2:]
    at = results.curves[(results.curves["lr"] == 0.1) & (results.curves["norm"] == "none")]
    measured = at[at["step"].isin(walk["step"])]["train_loss"]
    above, below = int((measured > 1).sum()), int((measured <= 1).sum())
    assert lines == [
        f"| 0.1 to 1 | {below}, {below} | 3.5, 0.35 | 2, 0.2 |",
        f"| 1 to 10 | {above}, {above} | 3.5, 0.35 | 2, 0.2 |",
    ]


def test_by_the_length_of_a_step_an_edge_is_flat_and_a_gradient_that_is_gone_is_not(results: Results) -> None:
    walk = results.landscape.astype({"norm": str})
    at_edge = 2 / walk["lr"] * walk["alpha"]  # the change over the gradient where the curvature is 2 / lr
    relative = np.where(walk["norm"] == "none", at_edge, 1.0)
    known = walk.assign(grad_diff_l2=relative * walk["grad_norm"], beta=relative / walk["alpha"] - walk["alpha"] * 1e-9)
    curves = results.curves.assign(train_loss=2.0)
    lines = table_of_step_lengths(replace(results, landscape=known.assign(loss=1.0), curves=curves), 0.1).splitlines()
    assert lines[2:6] == [
        "| 0.5 | 20 | 20.0, 20.0 | 100, 100 % | 1.00, 1.00 | 100, 100 % | 0.5, 0.5 |",
        "| 1 | 10 | 20.0, 10.0 | 0, 0 % | 2.00, 1.00 | 0, 100 % | 0.5, 0.5 |",
        "| 2 | 5 | 20.0, 5.0 | 0, 0 % | 4.00, 1.00 | 0, 100 % | 0.5, 0.5 |",
        "| 4 | 2.5 | 20.0, 2.5 | 0, 0 % | 8.00, 1.00 | 0, 100 % | 0.5, 0.5 |",
    ]


def test_a_loss_that_cannot_be_negative_bounds_its_curvature(results: Results) -> None:
    """Of 3 x^2 / 2 at x = 2 gradient and loss are 6, and the bound is the curvature, 3."""
    walk, curves = results.landscape.assign(grad_norm=6.0), results.curves.assign(train_loss=6.0)
    lines = table_of_curvature(replace(results, landscape=walk, curves=curves), 0.5).splitlines()[2:]
    assert [line.split(" | ")[2:] for line in lines] == [["0.8", "0 % |"], ["0.8", "0 % |"]]


def test_the_published_change_of_the_gradient_never_grows_as_a_quadratics_does() -> None:
    lines = table_of_published_growth(DATA / "published").splitlines()[2:]
    assert lines == ["| none | 96 | 57 | 0 | 8 |", "| batch | 85 | 68 | 0 | 49 |"]


def test_the_linear_network_has_a_level_and_a_test_loss_at_each_rate(results: Results) -> None:
    walk, trials = results.landscape, results.trials
    at_edge = walk.assign(beta=2 / walk["lr"] * np.where(walk["norm"] == "batch", 10.0, 1.0))
    lower = trials.assign(test_loss=np.where(trials["norm"] == "batch", 0.01, 1.0))
    found = named(of_linear_network(replace(results, landscape=at_edge, trials=lower)))
    for lr in (0.1, 0.5):
        np.testing.assert_allclose(found[f"lr {lr:g}: beta's late level with none is 2/lr"].by_seed, 0, atol=1e-12)
        np.testing.assert_allclose(found[f"lr {lr:g}: beta's late level with batch is 2/lr"].by_seed, 1)
        np.testing.assert_allclose(found[f"lr {lr:g}: the test loss ends lower with batch"].by_seed, -2)


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(InputError, match="no place for the table figures: <!-- table figures -->"):
        written("# A page", {"figures": "| a |"})


def test_the_least_loss_of_each_rank_is_that_of_the_samples() -> None:
    data = load_gaussian(GaussianSpec(name="gaussian", targets="real", samples=1000, test_samples=1000, dimension=10))
    x, y = (np.asarray(part, dtype=np.float64).reshape(1000, 10) for part in (data.train_x, data.train_y))
    with_bias = np.hstack([x, np.ones((1000, 1))])
    assert ((with_bias @ np.linalg.lstsq(with_bias, y, rcond=None)[0] - y) ** 2).sum() < 1e-3
    sizes = np.linalg.svd(y - y.mean(axis=0), compute_uv=False) ** 2
    np.testing.assert_allclose(LEAST_LOSS, [sizes[rank:].sum() for rank in range(10)], atol=0.05)


def test_ranks_are_read_from_losses_and_nets_compared_between_them(results: Results) -> None:
    ends = results.trials["norm"].astype(str).map({"batch": 7100.0}).fillna(40000.0)
    curves = results.curves.assign(train_loss=np.where(results.curves["step"] < 50, 24202.0, 20000.0))
    moved = replace(results, trials=results.trials.assign(train_loss=ends), curves=curves)
    cells = [line.strip("| ").split(" | ") for line in table_of_ranks(moved).splitlines()[2:]]
    of_mode = {"none": "3, 3, 3, 3", "batch": "6, 6, 6, 6"}
    expected = [(lr, norm, ranks) for lr in ("0.1", "0.5") for norm, ranks in of_mode.items()]
    assert [(row[0], row[1], row[2]) for row in cells] == expected
    assert all(0 < int(row[5].removesuffix(" %")) < 100 for row in cells)
    shifts = [line.strip("| ").split(" | ") for line in ranks_at_equal_loss(moved).splitlines()[2:]]
    assert [row[:2] for row in shifts] == [[lr, "12,668 to 24,202"] for lr in ("0.1", "0.5")]
    kept = curves.loc[curves["step"] >= 50, ["trial_key", "step"]]
    rows = results.ics.merge(kept).astype({"norm": str})
    rows = rows[(rows["layer"] > 0) & (rows["lr"] == 0.1)]
    medians = rows.groupby("norm")["ics_l2"].median()
    assert shifts[0][3] == f"{medians['none']:.2g}, {medians['batch']:.2g}"
    counts = rows[["norm", "seed", "step"]].drop_duplicates()["norm"].value_counts()
    assert shifts[0][2] == f"{counts['none']}, {counts['batch']}"
    with style():
        draw_ranks(moved).draw_without_rendering()
