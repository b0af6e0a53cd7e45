"""Data of the user's own: what it becomes, and what is said of data that cannot be used."""

from __future__ import annotations

import pytest
import torch

from bnsweep.data import load_dataset
from bnsweep.errors import InputError
from bnsweep.spec import CustomDatasetSpec, TrialSpec
from bnsweep.spec.sweep import Sweep
from bnsweep.training.loop import run_trial
from tests.conftest import TINY
from tests.user_code import data as user_data

OWN = "tests.user_code.data:"


def spec(name: str, **options: object) -> CustomDatasetSpec:
    return CustomDatasetSpec(name=OWN + name, **options)


@pytest.mark.parametrize("as_tensors", [False, True])
def test_images_and_labels_come_back_as_they_are(as_tensors: bool) -> None:
    data = load_dataset(spec("images", channels=3, as_tensors=as_tensors))
    train_x, train_y, test_x, test_y = (torch.as_tensor(part.copy()) for part in user_data.images(3))
    assert (data.input_shape, data.num_classes, data.train_x.dtype) == ((3, 3, 5), 3, torch.uint8)
    found = data.train_x, data.train_y, data.test_x, data.test_y
    assert all(torch.equal(a, b) for a, b in zip(found, (train_x, train_y, test_x, test_y), strict=True))


def test_vectors_of_any_scale_are_standardized_per_feature_and_a_constant_one_is_zero() -> None:
    data = load_dataset(spec("features"))
    assert data.input_shape == (4, 1, 1)
    assert data.train_x.dtype == torch.float32
    x = data.standardize(data.train_x).flatten(1)
    torch.testing.assert_close(x.mean(0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std(0, correction=0), torch.tensor([1.0, 1.0, 0.0, 1.0]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("far", [0.0, 1e9, -1e12])
def test_numbers_far_from_zero_are_standardized_before_they_are_cast(far: float) -> None:
    data = load_dataset(spec("far_from_zero", far=far))
    near = load_dataset(spec("far_from_zero", far=0.0))
    for found, expected in ((data.train_x, near.train_x), (data.test_x, near.test_x)):
        torch.testing.assert_close(data.standardize(found), expected, atol=1e-3, rtol=0)  # 1e12 has steps of 1e-4
    assert data.sha256 != near.sha256 or far == 0


def test_what_it_returned_is_told_from_other_data() -> None:
    same, other = (load_dataset(spec("images", channels=count)) for count in (2, 3))
    assert same.sha256 == load_dataset(spec("images", channels=2, as_tensors=True)).sha256
    assert same.sha256 != other.sha256


def test_bytes_beside_other_numbers_are_taken_as_the_same_numbers() -> None:
    data = load_dataset(spec("mixed"))
    assert torch.equal(data.train_x, data.test_x)


def test_a_sweep_names_it_with_its_options_as_fields_and_axes() -> None:
    text = TINY.replace("{name: digits}", f'{{name: "{OWN}images", as_tensors: true}}').replace("32", "3")
    sweep = Sweep.from_text(text.replace("axes:", "axes:\n  dataset.channels: [1, 2]"))
    trials = [trial for trial in sweep.trials if trial.seed == 0 and trial.norm == "batch" and trial.lr == 0.1]
    assert sorted(trial.dataset.options["channels"] for trial in trials) == [1, 2]
    for trial in trials:
        again = TrialSpec.model_validate_json(trial.to_json())
        assert again.trial_key == trial.trial_key
        assert run_trial(again, load_dataset(again.dataset)).num_classes == 3


BAD = [
    (
        "nowhere",
        {},
        "cannot be loaded (module 'tests.user_code.data' has no attribute 'nowhere'); allowed: ",
    ),
    ("NO_CALLABLE", {}, " is a int; it should be callable"),
    ("images", {"chanels": 3}, "cannot be called with chanels: got an unexpected keyword argument 'chanels'"),
    ("failing", {}, "cannot be called with no options: missing a required argument: 'path'"),
    (
        "failing",
        {"path": "no.npz"},
        "fails when called: FileNotFoundError: [Errno 2] No such file or directory: 'no.npz' (",
    ),
    ("nothing", {}, "returned a NoneType; it should return (train_x, train_y, test_x, test_y)"),
    ("three", {}, "returned a tuple of 3; it should return (train_x"),
    (
        "broken",
        {"how": "greyscale"},
        "train_x has the shape (6, 8, 8); it should be (N, C, H, W), or (N, D) for vectors",
    ),
    ("broken", {"how": "empty"}, "test_x has the shape (0, 4)"),
    ("broken", {"how": "text"}, "train_x is <U1; it should be numbers"),
    ("broken", {"how": "ragged"}, "train_x is a list (setting an array element with a sequence."),
    ("broken", {"how": "nan"}, "train_x has entries that are no finite float32"),
    ("broken", {"how": "huge"}, "train_x has entries that are no finite float32"),
    ("broken", {"how": "one_hot"}, "train_y is int64 of the shape (6, 6); it should be integers of the shape (N,)"),
    ("broken", {"how": "real_labels"}, "train_y is float64 of the shape (6,); it should be integers"),
    ("broken", {"how": "negative"}, "train_y has the label -1; labels should be 0 to 99999"),
    ("broken", {"how": "too_many"}, "train_y has the label 500000; labels should be 0 to 99999"),
    ("broken", {"how": "from_one"}, ": labels run from 1 to 6; they should run from 0; subtract 1"),
    ("broken", {"how": "longer"}, "train_x has 6 samples, train_y 7 labels; they should be as many"),
    ("broken", {"how": "wider"}, "samples of train_x are (4, 1, 1), those of test_x (5, 1, 1); they should be alike"),
    ("broken", {"how": "one_class"}, " has one class; at least two are needed to learn anything"),
]


@pytest.mark.parametrize(("name", "options", "text"), BAD, ids=[entry[2][:40] for entry in BAD])
def test_what_is_wrong_is_named(name: str, options: dict[str, object], text: str) -> None:
    with pytest.raises(InputError) as error:
        load_dataset(spec(name, **options))
    assert str(error.value).startswith(f"dataset.name: {OWN}{name}")
    assert text in str(error.value)
