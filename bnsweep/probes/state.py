"""What a probe remembers from step to step, as plain values, so that a trial can be saved and continued."""

from __future__ import annotations

from types import FunctionType
from typing import Any, Protocol, runtime_checkable

DECLARED = ("table", "columns")
"""What a probe of the user's own says of its rows, which is the same when it is built anew."""


@runtime_checkable
class Remembering(Protocol):
    """A probe that carries something from step to step; the others need nothing of this."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it remembers, as tensors and plain values."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Remember what another did."""
        ...


class NotPlain(TypeError):  # noqa: N818  # says what it is, as Superseded does
    """A trial cannot be saved: what is to be remembered is not made of tensors and plain values."""


def remembered(probe: object) -> dict[str, Any]:
    """Return what a probe of the user's own remembers: its `state_dict()` where it has one, else its attributes.

    Raises:
        NotPlain: it may remember something elsewhere.
    """
    if isinstance(probe, Remembering):
        return dict(probe.state_dict())
    if isinstance(probe, FunctionType) and probe.__closure__ is None:
        return {}
    if isinstance(probe, FunctionType) or not hasattr(probe, "__dict__"):
        raise NotPlain(f"{type(probe).__name__}: what it remembers is not in its attributes; give it a state_dict")
    return {name: value for name, value in vars(probe).items() if name not in DECLARED}


def remember(probe: Any, state: dict[str, Any]) -> None:
    """Have a probe that was just built remember what `remembered` returned of another."""
    if isinstance(probe, Remembering):
        probe.load_state_dict(state)
    else:
        vars(probe).update(state)
