"""Image sets as they are published in Parquet: a column of encoded images, a column of integer labels."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from bnsweep.data.dataset import MAX_CLASSES, Dataset
from bnsweep.errors import InputError, did_you_mean
from bnsweep.spec import ParquetSpec

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


def load_parquet(spec: ParquetSpec) -> Dataset:
    """Load both files: images as `struct<bytes, path>` or binary (JPEG, PNG, ...), read as RGB; labels from 0.

    Raises:
        InputError: a file cannot be read, a column is missing or of another type, an image cannot be decoded, or
            images differ in size.
    """
    train = _load(spec, "train", spec.train, spec.train_limit)
    test = _load(spec, "test", spec.test, spec.test_limit)
    if train[0].shape[1:] != test[0].shape[1:]:
        raise InputError(
            f"dataset: the images in {spec.train} are {_size(train[0])}, those in {spec.test} {_size(test[0])}; "
            "they should be of one size"
        )
    data = Dataset.from_arrays(train, test)
    if data.num_classes < 2:
        raise InputError(
            f"dataset: {spec.train} and {spec.test} have one class; at least two are needed to learn anything"
        )
    return data


def _load(spec: ParquetSpec, key: str, path: str, limit: int | None) -> Arrays:
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"dataset.{key}: {path} cannot be read as Parquet ({error}); give an existing file") from error
    names = file.schema_arrow.names
    for field, column in (("image_column", spec.image_column), ("label_column", spec.label_column)):
        if names.count(column) > 1:
            raise InputError(
                f"dataset.{field}: {path} has {names.count(column)} columns named '{column}'; it should be one"
            )
        if column not in names:
            raise InputError(f"dataset.{field}: {path} has no column '{column}'; {did_you_mean(column, names)}")
    try:
        table = file.read([spec.image_column, spec.label_column]).slice(0, limit)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"dataset.{key}: {path} is damaged ({error}); give an intact file") from error
    if table.num_rows == 0:
        raise InputError(f"dataset.{key}: {path} has no rows; give a file with images")
    return _images(table[spec.image_column], path, spec), _labels(table[spec.label_column], path, spec)


def _labels(column: pa.ChunkedArray, path: str, spec: ParquetSpec) -> NDArray[np.int64]:
    if not pa.types.is_integer(column.type) or column.null_count:
        found = f"{column.type} with {column.null_count} nulls"
        raise InputError(f"dataset.label_column: '{spec.label_column}' in {path} is {found}; it should be integers")
    least, most = pc.min_max(column).as_py().values()
    if least < 0 or most >= MAX_CLASSES:
        wrong = least if least < 0 else most
        raise InputError(f"dataset.label_column: {path} has the label {wrong}; labels should be 0 to {MAX_CLASSES - 1}")
    return np.array(column.to_numpy(), np.int64)


def _images(column: pa.ChunkedArray, path: str, spec: ParquetSpec) -> NDArray[np.uint8]:
    encoded = column.combine_chunks()
    if pa.types.is_struct(encoded.type) and encoded.type.get_field_index("bytes") >= 0:
        encoded = encoded.field("bytes")
    if not (pa.types.is_binary(encoded.type) or pa.types.is_large_binary(encoded.type)):
        raise InputError(
            f"dataset.image_column: '{spec.image_column}' in {path} is {column.type}; "
            "it should be struct<bytes: binary, path: string> or binary"
        )
    first = _decode(encoded[0], 0, path)
    images = np.empty((len(encoded), *first.shape), np.uint8)
    for row, scalar in enumerate(encoded):
        image = _decode(scalar, row, path)
        if image.shape != first.shape:
            shapes = f"{_size(image[None])}, row 0 {_size(first[None])}"
            raise InputError(f"dataset: the image in row {row} of {path} is {shapes}; images should be of one size")
        images[row] = image
    return images


def _decode(scalar: pa.Scalar, row: int, path: str) -> NDArray[np.uint8]:
    content = scalar.as_py()
    try:
        with Image.open(io.BytesIO(content or b"")) as image:
            return np.asarray(image.convert("RGB"), np.uint8).transpose(2, 0, 1)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = str(error).split(" <_io.BytesIO")[0]
        raise InputError(
            f"dataset: the image in row {row} of {path} cannot be decoded ({reason}); "
            "it should be a JPEG, PNG or another format that Pillow reads"
        ) from error


def _size(images: NDArray[np.uint8]) -> str:
    _, channels, height, width = images.shape
    return f"{height}x{width} with {channels} channels"
