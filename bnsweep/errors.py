"""The exceptions that mean: the user can mend this. The command line prints their message alone."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class InputError(ValueError):
    """Bad input: a message that names what was wrong, where, and what would be right.

    The command line exits with 2.
    """


class StoreError(Exception):
    """The results cannot be written or read just now: disk full, directory read-only, object store away.

    The message says what failed, where, that what was committed is unharmed, and how to go on. The command line exits
    with 1.
    """


class Superseded(StoreError):  # noqa: N818  # says what happened, as KeyboardInterrupt does
    """Another run has taken the directory over: this one must not commit any more."""


class StartError(Exception):
    """What runs trials cannot be started on this machine just now: it is too busy, or short of memory.

    The message says what to do. The command line exits with 1.
    """


class DeviceLost(Exception):  # noqa: N818  # says what happened, as KeyboardInterrupt does
    """A worker's process can use its GPU no more; another process may.

    The message is one line. The command line exits with 1.
    """


MIN_LIKENESS = 0.5
"""From 0 to 1, of names that may be meant."""
SYNONYMS = {
    "learning_rate": "lr",
    "normalization": "norm",
    "initialization": "init",
    "gain": "init_gain",
    "architecture": "model",
    "network": "model",
    "data": "dataset",
    "epochs": "steps",
    "iterations": "steps",
    "bs": "batch_size",
    "wd": "weight_decay",
    "scheduler": "schedule",
    "grad_clip": "clip_norm",
}
"""Names that other programs have for what a sweep file names."""


def did_you_mean(given: object, allowed: Iterable[str]) -> str:
    """Return `allowed: a, b, c; did you mean 'b'?` for a name that is none of `allowed`."""
    names = sorted(allowed)
    close = closest(str(given), names)
    hint = f"; did you mean '{close}'?" if close else ""
    return f"allowed: {', '.join(names)}{hint}"


def closest(given: str, names: Sequence[str]) -> str | None:
    """Return the name that is most likely meant; None where none is like it.

    Letters in another case, then what other programs call it, then the likest; of those that are as like, the one of
    the same letters, else one that begins with the same.

    >>> closest("LR", ["lr", "seed"]), closest("learning_rate", ["lr", "seed"]), closest("epochs", ["train.steps"])
    ('lr', 'lr', 'train.steps')
    >>> closest("trian", ["trial", "train"]), closest("s4", ["gs", "s3"])
    ('train', 's3')
    """
    word = given.lower()
    same = [name for name in names if name.lower() == word]
    same += [name for name in names if name.rpartition(".")[2] == SYNONYMS.get(word.rpartition(".")[2])]
    if same:
        return same[0]
    likeness = {name: difflib.SequenceMatcher(None, name, given).ratio() for name in names}
    near = [name for name in names if likeness[name] >= MIN_LIKENESS]
    return max(
        near, key=lambda name: (likeness[name], sorted(name) == sorted(given), name[:1] == given[:1]), default=None
    )
