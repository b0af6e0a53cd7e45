"""What Python refuses of a caller, in one message that names the argument, before anything is begun."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import bnsweep
from bnsweep.errors import InputError
from bnsweep.spec.sweep import Sweep

TRIAL: dict[str, Any] = {"name": "t", "model": {"name": "mlp", "widths": [8]}, "dataset": {"name": "digits"}}
PATH = "it should be a path, or a URI such as s3://bucket/folder"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"workers": 0}, "workers: given 0; it should be greater than or equal to 1"),
        ({"workers": 1.5}, "workers: given 1.5; it should be a valid integer"),
        ({"workers": True}, "workers: given true; it should be a valid integer"),
        ({"workers": "2"}, "workers: given '2'; it should be a valid integer"),
        ({"max_hours": "1"}, "max_hours: given '1'; it should be a valid number"),
        ({"max_hours": -1}, "max_hours: given -1; it should be greater than or equal to 0"),
        ({"max_hours": float("nan")}, "max_hours: given nan; it should be a finite number"),
        ({"extend": "no"}, "extend: given 'no'; it should be a valid boolean"),
        ({"out": 3}, f"out: given 3; {PATH}"),
        ({"out": ""}, f"out: given ''; {PATH}"),
        ({"out": "a\0b"}, rf"out: given 'a\x00b'; {PATH}"),
    ],
)
@pytest.mark.parametrize("call", [bnsweep.run, bnsweep.plan])
def test_an_option_of_run_and_plan(
    call: Callable[..., object], given: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        call(TRIAL, **given)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("call", "given", "message"),
    [
        (bnsweep.run, {"checkpoint_minutes": None}, "checkpoint_minutes: given null; it should be a valid number"),
        (bnsweep.plan, {"price": -1}, "price: given -1; it should be greater than or equal to 0"),
        (bnsweep.plan, {"timing": "no"}, "timing: given 'no'; it should be a valid boolean"),
    ],
)
def test_an_option_of_one_alone(call: Callable[..., object], given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        call(TRIAL, **given)


@pytest.mark.parametrize("sweep", [None, 5, [TRIAL], b"t.yaml"])
def test_what_is_no_sweep(sweep: Any) -> None:
    with pytest.raises(InputError, match=r"^sweep: given .*; it should be a Sweep, the path of its file, or what that"):
        bnsweep.plan(sweep)


@pytest.mark.parametrize("directory", [None, 3, b"", "", "a\0b"])
def test_what_is_no_directory(directory: Any) -> None:
    with pytest.raises(InputError, match=r"^directory: given .*; it should be a path"):
        bnsweep.load(directory)


@pytest.mark.parametrize("settings", ["train.steps=3", {"train.steps": 3}, [3]])
def test_what_is_no_list_of_settings(settings: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^settings: given .*; it should be a list such as \['train\.steps=500'\]$"):
        Sweep.from_yaml(tmp_path / "t.yaml", settings)


@pytest.mark.parametrize(
    "lrs",
    [
        np.array([0.25, 0.5]),
        np.array([0.25, 0.5], dtype=np.longdouble),
        pd.Series([0.25, 0.5]),
        pd.Index([0.25, 0.5]),
        torch.tensor([0.25, 0.5]),
        (0.25, 0.5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_axis_may_be_any_kind_of_array(lrs: Any) -> None:
    assert [spec.lr for spec in Sweep.from_dict({**TRIAL, "axes": {"lr": lrs}}).trials] == [0.25, 0.5]


def test_a_path_may_be_a_path() -> None:
    dataset = {"name": "parquet", "train": Path("a/train.parquet"), "test": Path("a/test.parquet")}
    (spec,) = Sweep.from_dict({**TRIAL, "dataset": dataset}).trials
    assert spec.dataset.model_dump()["train"] == "a/train.parquet"


def numbers() -> Iterator[float]:
    yield 0.1


def nested() -> dict[str, Any]:
    within: dict[str, Any] = {}
    within["axes"] = within
    return within


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"axes": {"seed": range(10**12)}}, "axes.seed: given 1000000000000 points; a sweep has at most"),
        ({"axes": {"lr": numbers()}}, "axes.lr: given <generator object"),
        (nested(), "sweep: nested too deeply, or within itself; a sweep file has a few levels"),
    ],
)
def test_what_no_sweep_file_holds(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}") as refused:
        Sweep.from_dict({**TRIAL, **given})
    assert "\n" not in str(refused.value)
