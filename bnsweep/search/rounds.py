"""Ask and tell by rounds: which trials a search wants next, from the outcomes of the rounds before.

A search is a pure function of its spec and of what the trials of its rounds gave. `ask` walks its rounds from the
first: where each trial of a round has been told, the next one follows from that; where one has not, that is the round
to run. What was told in which order, by which worker, in which run, or of which trials that were never asked for, says
nothing: a round is read in the order in which it was asked. So a run that was killed, one that is extended, and whoever
verifies one walk the same way to the same trials.

Nothing of Ray, files or training is known here: what a trial gave comes in as an `Outcome`, under its key.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

Key = TypeVar("Key", bound=Hashable)

Setting = Mapping[str, Any]
"""The values of the axes of one trial, its seed among them, by the names that the sweep file has."""

WORST = 0.0
"""What a diverged trial counts as: scores go from 0 to 1."""


class Outcome(NamedTuple):
    """What a trial gave.

    Args:
        score: of the trained model, from 0 to 1; of no meaning where it diverged.
        diverged: whether it did.
        chance: the score of guessing.
        seconds: that it took.
    """

    score: float
    diverged: bool = False
    chance: float = 0.0
    seconds: float = 0.0

    @property
    def worth(self) -> float:
        """What a search goes by: the score; `WORST` where it diverged, never NaN."""
        return WORST if self.diverged else self.score


class Told(NamedTuple):
    """A trial that was asked for, and what it gave."""

    setting: Setting
    outcome: Outcome


History = Sequence[Sequence[Told]]
"""The rounds that are over, each in the order in which it was asked."""


@dataclass(frozen=True)
class End:
    """A search is over: why, in words that follow "ended: "."""

    reason: str


@dataclass(frozen=True)
class Round:
    """The trials to run next.

    Args:
        number: of the round, from 0.
        settings: all its trials, in order.
        missing: those of them of which nothing was told, each once.
    """

    number: int
    settings: Sequence[Setting]
    missing: Sequence[Setting]


class Search(Protocol):
    """Says which trials follow from the rounds so far; the same ones for the same rounds."""

    def __call__(self, history: History) -> Sequence[Setting] | End:
        """Return the settings of the next round, at least one; or the end, which must come.

        A setting may be asked for again, and has its outcome then.
        """


class Answer(NamedTuple):
    """What a search answers.

    Args:
        step: the round to run, or the end.
        history: the rounds that are over; given to the next `ask`, it spares the walk up to here.
    """

    step: Round | End
    history: History


def ask(search: Search, told: Mapping[Key, Outcome], key_of: Callable[[Setting], Key], history: History = ()) -> Answer:
    """Return what a search wants next.

    Args:
        search: whose rounds are walked.
        told: outcomes by key, of any trials.
        key_of: what names a trial.
        history: the rounds that an earlier answer of this search gave.

    Raises:
        ValueError: the search asks for no trial, and does not end.
    """
    walked = list(history)
    while not isinstance(settings := search(walked), End):
        if not settings:
            raise ValueError(f"round {len(walked)} of {search} asks for no trial")
        keys = [key_of(setting) for setting in settings]
        missing = {key: setting for key, setting in zip(keys, settings, strict=True) if key not in told}
        if missing:
            return Answer(Round(len(walked), settings, list(missing.values())), walked)
        walked.append([Told(setting, told[key]) for setting, key in zip(settings, keys, strict=True)])
    return Answer(settings, walked)


def num_asked(history: History) -> int:
    """Return how many trials the rounds had."""
    return sum(map(len, history))
