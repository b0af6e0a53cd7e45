"""One failed trial again, on its own: does it fail here, and with which traceback?"""

from __future__ import annotations

import traceback
from dataclasses import dataclass

import torch

from bnsweep.api.failed_trial import FailedTrial
from bnsweep.error_texts import printable, shown, with_place, without_place
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.running.provenance import git_sha, versions
from bnsweep.spec.resources import Resources
from bnsweep.spec.sweep import Sweep


@dataclass(frozen=True)
class Retry:
    """A failed trial that was run again.

    Args:
        failed: how it failed before.
        device: where it ran now.
        error: what it raised now; None where it came to an end.
        status: how it ended then: completed or diverged.
    """

    failed: FailedTrial
    device: str
    error: Exception | None = None
    status: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it came to an end."""
        return self.error is None

    def lines(self) -> list[str]:
        """Return the outcome for a person to read."""
        times = len(self.failed.attempts)
        return [
            self.failed.title,
            f"failed: {times} {'time' if times == 1 else 'times'}, at last on {self.failed.last['host']}: "
            f"{self.failed.error}",
            f"again:  on {self.device}, commit {git_sha()}, {versions()}",
            *([] if self.error is None else [printable("".join(traceback.format_exception(self.error))).rstrip()]),
            self._verdict(),
        ]

    def _verdict(self) -> str:
        if self.error is None:
            return f"{self.status}: it does not fail here; `bnsweep run` with its sweep file runs it for its results"
        return "fails again, by the same error" if self.is_same_error else f"fails again, by another error: {self._now}"

    @property
    def is_same_error(self) -> bool:
        """Whether it raised what it had failed by."""
        if self.error is None:
            return False
        now, before = with_place(self.error), str(self.failed.last["error"] or "unknown")
        return shown(without_place(now)) == shown(without_place(before))

    @property
    def _now(self) -> str:
        return shown(with_place(self.error)) if self.error else ""


def find_failed(store: Store, key: str) -> FailedTrial | None:
    """Return the trial whose key begins with `key` if it failed and has no result; None where none of these does.

    Raises:
        InputError: several failed ones begin with it, or one beside others.
    """
    found = [trial for trial in FailedTrial.load(store) if trial.key.startswith(key) and not trial.has_result]
    if not found:
        return None
    others = sum(finished.startswith(key) for finished in store.finished())
    if len(found) > 1 or others:
        beside = f" and {others} with a result" if others else ""
        raise InputError(
            f"{key or repr(key)}: {len(found)} failed trials{beside} begin with it; `bnsweep failures {store.root}` "
            "lists those that failed"
        )
    return found[0]


def resources_there(store: Store) -> Resources:
    """Return whether a trial has a GPU here: where its sweep asked for one, and there is one."""
    declared = store.declared()
    asked = Sweep.from_text(declared["sweep_file"]).resources.gpus if declared else 0
    return Resources(gpus=1 if asked and torch.cuda.is_available() else 0)
