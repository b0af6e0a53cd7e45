"""The product of the axes: every combination of their values, each of which declares a trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from bnsweep.errors import InputError
from bnsweep.spec.error_messages import explain
from bnsweep.spec.trial import TrialSpec

UNREAD = ("lr", "init", "init_gain", "seed")
"""Fields of a trial that no check reads beside others."""
MAX_BASES = 64
"""How many trials are kept that others are made of."""
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

        Those that differ in `UNREAD` fields alone share their sections, and are checked once.

        Raises:
            InputError: it cannot be; the message names the key.
        """
        if (values := self._unread) is None:
            return self._checked(point)
        base = tuple(0 if name in values else place for name, place in zip(self.names, point, strict=True))
        if (spec := self._bases.get(base)) is None:
            if len(self._bases) == MAX_BASES:
                self._bases.clear()
            spec = self._bases[base] = self._checked(base)
        own = {name: values[name][place] for name, place in zip(self.names, point, strict=True) if name in values}
        return TrialSpec.model_construct(**{**dict(spec), **own})

    @cached_property
    def _bases(self) -> dict[tuple[int, ...], TrialSpec]:
        """The trials at the first values of `UNREAD` axes."""
        return {}

    @cached_property
    def _unread(self) -> dict[str, list[Any]] | None:
        """The values of each axis that no check of a trial as a whole reads; None where one of them cannot be."""
        fields = {name: TrialSpec.model_fields[name] for name in UNREAD if name in self.axes}
        try:
            return {name: values_of(field).validate_python(list(self.axes[name])) for name, field in fields.items()}
        except ValidationError:
            return None

    def _checked(self, point: Sequence[int]) -> TrialSpec:
        return checked_trial(self.fixed, self._values(point))

    def combinations(self, order: NDArray[np.int64], *fields: str) -> NDArray[np.int64]:
        """Number the combinations that there can be of some fields, as in the product; return that of each place (n,).

        Args:
            order: places in the product, (n,).
            fields: such as `norm`, `train.steps`, or `model` for all fields of the model.
        """
        names, shape = self.names, self.shape
        combination = np.zeros(len(order), np.int64)
        for place in sorted({place for field in fields for place in places_of(field, names)}):
            on_axis = order // int(np.prod(shape[place + 1 :], dtype=np.int64)) % shape[place]
            combination = combination * shape[place] + on_axis
        return combination

    def is_possible(self, point: Sequence[int]) -> bool:
        """Return whether there can be a trial at a point."""
        try:
            TrialSpec.model_validate(_fields(self.fixed, self._values(point)))
        except ValidationError:
            return False
        return True

    def _values(self, point: Sequence[int]) -> dict[str, Any]:
        return {name: values[place] for (name, values), place in zip(self.axes.items(), point, strict=True)}


def checked_trial(fixed: Mapping[str, Any], values: Mapping[str, Any]) -> TrialSpec:
    """Return a trial by the fields that are the same for all, and its values on the axes.

    Raises:
        InputError: it cannot be; the message names the key.
    """
    given = _fields(fixed, values)
    try:
        return TrialSpec.model_validate(given)
    except ValidationError as error:
        problem = explain(error, given, TrialSpec)
        is_of_axis = any(problem.path[: len(field)] == field for field in (tuple(name.split(".")) for name in values))
        raise InputError(f"{'axes.' if is_of_axis else ''}{problem}") from error


def _fields(fixed: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: dict(value) if isinstance(value, dict) else value for key, value in fixed.items()}
    for name, value in values.items():
        section, field = section_and_field(name)
        (given.setdefault(section, {}) if section else given)[field] = value
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
