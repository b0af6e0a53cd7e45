"""A loop of the user's own tried before the start: two of its steps, and the second again from a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bnsweep.data import Dataset
from bnsweep.errors import InputError
from bnsweep.plugins import user_code
from bnsweep.probes.state import NotPlain
from bnsweep.spec import TrialSpec
from bnsweep.training.checkpoint import dump
from bnsweep.training.loop import train
from bnsweep.training.own.function import KEY
from bnsweep.training.own.training import OwnTraining

STEPS = 2


def try_own_loop(spec: TrialSpec, data: Dataset) -> Iterator[str]:
    """Run the function of a trial for two steps, each of its probes at each; yield what the user should know.

    Raises:
        InputError: it fails, makes no steps that probes could measure, or gives what cannot be saved, or not all that
            moves: a trial that goes on from a checkpoint would have other numbers than one that was not cut off.
    """
    assert spec.trial is not None, "a loop of the user's own"
    name = spec.trial.name
    with user_code(name, KEY, f"when two steps are tried for norm {spec.norm}", Exception):
        whole, saved = _run(spec, data)
        if spec.probes.sections and whole.last_step is None:
            raise InputError(f"probes: {name} makes no step within `with ctx.step(...)`; nothing would be measured")
        if whole.kept is None or not whole.kept.things:
            yield f"{name} gives ctx.steps nothing to save: a trial that is cut off begins anew"
        elif saved is not None and not whole.result.has_diverged:
            again, _ = _run(spec, data, saved)
            if what := _differing(whole, again):
                raise InputError(
                    f"{KEY}: {name} gives other numbers ({what}) when it goes on from a checkpoint after its first "
                    "step; give ctx.steps all that its steps move, and draw from ctx.generator or the global streams"
                )


def _run(spec: TrialSpec, data: Dataset, saved: bytes | None = None) -> tuple[OwnTraining, bytes | None]:
    """Make two steps, or those that are left; return the trial, and as what it was saved after the first, if it can."""
    state, trial = None, None
    for training in train(spec, data, saved):
        assert isinstance(training, OwnTraining), "a loop of the user's own"
        trial = training
        if training.kept is None:
            training.max_steps = STEPS
            probes = training.probing.probes
            training.probing.probes = [replace(probe, due=_always) for probe in probes]
        elif training.step == 1 and saved is None:
            state = _saved(training)
    assert trial is not None, "it is there before its first step"
    return trial, state


def _always(step: int) -> bool:
    return step >= 0


def _saved(training: OwnTraining) -> bytes | None:
    """Return the state; None where there is none, or a probe of the user's own does not allow it.

    Raises:
        InputError: the loop gives what cannot be saved.
    """
    assert training.kept is not None, "it has made a step"
    for name, state in training.kept.states():
        try:
            dump(state)
        except NotPlain as error:
            raise InputError(
                f"ctx.steps({name}=...): its state cannot be saved: {error}; its state_dict() should return tensors, "
                "numbers, text, and lists and dictionaries of these"
            ) from error
    try:
        return dump(training.state_dict())
    except NotPlain:
        return None


def _differing(one: OwnTraining, other: OwnTraining) -> str | None:
    """Return what two runs of a trial differ in; users' own tables may differ, since there may be times in them."""
    ones, others = _seen(one), _seen(other)
    return next((name for name in ones if ones[name] != others.get(name)), None)


def _seen(training: OwnTraining) -> dict[str, str]:
    """Return what the run gave, as text, in which NaN is equal to itself."""
    result = training.result
    tables: dict[str, Any] = {name: rows for name, rows in result.tables.items() if name not in training.own_tables}
    return {"metric": repr(result.metric), **{name: repr(rows) for name, rows in tables.items()}}
