"""The axes of a sweep as copies have them: with the values that stored specs have, in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from bnsweep.results.schema import AXES, Row
from bnsweep.results.stored_spec import completed_setting
from bnsweep.spec.grid import Grid
from bnsweep.spec.product import checked_trial, section_and_field
from bnsweep.spec.ranges import Range
from bnsweep.spec.sweep import Sweep

Axis = Range | list[Any]


class Declared(NamedTuple):
    """What copies know of a sweep: its name, of each axis its range or its values, and the rule of its pruner."""

    name: str
    axes: Mapping[str, Axis]
    rule: str | None = None

    @classmethod
    def of(cls, sweep: Sweep) -> Self:
        """Return what they know of this one."""
        if isinstance(sweep.trials, Grid):
            product = sweep.trials.product
            return cls(sweep.name, _axes(product.fixed, product.axes, {}), sweep.rule)
        assert sweep.drawn is not None, "its trials are drawn"
        return cls(sweep.name, _axes(sweep.drawn.fixed, sweep.drawn.listed, sweep.drawn.ranges))


def _axes(
    fixed: Mapping[str, Any], listed: Mapping[str, Sequence[Any]], ranges: Mapping[str, Range]
) -> Mapping[str, Axis]:
    first = {name: values[0] for name, values in listed.items()} | {name: span.low for name, span in ranges.items()}

    def as_stored(name: str, value: Any) -> Any:
        return _value(checked_trial(fixed, {**first, name: value}).model_dump(mode="json"), name)

    return {name: [as_stored(name, value) for value in values] for name, values in listed.items()} | dict(ranges)


def place_of(row: Row, axes: Iterable[str]) -> dict[str, Any]:
    """Return the values on some axes of a trial, from its row of `trials`."""
    setting = completed_setting(row["spec"])
    return {name: row[name] if name in AXES else _value(setting, name) for name in axes}


def _value(spec: Mapping[str, Any], axis: str) -> Any:
    section, field = section_and_field(axis)
    return (spec[section] if section else spec)[field]
