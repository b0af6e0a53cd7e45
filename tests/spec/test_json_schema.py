"""The JSON Schema of the sweep file, as an editor uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from bnsweep.spec.json_schema import sweep_schema
from tests.conftest import TINY
from tests.sweeps.test_files import FILES

VALIDATOR = Draft202012Validator(sweep_schema())
MINIMAL: dict[str, Any] = {"name": "x", "model": {"name": "mlp"}, "dataset": {"name": "digits"}}


def errors(sweep: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(sweep)]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(sweep_schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_sweep_file_is_valid_and_names_the_schema(file: Path) -> None:
    text = file.read_text()
    assert errors(YAML(typ="safe", pure=True).load(text)) == []
    assert "# yaml-language-server: $schema=../docs/sweep.schema.json\n" in text


def test_what_is_kept_in_the_docs_is_what_the_specs_say() -> None:
    kept = Path(__file__).parents[2] / "docs" / "sweep.schema.json"
    assert json.loads(kept.read_text()) == sweep_schema(), "run `python -m bnsweep.docs`"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"model": {"name": "mine:net", "width": 64}, "dataset": {"name": "mine:data"}},
        {"model": {"name": "torchvision/resnet18"}, "dataset": {"name": "torchvision/MNIST", "root": "data"}},
        {"probes": "economy"},
        {"search": "grid"},
        {"search": {"name": "edges", "first": 5}},
        {
            "search": {"name": "tpe", "hours": 2},
            "axes": {"lr": {"loguniform": [0.1, 1]}, "init_gain": {"uniform": [1, 2]}},
        },
        {"probes": {"ics": {"every": 5}, "mine:Probe": {"every": 5, "option": 1}}},
        {"axes": {"lr": {"logspace": [0.001, 1, 4]}, "seed": {"range": 3}, "train.optimizer": ["sgd", "adam"]}},
        {"axes": {"model.widths": [[8], [16]], "seed": {"range": [3, 6]}, "norm": {"values": ["none"]}}},
        {"model": {"widths": [8]}, "axes": {"model.name": ["mlp", "deep_linear"]}},
        {"trial": {"name": "loop:train", "metric": {"name": "val_loss", "mode": "min"}, "width": 5}},
    ],
)
def test_what_the_reader_takes_is_valid(given: dict[str, Any]) -> None:
    assert errors(MINIMAL | given) == []


@pytest.mark.parametrize(
    "given",
    [
        {"nmae": "y"},
        {"norm": "bach"},
        {"train": {"steps": "many"}},
        {"train": {"step": 5}},
        {"axes": {"lr": {"logspcae": [1, 2, 3]}}},
        {"axes": {"lr": [0.1, "x"]}},
        {"axes": {"train.stps": [1]}},
        {"axes": {"seed": []}},
        {"model": {"name": "mlp", "width": 8}},
        {"probes": "thrifty"},
        {"probes": {"isc": {"every": 5}}},
        {"resources": {"gpu": 1}},
    ],
)
def test_a_wrong_key_or_type_is_seen_while_one_types(given: dict[str, Any]) -> None:
    assert errors(MINIMAL | given)


def test_the_tiny_sweep_of_the_tests_is_valid() -> None:
    assert errors(YAML(typ="safe", pure=True).load(TINY)) == []
