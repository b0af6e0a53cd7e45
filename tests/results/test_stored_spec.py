"""The setting of a stored trial, as text and completed."""

import json
from collections.abc import Callable

import pytest

from bnsweep.errors import InputError
from bnsweep.results.schema import AXES
from bnsweep.results.stored_spec import completed_setting, setting_text
from bnsweep.spec import TrialSpec


def test_trials_that_differ_in_axes_alone_have_one_setting(spec: Callable[..., TrialSpec]) -> None:
    one, other = spec(), spec(norm="batch", init="orthogonal", init_gain=2.0, lr=0.5, seed=3)
    assert setting_text(one.to_json()) == setting_text(other.to_json())
    assert not set(AXES) & set(json.loads(setting_text(one.to_json())))


def test_a_field_that_an_older_spec_lacks_is_at_its_default(spec: Callable[..., TrialSpec]) -> None:
    fields = json.loads(spec().to_json())
    for name in ("max_loss", "log_every", "compile"):
        del fields["train"][name]
    del fields["probes"]
    assert completed_setting(setting_text(json.dumps(fields))) == completed_setting(setting_text(spec().to_json()))


def test_what_cannot_be_read_comes_back_as_it_is() -> None:
    newer = {"model": {"name": "mamba", "depth": 3}, "dataset": {"name": "digits"}}
    assert completed_setting(json.dumps(newer)) == newer


@pytest.mark.parametrize("text", ["{", "3", "[[1, 2, 3]]", "null"])
def test_a_damaged_spec_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match="a spec is damaged"):
        setting_text(text)
