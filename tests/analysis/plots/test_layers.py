"""Effective learning rates over steps: the data by bare pandas, and what the figure says of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.loading import Results
from analysis.plots.layers import AXIS_LABELS, draw_layers, layers_data
from bnsweep.errors import InputError

AT = ["norm", "layer", "layer_name", "step"]


def test_rates_are_means_over_seeds_with_their_range(results: Results) -> None:
    rows = results.layers[(results.layers["lr"] == 0.1) & (results.layers["init_gain"] == 1)]
    rates = layers_data(results).rates.set_index(AT)
    for name in AXIS_LABELS:
        expected = rows.astype({"layer_name": str}).groupby(AT)[name].agg(["mean", "min", "max"])
        for what in expected:
            assert np.allclose(rates[f"{name}_{what}"], expected[what].reindex(rates.index), rtol=1e-12)
    assert (rates["n_seeds"] == 2).all()


def test_the_title_names_the_modes_by_their_median_rate(results: Results) -> None:
    data = layers_data(results)
    median = data.rates.groupby("norm")["effective_lr_mean"].median().sort_values()
    named = ", ".join(f"{norm} {value:.2g}" for norm, value in median.items())
    assert data.title == f"Median effective learning rate over layers and steps: {named}"
    assert list(median.index) == ["none", "noisy_batch", "batch"]


@pytest.mark.parametrize(
    ("field", "formula"),
    [
        ({}, "rate: lr / ||w||²; "),
        ({"momentum": 0.9}, "rate: lr / ((1 - momentum) ||w||²); "),
        ({"optimizer": "adam"}, "rate: ||update|| / ||w|| (no sgd); "),
        ({"optimizer": "adamw", "schedule": "cosine"}, "rate: ||update|| / ||w|| (no sgd); "),
        ({"schedule": "cosine"}, "rate: lr / ||w||² (lr: the step's, times what clipping left of the gradient); "),
        ({"warmup": 5}, "rate: lr / ||w||² (lr: the step's"),
        ({"clip_norm": 1.0}, "rate: lr / ||w||² (lr: the step's"),
    ],
)
def test_the_figure_says_which_formula_the_rate_has(results: Results, field: dict, formula: str) -> None:
    assert formula in layers_data(replace(results, trials=results.trials.assign(**field))).subtitle


def test_a_rate_that_is_not_finite_is_open_and_breaks_nothing(results: Results) -> None:
    lost = (results.layers["norm"] == "batch") & (results.layers["step"] == 50)
    broken = results.layers.assign(effective_lr=results.layers["effective_lr"].mask(lost, np.nan))
    data = layers_data(replace(results, layers=broken))
    assert data.title.endswith(" (4 of 32 open)")
    assert np.isinf(data.rates.set_index(AT).loc[("batch", 1, "conv1", 50), "effective_lr_mean"])
    assert "4 of 96 of the effective learning rate bands" in data.subtitle
    draw_layers(data).draw_without_rendering()


def test_there_is_a_panel_for_each_layer_and_measure(results: Results) -> None:
    axes = draw_layers(layers_data(results)).axes
    assert [ax.get_title() for ax in axes[:4]] == [
        f"layer {i} ({name})" for i, name in enumerate(("conv0", "conv1", "conv2", "linear"))
    ]
    assert len(axes) == 4 * len(AXIS_LABELS)


def test_without_the_probe_it_says_what_is_missing(results: Results) -> None:
    with pytest.raises(InputError, match="no rows in layers/"):
        layers_data(replace(results, layers=pd.DataFrame(columns=results.layers.columns)))
