"""CIFAR-10 from a folder like its authors': small, and with checksums of its own."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from bnsweep.data import load_dataset
from bnsweep.data.cifar10 import ARCHIVE
from bnsweep.errors import InputError
from bnsweep.spec import Cifar10Spec

PER_FILE = 4


@pytest.fixture
def pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Write the folder, have torchvision take its checksums for the published ones, and return each file's images."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    written = {}

    def write(name: str, content: object) -> list[str]:
        data = pickle.dumps(content)
        (folder / name).write_bytes(data)
        return [name, hashlib.md5(data).hexdigest()]

    def batch(number: int, name: str) -> list[str]:
        written[name] = np.random.default_rng(number).integers(0, 256, (PER_FILE, 3, 32, 32), dtype=np.uint8)
        labels = [(number + i) % 10 for i in range(PER_FILE)]
        return write(name, {"data": written[name].reshape(PER_FILE, 3072), "labels": labels})

    monkeypatch.setattr(CIFAR10, "train_list", [batch(i, f"data_batch_{i}") for i in range(1, 6)])
    monkeypatch.setattr(CIFAR10, "test_list", [batch(6, "test_batch")])
    name, checksum = write("batches.meta", {"label_names": [str(i) for i in range(10)]})
    monkeypatch.setattr(CIFAR10, "meta", {"filename": name, "key": "label_names", "md5": checksum})
    return written


def load(root: Path) -> object:
    return load_dataset(Cifar10Spec(name="cifar10", root=str(root)))


def test_images_come_back_pixel_for_pixel_in_the_order_of_the_files(tmp_path: Path, pixels: dict) -> None:
    data = load(tmp_path)
    *train, test = pixels.values()
    assert np.array_equal(data.train_x.numpy(), np.concatenate(train))
    assert np.array_equal(data.test_x.numpy(), test)
    assert data.train_y.tolist() == [(number + i) % 10 for number in range(1, 6) for i in range(PER_FILE)]
    assert data.test_y.tolist() == [6, 7, 8, 9]
    assert data.num_classes == 10


def test_a_folder_that_is_not_there_is_named_with_what_to_download(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        load(tmp_path / "data")
    assert str(error.value) == (
        f"dataset.root: {tmp_path}/data holds no folder cifar-10-batches-py; give the folder that holds it, or "
        f"download {ARCHIVE} and unpack it there; {{name: parquet, train: FILE, test: FILE}} reads the copy "
        "on Hugging Face"
    )
    assert CIFAR10.url == ARCHIVE


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
@pytest.mark.parametrize("how", ["missing", "changed"])
def test_files_that_are_not_as_published_are_refused_unread(tmp_path: Path, pixels: dict, name: str, how: str) -> None:
    path = tmp_path / "cifar-10-batches-py" / name
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(
        InputError, match=r"cifar-10-batches-py lacks a file or has one whose MD5 .* unpack it in .* again"
    ):
        load(tmp_path)
