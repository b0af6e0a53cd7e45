"""A user's model is tried before the start: what a trial would trip over is said in one message."""

from __future__ import annotations

from typing import Any

import pytest

from bnsweep.data import load_dataset
from bnsweep.errors import InputError
from bnsweep.probes import PROBES
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.training.trying import try_model

DATA = load_dataset(DigitsSpec(name="digits"))


def tried(name: str, norm: str = "batch", probes: tuple[str, ...] = tuple(PROBES), **options: Any) -> None:
    sections = {probe: {"every": 50, "start": 100} for probe in probes}
    model = {"name": f"tests.user_code.{name}", **options}
    fields = {"model": model, "norm": norm, "dataset": {"name": "digits"}, "probes": {**sections, "flatness": {}}}
    try_model(TrialSpec.model_validate(fields), DATA)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("late", "a forward makes parameters (gate.weight, gate.bias), which would never be trained"),
        ("replaced", "a forward puts others in the place of parameters (hidden.weight), which would never be trained"),
        ("clamped", "a forward writes to parameters (hidden.weight)"),
        ("moved_in_the_backward", "a backward writes to parameters (out.weight)"),
        ("counted", "a step made again gives other numbers"),
        ("by_reference", "probes cannot give it other parameters"),
        ("averaged", "a forward makes buffers (mean); give them their first value in __init__"),
        ("iterated", "it keeps an iterator (Changing.calls)"),
        ("hooked", "hidden.weight has a post-accumulate hook; use register_hook"),
        ("once", "its output has no gradient"),
        ("fails_in_the_backward", "has been modified by an inplace operation"),
    ],
)
def test_what_a_step_does_to_a_model_is_refused(how: str, text: str) -> None:
    with pytest.raises(InputError) as error:
        tried("changing:net", how=how)
    assert str(error.value).startswith("model.name: tests.user_code.changing:net")
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("changing:net", {}),
        ("changing:net", {"how": "thawed"}),
        ("recomputing:chained", {"how": "old"}),
        ("recomputing:branched", {"how": "new"}),
        ("recomputing:branched", {"how": "own", "p": 0.0}),
        ("recomputing:hooked", {}),
        ("recomputing:spectral", {}),
        ("recomputing:counting", {}),
        ("edge_case_models:flipped", {}),
        ("edge_case_models:gated", {}),
        ("second_derivatives:activated", {"how": "once"}),
    ],
)
def test_what_can_be_trained_and_measured_is_not(name: str, options: dict[str, Any]) -> None:
    for norm in ("none", "noisy_batch", "weight"):
        tried(name, norm, **options)


@pytest.mark.long
def test_a_net_whose_gradient_hangs_on_the_last_bit_is_not_refused() -> None:
    """Maps of one pixel, normalized over two samples: kernels that round otherwise would give another gradient."""
    fields = {"model": {"name": "torchvision/mobilenet_v2"}, "norm": "batch", "dataset": {"name": "digits"}}
    try_model(TrialSpec.model_validate(fields), DATA)
