"""The product of the axes: every combination of their values, each of which declares a trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from bnsweep.errors import InputError
from bnsweep.spec.error_messages import explain
from bnsweep.spec.trial import TrialSpec

SECTIONS = ("model", "dataset", "train", "trial")
"""The fields of a trial whose own fields may be axes."""


@dataclass(frozen=True)
class Product:
    """The combinations, in the order of `itertools.product`.

    A point of it is a tuple with the place of a value on each axis.

    Args:
        fixed: the fields that are the same for all trials.
        axes: the values of each axis.
    """

    fixed: Mapping[str, Any]
    axes: Mapping[str, Sequence[Any]]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the axes."""
        return tuple(self.axes)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """How many values each axis has."""
        return tuple(map(len, self.axes.values()))

    def point(self, place: int | np.integer) -> tuple[int, ...]:
        """Return the point at a place of this order."""
        return tuple(map(int, np.unravel_index(place, self.shape)))

    def trial(self, point: Sequence[int]) -> TrialSpec:
        """Return the trial at a point.

        Raises:
            InputError: it cannot be; the message names the key.
        """
        given = self._fields(point)
        try:
            return TrialSpec.model_validate(given)
        except ValidationError as error:
            problem = explain(error, given, TrialSpec)
            is_of_axis = any(problem.path[: len(field)] == field for field in (tuple(n.split(".")) for n in self.names))
            raise InputError(f"{'axes.' if is_of_axis else ''}{problem}") from error

    def is_possible(self, point: Sequence[int]) -> bool:
        """Return whether there can be a trial at a point."""
        try:
            TrialSpec.model_validate(self._fields(point))
        except ValidationError:
            return False
        return True

    def _fields(self, point: Sequence[int]) -> dict[str, Any]:
        given = {key: dict(value) if isinstance(value, dict) else value for key, value in self.fixed.items()}
        for (name, values), place in zip(self.axes.items(), point, strict=True):
            section, field = section_and_field(name)
            (given.setdefault(section, {}) if section else given)[field] = values[place]
        return given


def places_of(field: str, names: Sequence[str]) -> Iterator[int]:
    """Yield the places of the axes that are `field`, or a field of it.

    >>> list(places_of("train", ["norm", "train.steps", "train.momentum"])), list(places_of("norm", ["norm", "lr"]))
    ([1, 2], [0])
    """
    return (place for place, name in enumerate(names) if name == field or name.startswith(f"{field}."))


def section_and_field(axis: str) -> tuple[str, str]:
    """Return the section that an axis is in, "" for the trial itself, and the name of its field there.

    >>> section_and_field("train.steps"), section_and_field("lr")
    (('train', 'steps'), ('', 'lr'))
    """
    section, dot, field = axis.partition(".")
    return (section, field) if dot else ("", axis)


def field_of(spec: TrialSpec, axis: str) -> FieldInfo | None:
    """Return the field that an axis is in trials like `spec`; None for an option of the user's own code."""
    section, field = section_and_field(axis)
    return type(getattr(spec, section) if section else spec).model_fields.get(field)


def values_of(field: FieldInfo | None) -> TypeAdapter[list[Any]]:
    """Return what reads and writes values of a field as a section does, but for its checks as a whole."""
    annotation = Any if field is None else field.rebuild_annotation()
    return TypeAdapter(list[annotation], config=ConfigDict(strict=True))  # type: ignore[valid-type]  # by the field
