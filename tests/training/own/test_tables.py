"""The rows of users' own tables: typed by what they hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from bnsweep.errors import InputError
from bnsweep.training.own.tables import OwnTables
from bnsweep.training.result import TrialResult


def tables(*taken: str) -> OwnTables:
    return OwnTables(TrialResult(None), taken)


def types_of(own: OwnTables, table: str) -> dict[str, pa.DataType]:
    fields = own.result.schemas[table]
    return {name: fields.field(name).type for name in fields.names[fields.names.index("step") + 1 :]}


def test_columns_have_the_type_of_their_first_value() -> None:
    own = tables()
    own.add("mine", 0, {"a": 1, "b": None, "c": True, "d": "x"})
    own.add("mine", 2, {"b": torch.tensor(0.5), "e": np.float32(2), "a": np.int64(3)})
    assert types_of(own, "mine") == {
        "a": pa.float64(),
        "b": pa.float64(),
        "c": pa.bool_(),
        "d": pa.string(),
        "e": pa.float64(),
    }
    assert own.result.tables["mine"] == [
        {"step": 0, "a": 1, "b": None, "c": True, "d": "x"},
        {"step": 2, "b": 0.5, "e": 2.0, "a": 3},
    ]


def test_a_whole_number_is_a_number_like_others() -> None:
    own = tables()
    own.add("mine", 0, {"a": 0.5, "b": 1})
    own.add("mine", 1, {"a": 1, "b": 0.5})
    assert own.result.tables["mine"][1] == {"step": 1, "a": 1.0, "b": 0.5}
    for wrong in (True, "1"):
        with pytest.raises(InputError, match=r"column b of mine is given .*, and held a number before"):
            own.add("mine", 2, {"b": wrong})
    with pytest.raises(InputError, match=r"column b of mine is given 9007199254740993, too large a number"):
        own.add("mine", 2, {"b": 2**53 + 1})


@pytest.mark.parametrize("value", [[1], {"a": 1}, torch.ones(2), object()])
def test_what_is_no_single_value_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="column a of mine is given a"):
        tables().add("mine", 0, {"a": value})


@pytest.mark.parametrize("name", ["trials", "ics", "report", "Mine", "_mine", "counts", ""])
def test_names_that_are_taken_or_no_names(name: str) -> None:
    with pytest.raises(InputError, match="it should be curves, or a name of its own"):
        tables("counts").add(name, 0, {"a": 1})


def test_what_is_logged_of_a_step_is_one_row_of_curves() -> None:
    own = tables()
    own.add("curves", 0, {"train_loss": torch.tensor(2)})
    own.add("curves", 0, {"test_acc": 0.5})
    own.add("curves", 1, {"train_loss": None})
    first, second = own.result.tables["curves"]
    assert (first["step"], first["train_loss"], first["test_acc"], first["grad_norm"]) == (0, 2.0, 0.5, None)
    assert (second["step"], second["train_loss"]) == (1, None)


def test_types_go_on_where_a_trial_does() -> None:
    own, again = tables(), tables()
    own.add("mine", 0, {"a": 1, "b": None})
    again.load_state_dict(own.state_dict())
    assert types_of(again, "mine") == types_of(own, "mine")
    with pytest.raises(InputError, match="held a number before"):
        again.add("mine", 1, {"a": "x"})
