"""Loaders: what they return, and what they say of files that cannot be used."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from bnsweep.data import load_dataset
from bnsweep.data.digits import FILE
from bnsweep.data.sampling import sampled
from bnsweep.errors import InputError
from bnsweep.spec import DigitsSpec, ParquetSpec

Write = Callable[..., ParquetSpec]


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def images(count: int, size: int = 6) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def column(encoded: list[bytes | None]) -> pa.Array:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.array([{"bytes": content, "path": None} for content in encoded], kind)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an image set; `replaced` replaces columns of the training file, the rest goes to the spec."""

    def build(replaced: dict[str, object] | None = None, **fields: object) -> ParquetSpec:
        for name, count in (("train", 5), ("test", 3)):
            columns = {"img": column([png(image) for image in images(count)]), "label": list(range(count))}
            pq.write_table(
                pa.table(columns | ((replaced or {}) if name == "train" else {})), tmp_path / f"{name}.parquet"
            )
        paths = {name: str(tmp_path / f"{name}.parquet") for name in ("train", "test")}
        return ParquetSpec.model_validate({"name": "parquet", **paths, **fields})

    return build


def test_digits_are_scikit_learns_split_once_and_for_all() -> None:
    data = load_dataset(DigitsSpec(name="digits"))
    original, order = load_digits(), np.random.default_rng(0).permutation(1797)
    assert data.input_shape == (1, 8, 8)
    assert (len(data.train_y), len(data.test_y), data.num_classes) == (1437, 360, 10)
    assert np.array_equal(torch.cat([data.train_x, data.test_x])[:, 0], original.images[order])
    assert np.array_equal(torch.cat([data.train_y, data.test_y]), original.target[order])


def test_digits_are_read_without_scikit_learn() -> None:
    assert Path(str(distribution("scikit-learn").locate_file(FILE))).is_file()


def test_digits_are_the_same_where_scikit_learns_file_is_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    here = load_dataset(DigitsSpec(name="digits"))
    monkeypatch.setattr("bnsweep.data.digits.FILE", "sklearn/moved.csv.gz")
    there = load_dataset(DigitsSpec(name="digits"))
    for name in ("train_x", "train_y", "test_x", "test_y"):
        ours, theirs = getattr(here, name), getattr(there, name)
        assert torch.equal(ours, theirs)
        assert (ours.dtype, ours.stride()) == (theirs.dtype, theirs.stride())


def test_standardized_images_have_mean_0_and_std_1_in_each_channel(write: Write) -> None:
    data = load_dataset(write())
    x = data.standardize(data.train_x)
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)


def test_parquet_images_come_back_pixel_for_pixel(write: Write) -> None:
    data = load_dataset(write())
    assert np.array_equal(data.train_x.numpy(), images(5).transpose(0, 3, 1, 2))
    assert data.train_y.tolist() == [0, 1, 2, 3, 4]
    assert data.num_classes == 5


def test_column_names_and_limits_can_be_given(write: Write) -> None:
    columns = {"picture": column([png(image) for image in images(5)]), "fine": [0, 1, 1, 0, 2]}
    spec = write(columns, image_column="picture", label_column="fine", train_limit=3, test_limit=2)
    pq.write_table(pa.table({name: values[:3] for name, values in columns.items()}), spec.test)
    data = load_dataset(spec)
    assert (len(data.train_y), len(data.test_y), data.num_classes) == (3, 2, 3)


def test_plain_binary_images_are_read_too(write: Write) -> None:
    data = load_dataset(write({"img": pa.array([png(image) for image in images(5)], pa.binary())}))
    assert len(data.train_x) == 5


BAD = [
    (
        {"img": column([b"no image"] * 5)},
        {},
        r"row 0 of .*train\.parquet cannot be decoded \(cannot identify image file\); .*JPEG, PNG",
    ),
    ({"img": column([png(images(1)[0])] * 4 + [b"\xff\xd8\xff"])}, {}, r"the image in row 4 of .* cannot be decoded"),
    ({"img": column([None] * 5)}, {}, r"the image in row 0 of .* cannot be decoded"),
    (
        {"img": column([png(images(1)[0])] * 4 + [png(images(1, 7)[0])])},
        {},
        r"row 4 of .* is 7x7 .*, .* row 0 of .* 6x6",
    ),
    ({"img": column([png(images(1, 7)[0])] * 5)}, {}, r"train.parquet are 7x7 .* they should be of one size"),
    ({"img": [1, 2, 3, 4, 5]}, {}, r"image_column: 'img' in .* is int64; it should be struct<bytes"),
    ({"label": ["a", "b", "c", "d", "e"]}, {}, r"label_column: 'label' in .* is string with 0 nulls; .* integers"),
    ({"label": [0, 1, None, 3, 4]}, {}, r"label_column: 'label' in .* is int64 with 1 nulls"),
    ({"label": [0, -1, 2, 3, 4]}, {}, r"label_column: .* has the label -1; labels should be 0 to 99999"),
    ({}, {"image_column": "imgs"}, r"image_column: .* no column 'imgs'; allowed: img, label; did you mean 'img'\?"),
    ({}, {"label_column": "lable"}, r"label_column: .* no column 'lable'; allowed: .* did you mean 'label'\?"),
    ({}, {"train": "nowhere.parquet"}, r"dataset.train: nowhere.parquet cannot be read as Parquet \(.*No such file"),
    ({}, {"test": __file__}, r"dataset.test: .*py cannot be read as Parquet \(.*magic bytes"),
]


def test_labels_from_1_on_are_refused(write: Write) -> None:
    spec = write({"label": [1, 2, 3, 3, 2]})
    assert load_dataset(spec).num_classes == 4  # there are tests of class 0
    pq.write_table(pa.table({"img": column([png(image) for image in images(2)]), "label": [1, 2]}), spec.test)
    with pytest.raises(InputError, match=r"label_column: .*train\.parquet and .*test\.parquet: labels run from 1 to 3"):
        load_dataset(spec)


def test_a_limit_takes_a_sample_of_all_classes_from_a_file_that_is_sorted_by_label(write: Write) -> None:
    whole = {"img": column([png(image) for image in images(60)]), "label": sorted(list(range(6)) * 10)}
    spec = write(whole, train_limit=12)
    pq.write_table(pa.table(whole), spec.train, row_group_size=7)
    data, again = load_dataset(spec), load_dataset(spec)
    other = load_dataset(spec.model_copy(update={"sample_seed": 1}))
    assert data.train_y.bincount().tolist() == other.train_y.bincount().tolist() == [2] * 6
    assert torch.equal(data.train_x, again.train_x)
    assert not torch.equal(data.train_x, other.train_x)
    chosen = sampled(np.array(whole["label"]), 12, 0, "train")
    assert np.array_equal(data.train_x, images(60)[chosen].transpose(0, 3, 1, 2))


def test_the_sha256_is_that_of_the_files_as_a_shell_prints_it(write: Write) -> None:
    spec = write()
    printed = subprocess.run(f"cat {spec.train} {spec.test} | sha256sum", shell=True, capture_output=True, text=True)
    assert load_dataset(spec).sha256 == printed.stdout.split()[0]


@pytest.mark.long
@pytest.mark.parametrize("row_group_size", [1, 23])
def test_a_column_longer_than_an_arrow_array_is_read_in_pieces(write: Write, row_group_size: int) -> None:
    spec = write(train_limit=22)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema({"img": kind, "label": pa.int64()})
    with pq.ParquetWriter(spec.train, schema, compression="zstd", use_dictionary=False) as file:
        for start in range(0, 23, row_group_size):
            rows = range(start, min(start + row_group_size, 23))
            one_each = [column([png(images(23)[row]) + bytes(100 * 2**20)]) for row in rows]  # after the image's end
            file.write_table(pa.table({"img": pa.chunked_array(one_each), "label": [row % 3 for row in rows]}))
    data, kept = load_dataset(spec), sampled(np.arange(23) % 3, 22, 0, "train")
    assert np.array_equal(data.train_x.numpy(), images(23)[kept].transpose(0, 3, 1, 2))


@pytest.mark.parametrize(("replaced", "fields", "message"), BAD, ids=[entry[2][:40] for entry in BAD])
def test_what_is_wrong_is_named(
    write: Write, replaced: dict[str, object], fields: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_dataset(write(replaced, **fields))


def test_an_empty_file_is_named(write: Write) -> None:
    spec = write()
    pq.write_table(pq.read_table(spec.train).slice(0, 0), spec.train)
    with pytest.raises(InputError, match=r"dataset.train: .* has no rows"):
        load_dataset(spec)


def test_a_cut_file_is_named(write: Write) -> None:
    spec = write()
    content = Path(spec.train).read_bytes()
    Path(spec.train).write_bytes(content[:60] + b"\0" * 200 + content[260:])
    with pytest.raises(InputError, match=r"dataset.train: .* is damaged"):
        load_dataset(spec)
