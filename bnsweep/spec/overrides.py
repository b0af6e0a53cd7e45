"""`--set KEY=VALUE`: a sweep file with some of its fields changed, as Hydra's users type it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from bnsweep.errors import InputError

EXAMPLE = "--set train.steps=500, --set 'axes.lr=[0.01, 0.1]' or, to leave a key out, --set ~probes"

NAMED = "search"
"""The section that may be given as just its name."""


def overridden(text: str, settings: Sequence[str]) -> str:
    """Return the text of a sweep file with these fields set, in this order; comments stay.

    Each is KEY=VALUE, with dots between the levels of KEY and YAML as VALUE, or ~KEY, which takes the key out. What is
    set as a fixed field is no axis any more, and the other way round.

    >>> print(overridden("lr: 0.1  # fixed", ["axes.lr=[0.1, 0.2]", "train.steps=5"]))
    axes:
      lr: [0.1, 0.2]
    train:
      steps: 5
    <BLANKLINE>

    Raises:
        InputError: a setting that is neither; the message quotes it. `text` must be a mapping in YAML.
    """
    if not settings:
        return text
    yaml = YAML()
    yaml.width = 1_000_000  # lines stay as they are
    yaml.preserve_quotes = True
    sweep = yaml.load(text)
    for setting in settings:
        _apply(sweep, setting, yaml)
    out = io.StringIO()
    yaml.dump(sweep, out)
    return out.getvalue()


def _apply(sweep: CommentedMap, setting: str, yaml: YAML) -> None:
    key, has_value, value = setting.partition("=")
    is_removal = key.startswith("~") and not has_value
    path = _path(key.removeprefix("~").strip())
    if not (is_removal or has_value) or not all(path):
        raise InputError(f"--set {setting}: neither KEY=VALUE nor ~KEY; for example {EXAMPLE}")
    if is_removal:
        if not _remove(sweep, path):
            raise InputError(f"--set {setting}: the sweep file has no {'.'.join(path)} to leave out")
        return
    given, key = _value(value, setting, yaml), ".".join(path)
    if path[0] == "axes":
        _remove(sweep, tuple(".".join(path[1:]).split(".")))
    elif key in sweep.get("axes", ()):
        _require_fixed(sweep["axes"][key], given, key, setting)
        _remove(sweep, ("axes", key))
    parent = sweep
    for name in path[:-1]:
        parent = _section(parent, name, setting)
    parent[path[-1]] = given


def _require_fixed(axis: Any, given: Any, key: str, setting: str) -> None:
    """Raise InputError where several values are given to a field that is an axis of single ones."""
    values = axis.get("values", ()) if isinstance(axis, dict) else axis
    holds_lists = isinstance(values, list) and any(isinstance(value, list) for value in values)
    if isinstance(given, dict) or (isinstance(given, list) and not holds_lists):
        axis_is_set = f"--set 'axes.{setting}'"
        raise InputError(f"--set {setting}: {key} is an axis of the sweep file; give its values by {axis_is_set}")


def fixed_axes(before: Sequence[str], after: Sequence[str], settings: Sequence[str]) -> tuple[str, ...]:
    """Return in words which axes of a sweep file are none any more since a setting gives them a single value.

    >>> fixed_axes(["norm", "lr"], ["norm"], ["lr=0.1"])
    ("--set lr=0.1: lr is no axis any more; --set 'axes.lr=[0.1]' keeps it one",)
    """
    return tuple(
        f"--set {setting}: {key} is no axis any more; --set 'axes.{key}=[{value}]' keeps it one"
        for setting in settings
        for key, has_value, value in [setting.partition("=")]
        if has_value and key in before and key not in after
    )


def _path(key: str) -> tuple[str, ...]:
    """Return the levels of a key; the name of an axis is one, dots and all.

    >>> _path("train.steps"), _path("axes.train.steps")
    (('train', 'steps'), ('axes', 'train.steps'))
    """
    first, dot, rest = key.partition(".")
    return (first, rest) if first == "axes" and dot else tuple(key.split("."))


def _section(parent: CommentedMap, name: str, setting: str) -> CommentedMap:
    section = parent.setdefault(name, CommentedMap())
    if isinstance(section, str) and name == NAMED:
        section = parent[name] = CommentedMap(name=section)
    if not isinstance(section, CommentedMap):
        whole = f"{name}={{{setting.partition('=')[0].removeprefix(f'{name}.')}: ...}}"
        raise InputError(f"--set {setting}: {name} is {section!r}, which has no fields; give it whole: --set '{whole}'")
    return section


def _value(text: str, setting: str, yaml: YAML) -> Any:
    try:
        return yaml.load(text)
    except YAMLError as error:
        problem = getattr(error, "problem", None) or str(error)
        raise InputError(
            f"--set {setting}: {' '.join(str(problem).split())}; the value is YAML, as {EXAMPLE}"
        ) from error


def _remove(sweep: CommentedMap, path: Sequence[str]) -> bool:
    """Take a key out, and sections that are empty then; return whether it was there."""
    parents: list[tuple[CommentedMap, str]] = []
    place: Any = sweep
    for name in path:
        if not isinstance(place, CommentedMap) or name not in place:
            return False
        parents.append((place, name))
        place = place[name]
    for parent, name in reversed(parents):
        del parent[name]
        if parent:
            break
    return True
