"""The key that names a trial."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from bnsweep.spec import TrialSpec
from bnsweep.spec.trial import SEMANTICS_VERSION

Build = Callable[..., TrialSpec]

POSITIVE = st.floats(min_value=1e-300, max_value=1e30)


@given(st.sampled_from(["none", "batch", "rms"]), POSITIVE, POSITIVE, st.integers(0, 2**63 - 1))
def test_json_gives_the_same_spec_and_key_back(norm: str, lr: float, gain: float, seed: int) -> None:
    fields = {"model": {"name": "mlp"}, "dataset": {"name": "digits"}}
    trial = TrialSpec.model_validate({**fields, "norm": norm, "lr": lr, "init_gain": gain, "seed": seed})
    again = TrialSpec.model_validate_json(trial.to_json())
    assert again == trial
    assert again.trial_key == trial.trial_key


def test_the_key_is_a_contract_with_what_is_stored(spec: Build) -> None:
    assert spec().trial_key == "a1e44ab3d6c64d03"


def test_the_key_is_the_hash_of_what_is_not_at_its_default(spec: Build) -> None:
    for trial in (spec(), spec(train={"steps": 9}, probes="economy", model={"name": "a.b:c", "depth": [1, 2]}, lr=1)):
        text = json.dumps([SEMANTICS_VERSION, trial.model_dump(mode="json", exclude_defaults=True)], sort_keys=True)
        assert trial.trial_key == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_each_field_moves_the_key(spec: Build) -> None:
    changes: list[dict[str, object]] = [
        {},
        {"lr": 0.2},
        {"seed": 1},
        {"norm": "batch"},
        {"init": "orthogonal"},
        {"init_gain": 2.0},
        {"model": {"name": "mlp"}},
        {"train": {"steps": 9, "batch_size": 32}},
        {"probes": {"ics": {"every": 3}}},
        {"log": {"curves": "summary"}},
    ]
    assert len({spec(**change).trial_key for change in changes}) == len(changes)


def test_a_default_that_is_spelt_out_is_the_same_trial(spec: Build) -> None:
    assert spec(norm="none", init_gain=1.0, lr=0.1, log={"curves": "all"}).trial_key == spec().trial_key
