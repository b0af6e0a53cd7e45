"""Arrays over the grid hold each number of a table at its place, and nothing elsewhere."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Results, load, to_xarray
from analysis.tables import arrays
from bnsweep.errors import InputError
from bnsweep.results.schema import AXES
from tests.synthetic import CHANCE, make_specs, write_sweep


@pytest.mark.parametrize(
    ("table", "inner", "column"),
    [
        ("ics", ["step", "layer"], "ics_l2"),
        ("landscape", ["step", "lr_multiple"], "beta"),
        ("curves", ["step"], "train_loss"),
    ],
)
def test_a_measurement_is_at_its_place(results: Results, table: str, inner: list[str], column: str) -> None:
    rows, found = getattr(results, table), to_xarray(results, table)
    dims = [*AXES, *inner]
    assert list(found[column].dims) == dims
    back = found[column].to_series().dropna()
    wanted = rows.astype({"norm": str, "init": str}).set_index(dims)[column].dropna()
    assert len(back) == len(wanted)
    pd.testing.assert_series_equal(back[wanted.index], wanted, check_dtype=False)


def test_trials_are_in_the_order_of_the_sweep_file_with_units_and_with_nan_for_what_is_missing(
    results: Results,
) -> None:
    some = replace(results, trials=results.trials.iloc[1:].reset_index(drop=True))
    missing, found = results.trials.iloc[0], to_xarray(some)
    assert found["norm"].to_numpy().tolist() == ["none", "batch", "noisy_batch"]
    assert np.isnan(found["accuracy"].sel({axis: missing[axis] for axis in AXES}))
    assert int(found["accuracy"].isnull().sum()) == 1  # noqa: PD003  # xarray's name
    is_diverged = found["diverged"] == 1
    assert int(is_diverged.sum()) == (some.trials["status"] == "diverged").sum() > 0
    assert (found["accuracy"].to_numpy()[is_diverged.to_numpy()] == CHANCE).all()
    assert found["wall_time_s"].attrs["units"] == "s"
    assert found["wall_time_s"].attrs["long_name"]


def test_layers_have_their_names(results: Results) -> None:
    names = results.ics.drop_duplicates("layer").sort_values("layer")["layer_name"].tolist()
    assert to_xarray(results, "ics")["layer_name"].to_numpy().tolist() == names


def test_settings_are_a_dimension(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("two") / "settings"
    small = {"norms": ("none",), "lrs": (0.1, 1.0), "gains": (1.0,), "probes": False}
    write_sweep(directory, [*make_specs(**small), *make_specs(**small, momentum=0.9)])
    found = to_xarray(load(directory))
    assert found["accuracy"].dims == ("configuration", *AXES)
    assert found["accuracy"].notnull().all()  # noqa: PD004  # xarray's name
    assert found["configuration"].to_numpy().tolist() == ["momentum 0", "momentum 0.9"]


def test_what_cannot_be_an_array_is_refused(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="table: no measurements 'failures'"):
        to_xarray(results, "failures")
    with pytest.raises(InputError, match="walked: given 'beta'; allowed: alpha, lr_multiple"):
        to_xarray(results, "landscape", walked="beta")
    monkeypatch.setattr(arrays, "MAX_CELLS", 89)
    with pytest.raises(InputError, match=r"90 places \(norm 3, init 1.* for 90 rows"):
        to_xarray(results)
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match=r"pip install xarray, or 'bnsweep\[xarray\]'"):
        to_xarray(results)
