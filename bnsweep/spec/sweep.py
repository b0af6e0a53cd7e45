"""A sweep file: declares the trials that should exist."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bnsweep.errors import InputError, did_you_mean
from bnsweep.spec.axes import check_axis_name, check_count, check_distinct, read_axis
from bnsweep.spec.drawn import Drawn
from bnsweep.spec.error_messages import explain, shown
from bnsweep.spec.grid import Grid
from bnsweep.spec.listed import Listed, Trials
from bnsweep.spec.overrides import fixed_axes, overridden
from bnsweep.spec.product import SECTIONS
from bnsweep.spec.pruner import PrunerSpec, check_prunable
from bnsweep.spec.ranges import RANGE_FORMS, Range
from bnsweep.spec.resources import Resources
from bnsweep.spec.search import GRID, SearchSpec, check_searchable
from bnsweep.spec.section import Section
from bnsweep.spec.trial import TrialSpec
from bnsweep.spec.yaml_text import to_yaml

CopyName = Literal["tensorboard", "optuna"]


def _as_list(given: Any) -> Any:
    if isinstance(given, list | tuple):
        return given
    if isinstance(given, str):
        return [given]
    raise ValueError(f"given {given!r}; it should be {' or '.join(get_args(CopyName))}, or a list of them")


def _each_once(names: tuple[CopyName, ...]) -> tuple[CopyName, ...]:
    return tuple(dict.fromkeys(names))


LogTo = Annotated[
    tuple[CopyName, ...],
    Field(strict=False),
    BeforeValidator(_as_list, json_schema_input_type=CopyName | list[CopyName]),
    AfterValidator(_each_once),
]


class Frame(Section):
    """The keys of a sweep file that are not of a trial."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Results go to `results/NAME`: a new name for a new study."""
    resources: Resources = Resources()
    """What each worker holds."""
    search: SearchSpec = GRID
    """Which trials run: all that the axes declare, or those that a search asks for."""
    pruner: PrunerSpec | None = None
    """Which trials stop on the way; none where it is not given."""
    log_to: LogTo = ()
    """Copies of the results, beside them, for these tools to look with while it runs; also just a name."""

    @model_validator(mode="after")
    def _only_grids_are_pruned(self) -> Self:
        if self.pruner and self.search != GRID:
            label = self.search.label
            raise ValueError(f"pruner: for search: grid; search {label} goes by whole trials; leave one of both out")
        return self


@dataclass(frozen=True)
class Sweep:
    """The trials that a sweep file declares, in the order in which they should run, and which of them do."""

    name: str
    resources: Resources
    trials: Trials
    """Those of the grid; none where they are drawn: what was asked for follows from results as well."""
    text: str
    notes: tuple[str, ...] = ()
    """What the user should know of how its settings change the file."""
    search: SearchSpec = GRID
    drawn: Drawn | None = None
    """What trials are drawn of, where axes are ranges."""
    log_to: tuple[CopyName, ...] = ()
    pruner: PrunerSpec | None = None

    @property
    def rule(self) -> str | None:
        """What a trial that its pruner stops is stored with."""
        return self.pruner.rule if self.pruner else None

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str], settings: Sequence[str] = ()) -> Self:
        """Read a sweep file, with fields changed by `settings`: KEY=VALUE or ~KEY, as `overridden` takes them.

        >>> with open("a.yaml", "w", encoding="utf-8") as file:
        ...     _ = file.write("{name: a, model: {name: mlp, widths: [8]}, dataset: {name: digits}, lr: 0.1}")
        >>> Sweep.from_yaml("a.yaml", ["axes.lr=[0.1, 1.0]"])
        <sweep a: 2 trials>

        Raises:
            InputError: it is missing, not YAML, or says something impossible; the message names the key.
        """
        if isinstance(settings, str | Mapping) or not all(isinstance(setting, str) for setting in settings):
            raise InputError(f"settings: given {shown(settings)}; it should be a list such as ['train.steps=500']")
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{os.fspath(path)}: cannot be read ({error}); give the path of a sweep file") from error
        place = os.fspath(path)
        try:
            if settings:
                _parse(text)
                before, text = axis_names(text), overridden(text, settings)
                place += "".join(f" --set {setting}" for setting in settings)
                return replace(cls.from_text(text), notes=fixed_axes(before, axis_names(text), settings))
            return cls.from_text(text)
        except InputError as error:
            raise InputError(f"{place}: {error}") from error

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """Return the sweep that a sweep file with these keys declares; numbers and arrays may be NumPy's.

        >>> trial = {"model": {"name": "mlp", "widths": [8]}, "dataset": {"name": "digits"}}
        >>> Sweep.from_dict({"name": "a", **trial, "axes": {"lr": [0.1, 1.0]}})
        <sweep a: 2 trials>

        Raises:
            InputError: it says something impossible; the message names the key.
        """
        return cls.from_text(to_yaml(given))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a sweep from the text of its file; errors as `from_yaml`."""
        given = _parse(text)
        frame, axes, fixed = _split(given)
        axes = {name: read_axis(name, axis) for name, axis in axes.items()}
        listed = {name: axis for name, axis in axes.items() if not isinstance(axis, Range)}
        ranges = {name: axis for name, axis in axes.items() if isinstance(axis, Range)}
        for name, axis in axes.items():
            check_axis_name(name, fixed, listed)
            check_distinct(name, axis)
        check_count("axes", math.prod(map(len, listed.values())))
        check_searchable(frame.search, listed, ranges)
        whole = partial(cls, frame.name, frame.resources, text=text, search=frame.search, log_to=frame.log_to)
        if not ranges:
            trials = Grid.of(fixed, listed)
            if frame.pruner:
                check_prunable(frame.pruner, trials)
            return whole(trials=trials, pruner=frame.pruner)
        drawn = Drawn.of(fixed, listed, ranges, frame.search.points)
        return whole(trials=Listed.each_once(listed, ranges, ()), drawn=drawn)

    @property
    def num_trials(self) -> int:
        """How many trials there are; where a search asks for them, at most."""
        return self.search.num_trials(len(self.trials), self.drawn.num_searches if self.drawn else 0)

    def __repr__(self) -> str:
        return f"<sweep {self.name}: {self.num_trials} trials>"


def axis_names(text: str) -> list[str]:
    """Return the names of the axes of a sweep file, as it has them; none where it cannot be read.

    >>> axis_names("axes: {lr: [0.1], train.steps: [5, 6]}")
    ['lr', 'train.steps']
    """
    try:
        return [str(name) for name in _parse(text).get("axes", ())]
    except InputError:
        return []


def has_ranges(text: str) -> bool:
    """Return whether an axis of a sweep file is a range, without making its trials; False where it cannot be read.

    >>> has_ranges("axes: {lr: {uniform: [0.1, 1]}}"), has_ranges("axes: {lr: [0.1, 1]}")
    (True, False)
    """
    try:
        axes = _parse(text).get("axes")
    except InputError:
        return False
    return isinstance(axes, dict) and any(
        isinstance(axis, dict) and not axis.keys().isdisjoint(RANGE_FORMS) for axis in axes.values()
    )


def rule_of(text: str) -> str | None:
    """Return what trials are stored with that the pruner of a sweep file stops, without making its trials.

    None where it has none, or cannot be read.
    """
    try:
        given = _parse(text).get("pruner")
        return None if given is None else PrunerSpec.model_validate(given).rule
    except (InputError, ValidationError):
        return None


def _parse(text: str) -> dict[str, Any]:
    try:
        given = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InputError(f"{where}not valid YAML: {' '.join(problem.split())}") from error
    except ValueError as error:  # a date or a number that Python refuses
        raise InputError(f"not valid YAML: {error}; put text in quotes") from error
    except RecursionError as error:
        raise InputError("not valid YAML: nested too deeply; a sweep file has a few levels") from error
    if not isinstance(given, dict):
        raise InputError(
            f"given {type(given).__name__}; a sweep file is a mapping with the keys name, model, dataset, axes"
        )
    return given


def _split(given: dict[str, Any]) -> tuple[Frame, dict[str, Any], dict[str, Any]]:
    """Return the frame, the axes and the fixed fields of a trial."""
    allowed = {*Frame.model_fields, "axes", *TrialSpec.model_fields}
    for key in given:
        if key not in allowed:
            raise InputError(f"{key}: unknown key '{key}'; {did_you_mean(key, allowed)}")
    framed = {key: given[key] for key in Frame.model_fields if key in given}
    try:
        frame = Frame.model_validate(framed)
    except ValidationError as error:
        raise InputError(str(explain(error, framed, Frame))) from error
    axes = given.get("axes", {})
    if not isinstance(axes, dict):
        raise InputError(
            f"axes: given {shown(axes)}; it should be a mapping such as {{lr: [0.01, 0.1], seed: {{range: 3}}}}"
        )
    for key in SECTIONS:
        if key in given and not isinstance(given[key], dict):
            example = f"{{name: {given[key]}}}" if isinstance(given[key], str) else "{key: value}"
            raise InputError(f"{key}: given {shown(given[key])}; it should be a mapping such as {example}")
    axes = {str(key): axis for key, axis in axes.items()}  # YAML reads 3 as a number; it is no field by either name
    return frame, axes, {key: given[key] for key in TrialSpec.model_fields if key in given}
