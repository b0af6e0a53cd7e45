"""The keys of all trials of a product of axes, without making each.

What is hashed of a trial is put together from pieces, the values of each axis written once: some 2 us a trial.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bnsweep.spec.product import SECTIONS, Product, field_of, section_and_field, values_of
from bnsweep.spec.trial import SEMANTICS_VERSION, TrialSpec, key_number

COMMA, SECTION = "\0", "\1"
"""Stand before each member of a mapping, the latter before a section of the trial; JSON has no such characters."""
NO_TRAIN = f'{SECTION}"train": {{}}'
"""A trial whose `train` is at its default throughout is hashed without."""
DECIDING = ("model.name", "dataset.name")
"""Axes that decide which fields there are, and their defaults."""


class _Axis(NamedTuple):
    """What an axis adds to what is hashed, for each of its values."""

    place: int
    members: list[str]


def trial_keys(product: Product) -> NDArray[np.uint64]:
    """Return the key of each trial as a number, of the product's shape.

    Each of them must be possible.
    """
    keys = np.empty(product.shape, np.uint64)
    one_or_each = [size if name in DECIDING else 1 for name, size in zip(product.names, product.shape, strict=True)]
    for point in np.ndindex(*one_or_each):
        chosen = tuple(at if name in DECIDING else slice(None) for name, at in zip(product.names, point, strict=True))
        keys[chosen] = _keys(product, product.trial(point))
    return keys


def key_texts(keys: NDArray[np.uint64]) -> Iterator[str]:
    """Yield keys as they are written.

    >>> list(key_texts(np.array([10], np.uint64)))
    ['000000000000000a']
    """
    text = keys.astype(">u8").tobytes().hex()
    return (text[start : start + 16] for start in range(0, len(text), 16))


def _keys(product: Product, spec: TrialSpec) -> NDArray[np.uint64]:
    """Return the keys of the trials with the model and the dataset of `spec`; without the axes that choose these."""
    places = [place for place, name in enumerate(product.names) if name not in DECIDING]
    hashed = {name: dict(value) if isinstance(value, dict) else value for name, value in spec.canonical.items()}
    for place in places:
        section, field = section_and_field(product.names[place])
        (hashed.setdefault(section, {}) if section else hashed)[field] = _axis(product, place, spec)
    pieces = list(_pieces(hashed))
    varying = [piece.place for piece in pieces if isinstance(piece, _Axis)]
    sizes = [product.shape[place] for place in varying]
    choices = [piece.members if isinstance(piece, _Axis) else [piece] for piece in pieces]
    keys = np.fromiter(map(key_number, _texts(choices)), np.uint64, math.prod(sizes))
    return keys.reshape(sizes).transpose([varying.index(place) for place in places])


def _axis(product: Product, place: int, spec: TrialSpec) -> _Axis:
    name = product.names[place]
    field = field_of(spec, name)
    default, adapter = field.default if field else ..., values_of(field)
    values = adapter.validate_python(list(product.axes[name]))
    head = f"{COMMA}{json.dumps(section_and_field(name)[1])}: "
    written = zip(values, adapter.dump_python(values, mode="json"), strict=True)
    if field and field.exclude:  # no trial's key holds it
        return _Axis(place, [""] * len(values))
    return _Axis(place, ["" if value == default else head + _json(plain) for value, plain in written])


def _pieces(hashed: Mapping[str, Any], sections: Collection[str] = SECTIONS) -> Iterator[str | _Axis]:
    """Yield what JSON with sorted keys consists of; the fields of a trial's sections one by one."""
    for name, value in sorted(hashed.items()):
        if isinstance(value, _Axis):
            yield value
        elif name in sections:
            yield f'{SECTION}"{name}": {{'
            yield from _pieces(value, ())
            yield "}"
        else:
            yield f"{COMMA}{json.dumps(name)}: {_json(value)}"


def _texts(choices: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield what is hashed of each trial, in the order of `itertools.product`."""
    for pieces in itertools.product(*choices):
        members = "".join(pieces).replace(NO_TRAIN, "").replace(SECTION, COMMA).removeprefix(COMMA)
        yield f"[{SEMANTICS_VERSION}, {{{members.replace('{' + COMMA, '{').replace(COMMA, ', ')}}}]"


def _json(value: Any) -> str:
    """Return the value as `json.dumps` writes it, in a fifth of the time if it is a number."""
    return repr(value) if type(value) in (int, float) else json.dumps(value, sort_keys=True)
