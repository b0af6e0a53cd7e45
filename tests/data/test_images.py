"""Images in folders, one for each class."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bnsweep.data import Dataset, load_dataset
from bnsweep.errors import InputError
from bnsweep.spec import ImagesSpec

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 6, 6, 3), np.uint8)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write three images of each of three classes to train on, one of two of them to test on."""
    for number, pixels in enumerate(PIXELS):
        for part in ("train", "test") if number in (0, 3) else ("train",):
            folder = tmp_path / part / "bac"[number // 3]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    (tmp_path / "train/b/.DS_Store").write_bytes(b"no image")
    (tmp_path / "train/b/Thumbs.db").write_bytes(b"no image")
    return tmp_path


def load(root: Path, **fields: object) -> Dataset:
    return load_dataset(ImagesSpec(name="images", root=str(root), **fields))


def test_classes_are_the_folders_in_the_order_of_their_names(root: Path) -> None:
    data = load(root)
    assert data.train_y.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert np.array_equal(data.train_x, PIXELS[[3, 4, 5, 0, 1, 2, 6, 7, 8]].transpose(0, 3, 1, 2))
    assert np.array_equal(data.test_x, PIXELS[[3, 0]].transpose(0, 3, 1, 2))
    assert (data.test_y.tolist(), data.num_classes) == ([0, 1], 3)


def test_the_sha256_tells_another_image_another_name_and_another_class(root: Path) -> None:
    found = [load(root).sha256, load(root).sha256]
    (root / "train/a/5.png").rename(root / "train/a/6.png")
    found.append(load(root).sha256)
    Image.fromarray(PIXELS[0]).save(root / "train/a/6.png")
    found.append(load(root).sha256)
    (root / "train/a/6.png").rename(root / "train/b/6.png")
    found.append(load(root).sha256)
    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_a_limit_takes_a_sample_of_all_classes(root: Path) -> None:
    assert load(root, train_limit=6).train_y.bincount().tolist() == [2, 2, 2]


def test_a_size_makes_images_of_several_sizes_one(root: Path) -> None:
    Image.fromarray(np.pad(PIXELS[0], ((0, 0), (2, 2), (0, 0)))).save(root / "train/a/9.png")
    with pytest.raises(InputError, match=r"the image .*train/a/9\.png is 6x10 with 3 channels, the image .* 6x6"):
        load(root)
    data = load(root, size=6)
    assert np.array_equal(data.train_x[3], PIXELS[0].transpose(2, 0, 1))


def test_what_is_wrong_is_named(root: Path) -> None:
    (root / "train/b/notes.txt").write_text("no image")
    with pytest.raises(InputError, match=r"the image .*train/b/notes\.txt cannot be decoded"):
        load(root)
    (root / "train/b/notes.txt").unlink()
    (root / "test/bb").mkdir()
    with pytest.raises(InputError, match=r"dataset\.root: .*test/bb is no class; allowed: a, b, c; did you mean 'b'"):
        load(root)
    (root / "test/bb").rmdir()
    (root / "train/d").mkdir()
    with pytest.raises(InputError, match=r"dataset\.root: .*train/d holds no images"):
        load(root)
    for name in ("b", "c", "d"):
        shutil.rmtree(root / "train" / name)
    with pytest.raises(InputError, match=r"train holds 1 folders; it should have one for each class, 2 at least"):
        load(root)
    with pytest.raises(InputError, match=r"gone/train cannot be read \(No such .*; .*gone should hold train/CLASS/"):
        load(root / "gone")
