"""Whether every combination of the axes' values can be a trial, found without making each.

What is impossible is so by itself, or together with what one check of a section reads along with it (`Check`). So each
axis is varied by itself, and axes that a check reads together are varied together, around one trial that can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from bnsweep.spec.product import SECTIONS, Product, field_of, places_of, values_of
from bnsweep.spec.section import Check
from bnsweep.spec.trial import TrialSpec


def check_possible(product: Product, order: NDArray[np.int64]) -> None:
    """Check all trials.

    Args:
        product: the combinations.
        order: their places in the product, in the order in which the trials run.

    Raises:
        InputError: one cannot be; the message is that of the first, in this order.
    """
    base = product.point(order[0])
    spec = product.trial(base)
    read = [places for places in _read_together(product.names, spec) if places]
    impossible = np.zeros(product.shape, bool)
    for places in groups(len(product.names), read):
        field = field_of(spec, product.names[min(places)])
        if field and not any(places & other for other in read):
            impossible |= _refused(product, min(places), field)
        else:
            impossible |= _impossible(product, base, places)
    wrong = np.flatnonzero(impossible.reshape(-1)[order])
    if len(wrong):
        product.trial(product.point(order[wrong[0]]))


def groups(num_axes: int, read: Iterable[Set[int]]) -> list[Set[int]]:
    """Return the axes in groups, by their places: those that are read together are in one.

    >>> groups(5, [{1, 4}, {3, 4}])
    [{0}, {2}, {1, 3, 4}]
    """
    found: list[Set[int]] = [{place} for place in range(num_axes)]
    for places in read:
        touched = [group for group in found if group & places]
        found = [*(group for group in found if not group & places), set[int]().union(*touched)]
    return found


def _read_together(names: Sequence[str], spec: TrialSpec) -> Iterator[Set[int]]:
    """Yield the axes that each check reads, by their places.

    A model or dataset that varies decides what its other fields may be, as a check that reads them all.
    """
    checks = [*_checks(TrialSpec)]
    for section in SECTIONS:
        checks += [(section,)] if f"{section}.name" in names else []
        if (given := getattr(spec, section)) is not None:
            checks += [tuple(f"{section}.{field}" for field in fields) for fields in _checks(type(given))]
    for fields in checks:
        yield {place for field in fields for place in places_of(field, names)}


def _checks(cls: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """Yield the fields that each check of a section reads."""
    for validator in cls.__pydantic_decorators__.model_validators.values():
        assert isinstance(validator.func, Check), f"{cls.__name__}: decorate its checks with `reads`"
        yield validator.func.fields


def _impossible(product: Product, base: Sequence[int], places: Set[int]) -> NDArray[np.bool_]:
    """Return which values of some axes cannot be, with the values of `base` for the others."""
    found = np.zeros([size if place in places else 1 for place, size in enumerate(product.shape)], bool)
    for index in np.ndindex(found.shape):
        point = [index[place] if place in places else at for place, at in enumerate(base)]
        found[index] = not product.is_possible(point)
    return found


def _refused(product: Product, place: int, field: FieldInfo) -> NDArray[np.bool_]:
    """Return which values of an axis its field refuses."""
    found = np.zeros([size if place == other else 1 for other, size in enumerate(product.shape)], bool)
    try:
        values_of(field).validate_python(list(product.axes[product.names[place]]))
    except ValidationError as error:
        found.reshape(-1)[[int(detail["loc"][0]) for detail in error.errors(include_url=False)]] = True
    return found
