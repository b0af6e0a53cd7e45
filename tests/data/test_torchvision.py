"""torchvision's data sets, from files in the formats in which they are published."""

from __future__ import annotations

import hashlib
import inspect
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from bnsweep.data import Dataset, load_dataset
from bnsweep.data.torchvision import TORCHVISION_DATASETS
from bnsweep.errors import InputError
from bnsweep.spec import TorchvisionDatasetSpec, TrialSpec

RNG = np.random.default_rng(0)


def load(name: str, root: Path, **fields: object) -> Dataset:
    return load_dataset(TorchvisionDatasetSpec(name=f"torchvision/{name}", root=str(root), **fields))


def idx(array: np.ndarray) -> bytes:
    """Return bytes in the format of http://yann.lecun.com/exdb/mnist."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def digits(tmp_path: Path) -> dict[str, np.ndarray]:
    """Write what MNIST consists of, sorted by class."""
    folder = tmp_path / "MNIST/raw"
    folder.mkdir(parents=True)
    held = {}
    for part, count in (("train", 30), ("t10k", 10)):
        held[f"{part}-images-idx3-ubyte"] = RNG.integers(0, 256, (count, 28, 28), np.uint8)
        held[f"{part}-labels-idx1-ubyte"] = np.sort(np.arange(count) % 10).astype(np.uint8)
    for name, array in held.items():
        (folder / name).write_bytes(idx(array))
    return held


def test_mnist_comes_back_pixel_for_pixel(tmp_path: Path, digits: dict[str, np.ndarray]) -> None:
    data = load("MNIST", tmp_path)
    for part, x, y in (("train", data.train_x, data.train_y), ("t10k", data.test_x, data.test_y)):
        assert np.array_equal(x, np.repeat(digits[f"{part}-images-idx3-ubyte"][:, None], 3, axis=1))
        assert np.array_equal(y, digits[f"{part}-labels-idx1-ubyte"])
    assert (data.num_classes, data.input_shape) == (10, (3, 28, 28))


def test_a_limit_takes_a_sample_and_a_size_scales(tmp_path: Path, digits: dict[str, np.ndarray]) -> None:
    data = load("MNIST", tmp_path, train_limit=20, size=14)
    assert (data.input_shape, data.train_y.bincount().tolist()) == ((3, 14, 14), [2] * 10)
    assert data.sha256 != load("MNIST", tmp_path, size=14).sha256


def test_cifar100_comes_back_pixel_for_pixel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()

    def write(name: str, content: object) -> list[str]:
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    images = RNG.integers(0, 256, (12, 3, 32, 32), np.uint8)
    parts = {"train": slice(0, 8), "test": slice(8, 12)}
    for name, part in parts.items():
        labels = list(range(12))[part]
        listed = [write(name, {"data": images[part].reshape(-1, 3072), "fine_labels": labels})]
        monkeypatch.setattr(datasets.CIFAR100, f"{name}_list", listed)
    name, checksum = write("meta", {"fine_label_names": [str(i) for i in range(100)]})
    monkeypatch.setattr(datasets.CIFAR100, "meta", {"filename": name, "key": "fine_label_names", "md5": checksum})
    data = load("CIFAR100", tmp_path)
    assert np.array_equal(np.concatenate([data.train_x, data.test_x]), images)
    assert np.concatenate([data.train_y, data.test_y]).tolist() == list(range(12))


def test_svhn_comes_back_pixel_for_pixel_with_class_10_as_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.io import savemat

    images = RNG.integers(0, 256, (32, 32, 3, 6), np.uint8)
    lists = {}
    for name in ("train", "test"):
        savemat(
            tmp_path / f"{name}_32x32.mat", {"X": images, "y": np.array([[10], [1], [2], [3], [1], [10]], np.uint8)}
        )
        checksum = hashlib.md5((tmp_path / f"{name}_32x32.mat").read_bytes()).hexdigest()
        lists[name] = ["", f"{name}_32x32.mat", checksum]
    monkeypatch.setattr(datasets.SVHN, "split_list", lists)
    data = load("SVHN", tmp_path)
    assert np.array_equal(data.train_x, images.transpose(3, 2, 0, 1))
    assert data.test_y.tolist() == [0, 1, 2, 3, 1, 0]


@pytest.mark.parametrize("name", TORCHVISION_DATASETS)
def test_torchvision_takes_what_it_is_called_with(name: str) -> None:
    for options in TORCHVISION_DATASETS[name]:
        inspect.signature(getattr(datasets, name)).bind("root", download=False, **options)


@pytest.mark.parametrize("name", TORCHVISION_DATASETS)
def test_what_is_not_there_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as error:
        load(name, tmp_path / "nowhere")
    text = str(error.value)
    assert text.startswith(f"dataset.root: torchvision/{name} cannot be read from {tmp_path}/nowhere (")
    assert text.endswith("; download: true fetches it where there is internet")
    assert "\n" not in text


def test_what_cannot_be_downloaded_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a mirror that is this machine, on whose port 9 nothing listens."""
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    message = r"^dataset\.root: torchvision/MNIST cannot be downloaded to .* \(.*\); put its files there$"
    with pytest.raises(InputError, match=message):
        load("MNIST", tmp_path, download=True)


def test_a_damaged_file_is_told_in_one_line(tmp_path: Path, digits: dict[str, np.ndarray]) -> None:
    path = tmp_path / "MNIST/raw/train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"^dataset\.root: torchvision/MNIST cannot be read from .*\)"):
        load("MNIST", tmp_path)


def test_whether_it_may_be_downloaded_is_no_part_of_a_trial() -> None:
    fields = {"model": {"name": "mlp"}, "dataset": {"name": "torchvision/MNIST"}}
    plain = TrialSpec.model_validate(fields)
    fetched = TrialSpec.model_validate(fields | {"dataset": {"name": "torchvision/MNIST", "download": True}})
    assert plain.trial_key == fetched.trial_key
    assert plain.to_json() == fetched.to_json()
    assert fetched.dataset.download
