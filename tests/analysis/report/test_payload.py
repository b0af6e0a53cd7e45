"""What the page holds, unpacked: every number stands where the page looks for it."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.loading import Results
from analysis.measures.grid import make_grid
from analysis.report.payload import build, make_payload
from analysis.report.payload.packing import pack
from bnsweep.results.schema import METRIC_TABLES

Arrays = dict[str, NDArray[Any]]


def unpack(text: str) -> tuple[dict[str, Any], Arrays]:
    """Return header and arrays, as `analysis/browser/data/payload.js` finds them."""
    whole = gzip.decompress(base64.b64decode(text))
    length, nothing = struct.unpack("<II", whole[:8])
    header, start = json.loads(whole[8 : 8 + length]), -(-(8 + length) // 8) * 8
    assert nothing == 0
    arrays = {
        name: np.frombuffer(whole, np.dtype(f"<{kind}"), count, start + offset)
        for name, (kind, offset, count) in header["arrays"].items()
    }
    return header, arrays


@pytest.fixture(scope="module")
def unpacked(results: Results) -> tuple[dict[str, Any], Arrays]:
    return unpack(make_payload(results))


def place_of(results: Results, trial_key: str) -> int:
    """Return where the page looks for a trial: seeds, norms, inits, gains, learning rates, the last the fastest."""
    trial, grid = results.trials.set_index("trial_key").loc[trial_key], make_grid(results.trials)
    place = 0
    for points, column in (
        (grid.seeds, "seed"),
        (grid.norms, "norm"),
        (grid.inits, "init"),
        (grid.gains, "init_gain"),
        (grid.lrs, "lr"),
    ):
        place = place * len(points) + list(points).index(trial[column])
    return place


def test_arrays_come_back_in_their_types_each_at_a_multiple_of_8_bytes() -> None:
    arrays: Arrays = {"a": np.arange(3, dtype=np.uint8), "b": np.array([1.5, np.nan]), "c": np.float32([[1], [2]])}
    header, found = unpack(pack({"word": "é"}, arrays))
    assert header["word"] == "é"
    assert all(offset % 8 == 0 for _, offset, _ in header["arrays"].values())
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array.reshape(-1))
    assert pack({}, arrays) == pack({}, arrays)


def test_every_trial_stands_in_its_place_with_its_key_and_how_it_ended(
    results: Results, unpacked: tuple[dict[str, Any], Arrays]
) -> None:
    header, arrays = unpacked
    for _, trial in results.trials.iterrows():
        place = place_of(results, trial["trial_key"])
        assert arrays["0/keys"].reshape(-1, 8)[place].tobytes().hex() == trial["trial_key"]
        assert header["statuses"][arrays["0/status"][place]] == trial["status"]
        if trial["status"] == "completed":
            assert arrays["0/accuracy"][place] == trial["test_acc"]
    assert arrays["0/accuracy"].size == len(results.trials)
    assert header["score"] == "accuracy"


def test_what_was_measured_on_the_way_is_that_of_the_tables(
    results: Results, unpacked: tuple[dict[str, Any], Arrays]
) -> None:
    header, arrays = unpacked
    series = {one["name"]: one for one in header["settings"][0]["series"]}
    key = results.trials.loc[results.trials["status"] == "completed", "trial_key"].iloc[7]
    place, step = place_of(results, key), series["loss_range"]["steps"][-1]

    def shown(name: str) -> float:
        steps = series[name]["steps"]
        return float(arrays[f"0/{name}"].reshape(-1, len(steps))[place, steps.index(step)])

    walk = results.landscape.query("trial_key == @key and step == @step and given_as == 'lr_multiple'")
    assert shown("loss_range") == pytest.approx(walk["loss"].max() - walk["loss"].min(), rel=1e-6)
    assert shown("beta") == pytest.approx(walk["beta"].max(), rel=1e-6)
    shifts = results.ics.query("trial_key == @key and step == @step and layer > 0")
    assert shown("ics_l2") == pytest.approx(shifts["ics_l2"].median(), rel=1e-6)
    assert shown("ics_relative") == pytest.approx((shifts["ics_l2"] / shifts["grad_norm"]).median(), rel=1e-6)
    assert [one["name"] for one in header["settings"][0]["scalars"]]


def test_what_varies_layer_by_layer_has_the_layers_names(
    results: Results, unpacked: tuple[dict[str, Any], Arrays]
) -> None:
    header, arrays = unpacked
    (cosine,) = (one for one in header["settings"][0]["layered"] if one["name"] == "layer_ics_cos")
    key = results.trials.loc[results.trials["status"] == "completed", "trial_key"].iloc[7]
    rows = results.ics[(results.ics["trial_key"] == key) & (results.ics["layer"] > 0)]
    expected = rows.groupby("layer_name", observed=True)["ics_cos"].median()
    found = arrays["0/layer_ics_cos"].reshape(-1, len(cosine["layers"]))[place_of(results, key)]
    assert dict(zip(cosine["layers"], found.tolist(), strict=True)) == pytest.approx(dict(expected), rel=1e-6)


def test_of_many_trials_there_are_scores_in_float32_and_no_curves(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "MAX_WITH_CURVES", 10)
    monkeypatch.setattr(build, "MAX_EXACT", 20)
    header, arrays = unpack(make_payload(results))
    assert arrays["0/accuracy"].dtype == np.float32
    assert {name.removeprefix("0/") for name in arrays} <= {
        "accuracy",
        "loss",
        "initial_loss",
        "status",
        "keys",
        "colors",
    }
    assert header["settings"][0]["series"] == []


def test_a_result_that_is_missing_is_no_trial(results: Results) -> None:

    gone = results.trials["trial_key"].iloc[3]
    place = place_of(results, gone)
    tables = {name: getattr(results, name) for name in ("trials", *METRIC_TABLES)}
    left = {name: rows[rows["trial_key"] != gone].reset_index(drop=True) for name, rows in tables.items()}
    _, arrays = unpack(make_payload(replace(results, **left)))
    assert arrays["0/status"][place] == 0
    assert np.isnan(arrays["0/accuracy"][place])
