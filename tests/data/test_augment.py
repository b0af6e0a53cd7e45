"""Augmented mini-batches against a loop over samples, and that a trial's bits depend on its spec alone all the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from bnsweep.data import load_dataset
from bnsweep.data.augment import AT_ONCE, check_augmentable, draw_flips, draw_places, drawn, padding
from bnsweep.data.augment import augmented as augmented_by
from bnsweep.data.augment import crop as crop_at
from bnsweep.data.augment import flip as flip_where
from bnsweep.data.batches import batches
from bnsweep.errors import InputError
from bnsweep.rng import derive
from bnsweep.spec import TrainSpec, TrialSpec
from bnsweep.training import checkpoint
from bnsweep.training.loop import run_trial, train
from tests.reads import Copies

Build = Callable[..., TrialSpec]
AUGMENT = {"steps": 8, "batch_size": 32, "augment": ["crop", "flip"]}


def images(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(0))


def crop(x: Tensor, generator: Generator) -> Tensor:
    return crop_at(x, draw_places(x.shape, generator))


def flip(x: Tensor, generator: Generator) -> Tensor:
    return flip_where(x, draw_flips(x.shape, generator))


def augmented(x: Tensor, names: list[str], seed: int, step: int) -> Tensor:
    return augmented_by(x, names, next(drawn(x.shape, names, seed, range(step, step + 1), x.device)))


def slow_crop(x: np.ndarray, top: int, left: int) -> np.ndarray:
    """Return the window of one image (C, H, W) at this place of the image with zeros around it, pixel by pixel."""
    found, (_, height, width) = np.zeros_like(x), x.shape
    for row in range(height):
        for column in range(width):
            at = row + top - round(height / 8 + 1e-9), column + left - round(width / 8 + 1e-9)
            if 0 <= at[0] < height and 0 <= at[1] < width:
                found[:, row, column] = x[:, *at]
    return found


@pytest.mark.parametrize("shape", [(9, 3, 32, 32), (7, 1, 8, 12), (5, 2, 4, 21)])
def test_a_crop_is_a_window_of_each_image_with_zeros_around_it(shape: tuple[int, ...]) -> None:
    x = images(*shape)
    found = crop(x, Generator().manual_seed(3)).numpy()
    again = Generator().manual_seed(3)
    places = [torch.randint(2 * padding(side) + 1, (shape[0], 1), generator=again)[:, 0] for side in shape[2:]]
    expected = [slow_crop(*one) for one in zip(x.numpy(), *(place.tolist() for place in places), strict=True)]
    assert np.array_equal(found, np.stack(expected))


def test_every_place_is_met_as_often() -> None:
    x = torch.zeros(6000, 1, 8, 8)
    x[:, :, 4, 4] = 1
    at = crop(x, Generator().manual_seed(0)).flatten(1).argmax(1).bincount()
    assert at.count_nonzero() == 9
    assert (at[at > 0] - 6000 / 9).abs().max() < 5 * (6000 / 9) ** 0.5


def test_a_flip_exchanges_left_and_right_of_half_the_images() -> None:
    x = images(1000, 2, 3, 5)
    found = flip(x, Generator().manual_seed(0))
    is_flipped = torch.tensor([torch.equal(one, two.flip(2)) for one, two in zip(found, x, strict=True)])
    assert torch.equal(found[~is_flipped], x[~is_flipped])
    assert 420 < is_flipped.sum() < 580


def test_each_draws_from_a_stream_of_its_own() -> None:
    x = images(8, 1, 8, 8)
    both = augmented(x, ["crop", "flip"], seed=1, step=4)
    expected = crop(x, Generator().manual_seed(derive(1, "augment_crop", 4)))
    assert torch.equal(both, flip(expected, Generator().manual_seed(derive(1, "augment_flip", 4))))
    assert not torch.equal(both, augmented(x, ["crop", "flip"], seed=1, step=5))
    assert not torch.equal(both, augmented(x, ["crop", "flip"], seed=2, step=4))


def test_batches_are_augmented_and_their_labels_and_order_stay(spec: Build) -> None:
    data = load_dataset(spec().dataset)
    plain = list(batches(data, TrainSpec(steps=8, batch_size=32), seed=5))
    for first in (0, 3):
        found = list(batches(data, TrainSpec.model_validate(AUGMENT), 5, first))
        assert len(found) == 8 - first
        for step, ((x, y), (plain_x, plain_y)) in enumerate(zip(found, plain[first:], strict=True), first):
            assert torch.equal(x, augmented(plain_x, ["crop", "flip"], 5, step))
            assert torch.equal(y, plain_y)


def test_a_trial_goes_on_where_it_was_saved_and_probes_leave_its_bits(spec: Build) -> None:
    trial, probes = spec(train=AUGMENT), {"landscape": {"every": 2}, "ics": {"every": 3}}
    data = load_dataset(trial.dataset)
    whole = run_trial(trial, data)
    assert whole.tables != run_trial(spec(), data).tables
    steps = train(trial, data)
    for _ in range(4):
        under_way = next(steps)
    saved = checkpoint.dump(under_way.state_dict())
    for resumed in train(trial, data, saved):
        assert resumed.step >= 3
    assert resumed.result.tables == whole.tables
    assert run_trial(spec(train=AUGMENT, probes=probes), data).tables["curves"] == whole.tables["curves"]


def test_a_probe_is_given_the_augmented_mini_batch(spec: Build) -> None:
    trial = spec(train=AUGMENT, probes={"landscape": {"every": 1, "lr_multiples": [1e-6]}})
    tables = run_trial(trial, load_dataset(trial.dataset)).tables
    losses = [row["train_loss"] for row in tables["curves"][:8]]
    np.testing.assert_allclose([row["loss"] for row in tables["landscape"]], losses, rtol=1e-5)


def test_the_order_of_the_names_is_no_other_trial(spec: Build) -> None:
    other = spec(train={**AUGMENT, "augment": ["flip", "crop"]})
    assert other.trial_key == spec(train=AUGMENT).trial_key
    assert spec(train={**AUGMENT, "augment": []}).trial_key == spec().trial_key


@pytest.mark.parametrize(("names", "shape"), [(["flip"], (3, 8, 1)), (["crop"], (3, 3, 8)), (["flip"], (10, 1, 1))])
def test_what_would_do_nothing_is_refused(names: list[str], shape: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match=rf"train.augment: {names[0]} needs images .* are {shape[1]} x {shape[2]}"):
        check_augmentable(names, shape)


def test_what_is_drawn_for_many_steps_at_once_is_what_is_drawn_for_each() -> None:
    steps, shape = range(3, 2 * AT_ONCE + 5), torch.Size((4, 1, 8, 8))
    for step, of_step in zip(steps, drawn(shape, ["crop", "flip"], 1, steps, torch.device("cpu")), strict=True):
        alone = next(drawn(shape, ["crop", "flip"], 1, range(step, step + 1), torch.device("cpu")))
        assert all(map(torch.equal, of_step, alone))


def test_a_step_copies_nothing_to_the_device_that_is_not_copied_for_many() -> None:
    """On the meta device, which a copy is made to as it would be to a GPU."""
    shape, meta = torch.Size((4, 1, 8, 8)), torch.device("meta")
    with Copies() as copies:
        for of_step in drawn(shape, ["crop", "flip"], 1, range(AT_ONCE), meta):
            assert augmented_by(torch.empty(shape, device=meta), ["crop", "flip"], of_step).shape == shape
    assert copies.count == 2
