"""How a table and its columns are declared, each with its unit and meaning, and the columns that tables share."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

SCHEMA_VERSION = 3
"""In the metadata of each file."""

LOSS_UNIT = "nats; with loss mse squared units of the targets"
"""Of every loss."""

LABEL = pa.dictionary(pa.int32(), pa.string())
"""The type of a name that many rows have."""


def column(name: str, kind: pa.DataType, meaning: str, unit: str = "") -> pa.Field:
    """Return a column with its meaning and unit."""
    return pa.field(name, kind, metadata={"meaning": meaning, "unit": unit})


def table(name: str, *columns: pa.Field) -> pa.Schema:
    """Return the schema of a table of these columns."""
    return pa.schema(columns, metadata={"table": name, "schema_version": str(SCHEMA_VERSION)})


def evaluation_columns(when: str) -> Iterator[pa.Field]:
    """Yield the columns of an evaluation, which are null `when`."""
    for suffix, statistics in (
        ("", "normalization statistics taken anew"),
        ("_running", "the running ones of training"),
    ):
        for name, what, unit in (("loss", "loss without label smoothing", LOSS_UNIT), ("acc", "accuracy", "fraction")):
            meaning = f"{what} in eval mode on the test set, with {statistics}; null {when}"
            yield column(f"test_{name}{suffix}", pa.float64(), meaning, unit)


KEY = column("trial_key", pa.string(), "names the trial: a hash of its spec")  # as a category it would not sort as text
AXIS_COLUMNS = (
    column("norm", LABEL, "normalization mode"),
    column("init", LABEL, "initializer of the weights"),
    column("init_gain", pa.float64(), "factor on the initial weights"),
    column("lr", pa.float64(), "learning rate"),
    column("seed", pa.int64(), "fixes data order, initial weights before gain, and noise"),
)
STEP = column("step", pa.int64(), "updates made before this measurement", "updates")
LAYER = (
    column("layer", pa.int32(), "layers with weights, counted from 0 at the input"),
    column("layer_name", LABEL, "name of the layer in the model"),
)
