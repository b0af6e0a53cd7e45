"""The columns of `trials` that hold a spec."""

from __future__ import annotations

import json
from collections.abc import Callable

from bnsweep.running.rows import SpecColumns
from bnsweep.spec import TrialSpec
from bnsweep.spec.trial import SEMANTICS_VERSION


def test_what_is_written_of_a_spec_is_the_same_however_many_share_its_sections(spec: Callable[..., TrialSpec]) -> None:
    specs = [
        spec(lr=lr, **fields)
        for fields in (
            {},
            {"probes": "economy"},
            {"log": {"curves": "summary"}},
            {"train": {"steps": 3, "betas": [0.9, 0.99], "optimizer": "adam"}},
        )
        for lr in (1, 0.1, 1e-30)
    ]
    shared = [TrialSpec.model_construct(**{**dict(specs[0]), "seed": seed}) for seed in range(3)]
    written = SpecColumns()
    for one in (*specs, *shared):
        _ = one.trial_key
        columns, dump = written(one), one.model_dump(mode="json")
        assert columns["spec"] == one.to_json()
        assert TrialSpec.model_validate_json(columns["spec"]) == one
        assert (columns["model"], json.loads(columns["model_options"])["widths"]) == (
            one.model.name,
            dump["model"]["widths"],
        )
        assert (columns["steps"], columns["betas"]) == (one.train.steps, json.dumps(list(one.train.betas)))
        assert json.loads(columns["probes"]) == dump["probes"]
        assert columns["log_curves"] == one.log.curves
        assert columns["semantics_version"] == SEMANTICS_VERSION
        assert columns == SpecColumns()(one)
