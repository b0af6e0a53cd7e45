"""Image sets as they are published in Parquet: a column of encoded images, a column of integer labels.

Files are read in pieces: what is not asked for is not decoded, and no column has to fit into memory, nor into the
2 GiB that an Arrow array of bytes holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bnsweep.data.content import of_files
from bnsweep.data.dataset import MAX_CLASSES, Dataset
from bnsweep.data.labels import require_from_zero
from bnsweep.data.pixels import Pixels, decode
from bnsweep.data.sampling import Rows, sampled
from bnsweep.data.stacking import alike, stack
from bnsweep.errors import InputError, did_you_mean
from bnsweep.spec import ParquetSpec

ROWS_AT_A_TIME = 8
"""Few, since an image may have 100 MB."""
UNREADABLE = (OSError, pa.ArrowException)


def load_parquet(spec: ParquetSpec) -> Dataset:
    """Load both files: images as `struct<bytes, path>` or binary (JPEG, PNG, ...), read as RGB; labels from 0.

    `train_limit` and `test_limit` take a stratified sample of the rows, in their order (`sampled`).

    Raises:
        InputError: a file cannot be read, a column is missing or of another type, an image cannot be decoded, images
            differ in size, or they do not fit into memory.
    """
    with ExitStack() as stack_of_files:
        train, test = (_File.open(spec, part, stack_of_files) for part in ("train", "test"))
        sha256 = of_files([train.file, test.file])
        (train_y, train_rows), (test_y, test_rows) = train.labels(), test.labels()
        num_classes = int(max(train_y.max(), test_y.max())) + 1
        if num_classes < 2:
            raise InputError(
                f"dataset: {spec.train} and {spec.test} have one class; at least two are needed to learn anything"
            )
        require_from_zero(train_y, test_y, f"dataset.label_column: {spec.train} and {spec.test}")
        train_x = train.images(train_rows)
        test_x = test.images(test_rows, beside=train_x.nbytes)
    train_x, test_x = alike(train_x, test_x, (spec.train, spec.test))
    return Dataset.from_arrays((train_x, train_y[train_rows]), (test_x, test_y[test_rows]), num_classes, sha256)


@dataclass(frozen=True)
class _File:
    """One of the two files, open.

    Args:
        spec: what the sweep file says of it.
        part: train or test.
        file: its bytes.
        rows: the same as a table.
    """

    spec: ParquetSpec
    part: str
    file: BinaryIO
    rows: pq.ParquetFile

    @classmethod
    def open(cls, spec: ParquetSpec, part: str, closed_by: ExitStack) -> Self:
        """Open it and check that the columns are there."""
        path = getattr(spec, part)
        try:
            file = closed_by.enter_context(open(path, "rb"))  # noqa: SIM115  # the stack closes it
            opened = cls(spec, part, file, pq.ParquetFile(file))
        except UNREADABLE as error:
            raise InputError(
                f"dataset.{part}: {path} cannot be read as Parquet ({error}); give an existing file"
            ) from error
        opened._require_columns()
        return opened

    @property
    def path(self) -> str:
        """Where it is."""
        return str(getattr(self.spec, self.part))

    def _require_columns(self) -> None:
        names = self.rows.schema_arrow.names
        for field in ("image_column", "label_column"):
            column = getattr(self.spec, field)
            if names.count(column) > 1:
                raise InputError(
                    f"dataset.{field}: {self.path} has {names.count(column)} columns named '{column}'; it should be one"
                )
            if column not in names:
                raise InputError(
                    f"dataset.{field}: {self.path} has no column '{column}'; {did_you_mean(column, names)}"
                )
        if self.rows.metadata.num_rows == 0:
            raise InputError(f"dataset.{self.part}: {self.path} has no rows; give a file with images")

    def labels(self) -> tuple[NDArray[np.int64], Rows]:
        """Return the labels of all rows, and the rows to take."""
        try:
            column = self.rows.read([self.spec.label_column])[0]
        except UNREADABLE as error:
            raise self._damaged(error) from error
        key = "dataset.label_column"
        if not pa.types.is_integer(column.type) or column.null_count:
            found = f"{column.type} with {column.null_count} nulls"
            raise InputError(f"{key}: '{self.spec.label_column}' in {self.path} is {found}; it should be integers")
        least, most = pc.min_max(column).as_py().values()
        if least < 0 or most >= MAX_CLASSES:
            wrong = least if least < 0 else most
            raise InputError(f"{key}: {self.path} has the label {wrong}; labels should be 0 to {MAX_CLASSES - 1}")
        labels = np.array(column.to_numpy(), np.int64)
        limit = getattr(self.spec, f"{self.part}_limit")
        return labels, sampled(labels, limit, self.spec.sample_seed, self.part)

    def images(self, rows: Rows, beside: int = 0) -> Pixels:
        """Return the images of some rows; other data hold `beside` bytes."""
        kind = self.rows.schema_arrow.field(self.spec.image_column).type
        is_struct = pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
        encoded = kind.field("bytes").type if is_struct else kind
        if not (pa.types.is_binary(encoded) or pa.types.is_large_binary(encoded)):
            raise InputError(
                f"dataset.image_column: '{self.spec.image_column}' in {self.path} is {kind}; "
                "it should be struct<bytes: binary, path: string> or binary"
            )
        return stack(self._decoded(rows, is_struct), len(rows), self.path, beside)

    def _decoded(self, rows: Rows, is_struct: bool) -> Iterator[tuple[str, Pixels]]:
        column = f"{self.spec.image_column}.bytes" if is_struct else self.spec.image_column
        for row, scalar in self._scalars(rows, column):
            content = scalar.as_py()
            where = f"the image in row {row} of {self.path}"
            yield where, decode((content["bytes"] if is_struct and content else content) or b"", where)

    def _scalars(self, rows: Rows, column: str) -> Iterator[tuple[int, pa.Scalar]]:
        """Yield the values of a column in some rows; of groups of rows without these nothing is read."""
        start = 0
        for group in range(self.rows.num_row_groups):
            end = start + self.rows.metadata.row_group(group).num_rows
            if len(wanted := _between(rows, start, end)):
                yield from self._scalars_in(group, wanted - start, column, start)
            start = end

    def _scalars_in(self, group: int, wanted: Rows, column: str, first: int) -> Iterator[tuple[int, pa.Scalar]]:
        """Yield the same of one group of rows, up to the last one; `first` is the row of the file that it begins at."""
        start, last = 0, int(wanted[-1])
        batches = self.rows.iter_batches(ROWS_AT_A_TIME, row_groups=[group], columns=[column], use_threads=False)
        try:
            for batch in batches:
                for row in _between(wanted, start, start + len(batch)).tolist():
                    yield first + row, batch[0][row - start]
                start += len(batch)
                if start > last:
                    return
        except UNREADABLE as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> InputError:
        return InputError(f"dataset.{self.part}: {self.path} is damaged ({error}); give an intact file")


def _between(rows: Rows, start: int, end: int) -> Rows:
    """Return those of sorted rows that are at least `start` and below `end`."""
    first, last = np.searchsorted(rows, (start, end))
    return rows[first:last]
