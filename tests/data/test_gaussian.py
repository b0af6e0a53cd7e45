"""Gaussian data: its distribution, that it can be learnt without error, and that its spec is all it depends on."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from sklearn.linear_model import LogisticRegression

from bnsweep.data import Dataset, load_dataset
from bnsweep.errors import InputError
from bnsweep.spec import GaussianSpec, TrialSpec
from bnsweep.training.loop import run_trial


def gaussian(**fields: object) -> Dataset:
    return load_dataset(GaussianSpec(name="gaussian", **fields))


def test_the_default_is_the_papers_thousand_samples_of_ten_standard_normal_numbers() -> None:
    data = gaussian()
    assert (data.input_shape, data.num_classes) == ((10, 1, 1), 10)
    assert data.train_x.shape == data.test_x.shape == (1000, 10, 1, 1)
    for x in (data.train_x, data.test_x):
        assert stats.kstest(x.flatten(), stats.norm.cdf).pvalue > 0.01
        assert x.flatten(1).T.corrcoef().fill_diagonal_(0).abs().max() < 0.15
    assert not torch.equal(data.train_x, data.test_x)


def test_a_linear_classifier_fits_the_labels_without_error_and_generalizes() -> None:
    data = gaussian(samples=2000, dimension=4, num_classes=3)
    classifier = LogisticRegression(C=1e6, max_iter=10_000).fit(data.train_x.flatten(1), data.train_y)
    assert classifier.score(data.train_x.flatten(1), data.train_y) == 1.0
    assert classifier.score(data.test_x.flatten(1), data.test_y) > 0.99
    assert data.train_y.unique().tolist() == data.test_y.unique().tolist() == [0, 1, 2]


def test_real_targets_are_a_linear_function_of_the_same_samples() -> None:
    """A x, of which the classes are the largest entry."""
    real, classes = (gaussian(samples=50, num_classes=4, targets=targets) for targets in ("real", "classes"))
    assert torch.equal(real.train_x, classes.train_x)
    assert torch.equal(real.test_y.argmax(1), classes.test_y)
    assert (real.has_real_targets, real.train_y.dtype, tuple(real.train_y.shape)) == (True, torch.float32, (50, 4))
    x, test_x = (torch.cat([part.flatten(1), torch.ones(len(part), 1)], 1) for part in (real.train_x, real.test_x))
    teacher = torch.linalg.lstsq(x, real.train_y).solution
    torch.testing.assert_close(test_x @ teacher, real.test_y, atol=1e-4, rtol=1e-4)


def test_more_samples_are_the_same_and_further_ones() -> None:
    few, many = gaussian(samples=5, test_samples=7), gaussian(samples=50, test_samples=70)
    drawn_few, drawn_many = (x.train_x[:5].squeeze() * x.std + x.mean for x in (few, many))
    torch.testing.assert_close(drawn_few, drawn_many)
    assert torch.equal(few.train_y, many.train_y[:5])
    assert torch.equal(few.test_y, many.test_y[:7])


def test_a_data_seed_draws_samples_and_labels_of_its_own() -> None:
    torch.manual_seed(0)
    first = gaussian(data_seed=1)
    torch.manual_seed(1)
    assert torch.equal(first.train_x, gaussian(data_seed=1).train_x)
    other = gaussian(data_seed=2)
    assert not torch.equal(first.train_x, other.train_x)
    assert (first.test_y != other.test_y).float().mean() > 0.5


def test_there_are_as_many_classes_as_asked_for_even_if_not_all_are_met() -> None:
    assert gaussian(samples=3, test_samples=2, num_classes=50).num_classes == 50


def test_more_than_memory_holds_is_refused() -> None:
    message = r"dataset: 10{9} and 1000 samples of 10{9} numbers take .* GiB in memory, .* may use .* give"
    with pytest.raises(InputError, match=message):
        gaussian(samples=10**9, dimension=10**9)


@pytest.mark.parametrize("norm", ["none", "batch", "weight"])
def test_a_deep_linear_network_learns_it(norm: str) -> None:
    fields = {"dataset": {"name": "gaussian", "dimension": 5, "num_classes": 4}, "norm": norm, "lr": 0.1}
    model = {"model": {"name": "deep_linear", "widths": [5, 5]}, "train": {"steps": 300}, "init": "xavier_normal"}
    probes = {"probes": {name: {"every": 100} for name in ("landscape", "ics", "moments", "layers", "curvature")}}
    spec = TrialSpec.model_validate(fields | model | probes)
    result = run_trial(spec, load_dataset(spec.dataset))
    assert result.test_acc is not None
    assert result.test_acc > 0.9
    assert {table: len(rows) for table, rows in result.tables.items() if table != "curves"} == {
        "landscape": 3 * 4,
        "ics": 3 * 3,
        "moments": 3 * 2,
        "layers": 3 * 3,
        "curvature": 3,
    }
