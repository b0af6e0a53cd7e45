"""A loop that cannot be a trial is refused before the start, with one message for each mistake."""

from __future__ import annotations

from typing import Any

import pytest

from bnsweep.errors import InputError
from bnsweep.training.own.trying import try_own_loop
from tests.training.own.test_training import LOOPS, PROBED, data_of, own

MISTAKES = [
    ("undecorated", r"^trial\.name: .*:undecorated is no trial; decorate it with @bnsweep\.trial$"),
    ("takes_one", r"^trial\.name: .*:takes_one cannot be called with config, ctx: "),
    ("nowhere", r"^trial\.name: .*:nowhere cannot be loaded \(module .* has no attribute 'nowhere'\)"),
    ("without_steps", r"^trial\.name: .*:without_steps asks for no steps; loop over ctx\.steps\(\.\.\.\)$"),
    ("steps_twice", r"^ctx\.steps: .*:steps_twice asks for it twice; a trial has one loop over its steps$"),
    ("saves_a_number", r"^ctx\.steps\(count=\.\.\.\): a int has no state_dict and load_state_dict; "),
    (
        "saves_an_object",
        r"^ctx\.steps\(metrics=\.\.\.\): its state cannot be saved: a object is neither a tensor nor a plain value; ",
    ),
    ("forgets", r"^trial\.name: .*:forgets gives other numbers \(metric\) when it goes on from a checkpoint "),
    (
        "reads_what_is_not_there",
        r"^trial\.name: .* fails when two steps are tried for norm none: AttributeError: config has no 'widht'; "
        r"allowed: .*; did you mean 'width'\?; give it in the sweep file as trial\.widht",
    ),
    ("asks_for_data", r"^ctx\.data: the sweep file names no dataset; such as dataset: \{name: digits\}$"),
    ("asks_for_a_model", r"^ctx\.build_model: the sweep file names no model; such as model: \{name: mlp\}$"),
    ("asks_for_a_probe", r"^ctx\.due: given 'landscap'; allowed: .*; did you mean 'landscape'\?$"),
    ("step_without_a_model", r"^ctx\.step: model is a NoneType; it should be a torch\.nn\.Module$"),
    ("step_without_an_optimizer", r"^ctx\.step: optimizer is a float; it should be a torch\.optim\.Optimizer, "),
    ("step_without_a_batch", r"^ctx\.step: x is a list; it should be the tensor that the model is given$"),
    ("step_without_targets", r"^ctx\.step: y is a NoneType; it should be the tensor of targets$"),
    ("step_without_a_loss", r"^ctx\.step: loss_fn should be callable as loss_fn\(model\(x\), y\)$"),
    ("steps_by_two_models", r"^ctx\.step: a second update in step 0; rows of both could not be told apart: make the "),
    ("logs_to_ours", r"^ctx\.log: given table 'landscape'; it should be curves, or a name of its own in lower case, "),
    ("logs_to_no_name", r"^ctx\.log: given table 'My Table'; it should be curves, or a name of its own in lower case"),
    ("logs_an_axis", r"^ctx\.log: every table has lr already, as mine would; give yours another name$"),
    ("logs_a_tensor", r"^ctx\.log: column weights of mine is given a Tensor; it should be a number, text, "),
    ("logs_two_types", r"^ctx\.log: column value of mine is given 'one', and held a number before; give it one type$"),
    ("logs_a_curve_that_is_not", r"^ctx\.log: curves has no column 'train_los'; .*did you mean 'train_loss'\?$"),
    ("logs_text_to_curves", r"^ctx\.log: column train_loss of curves is given 'low'; it should be a number$"),
    ("returns_nothing_of_it", r"^trial\.metric\.name: .* returned val_acc and no 'val_loss'; it should return \{'val_"),
    ("returns_a_number", r"^trial\.name: .* returned a float; it should return \{'val_loss': \.\.\.\}$"),
    ("returns_more", r"^trial\.name: .* returned 'val_acc', neither the metric nor one of train_loss, .*; ctx\.log "),
    ("returns_text", r"^trial\.name: .* returned a str for 'val_loss'; it should be a number$"),
]


def tried(name: str, **changes: Any) -> list[str]:
    spec = own(name, options={"width": 3}, **changes)
    return list(try_own_loop(spec, data_of(spec)))


@pytest.mark.parametrize(("name", "message"), MISTAKES, ids=[name for name, _ in MISTAKES])
def test_each_mistake_has_its_message(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tried(name, **({"probes": {"layers": {"every": 5}}} if name == "steps_by_two_models" else {}))


def test_a_loop_that_is_as_it_should_be_says_nothing() -> None:
    assert list(try_own_loop(PROBED, data_of(PROBED))) == []
    fields: dict[str, Any] = {"model": {"name": "mlp"}, "dataset": {"name": "digits"}, "probes": "full"}
    assert tried("like_ours", metric="test_loss", norm="noisy_batch", **fields) == []


def test_one_that_cannot_be_continued_says_so() -> None:
    assert tried("saves_nothing") == [
        f"{LOOPS}:saves_nothing gives ctx.steps nothing to save: a trial that is cut off begins anew"
    ]


def test_probes_need_to_be_told_of_steps() -> None:
    with pytest.raises(InputError, match=r"^probes: .*:raises makes no step within `with ctx\.step"):
        tried("raises", probes={"ics": {"every": 3}})


def test_a_try_makes_two_steps_of_as_many_as_there_are() -> None:
    assert tried("raises", lr=2.0, train={"steps": 1000}) == []


def test_divergence_while_it_is_tried_is_no_mistake() -> None:
    assert tried("returns_nan") == []
    assert tried("regression", lr=1e20) == []
