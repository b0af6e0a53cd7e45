"""Which data a trial may train on; `bnsweep.data` loads them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bnsweep.spec.section import PositiveInt, Section


class DigitsSpec(Section):
    """scikit-learn's bundled 8x8 images of digits: 1,437 to train on, 360 to test on."""

    name: Literal["digits"]


class ParquetSpec(Section):
    """An image set published as Parquet: one file for training, one for testing."""

    name: Literal["parquet"]
    train: str = Field(min_length=1)
    test: str = Field(min_length=1)
    image_column: str = "img"
    label_column: str = "label"
    train_limit: PositiveInt | None = None
    test_limit: PositiveInt | None = None


DatasetSpec = Annotated[DigitsSpec | ParquetSpec, Field(discriminator="name")]
