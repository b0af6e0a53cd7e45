"""How much of the answer there is while a run goes on: a process beside it judges the claims on what is stored so far.

`python -m bnsweep.api.answer_so_far DIRECTORY` is that process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from bnsweep.spec.sweep import Sweep

FIRST_AFTER_S = 30.0
MOST_OF_TIME = 0.02
"""Of one processor, which the trials lack."""
MAX_TRIALS = 10_000
"""Of a sweep of more nobody looks: judging it takes memory that its trials may lack."""
RESOLVED = ("supported", "contradicted")


class AnswerSoFar:
    """Says how many statements on the paper are resolved by the results in a directory; a context manager.

    Args:
        directory: of the results, a path or a URI.
        first_after_s: when to look first, in seconds.
    """

    def __init__(self, directory: str, first_after_s: float = FIRST_AFTER_S) -> None:
        self._command = [sys.executable, "-P", "-m", __name__, directory]
        self._wait_s, self._text = first_after_s, ""
        self._end = Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = Thread(target=self._keep_looking, name="answer so far", daemon=True)

    def __call__(self) -> str:
        """Return it in words; '' until it is known."""
        return self._text

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Look no more."""
        self._end.set()
        if self._process is not None:
            self._process.kill()

    def _keep_looking(self) -> None:
        while not self._end.wait(self._wait_s):
            began = monotonic()
            self._text = self._look() or self._text
            self._wait_s = max(FIRST_AFTER_S, (monotonic() - began) / MOST_OF_TIME)

    def _look(self) -> str:
        """Judge once; return '' where there is nothing to judge yet, or it failed: the report will say why."""
        with subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        ) as self._process:
            said, _ = self._process.communicate()
        return said.strip() if self._process.returncode == 0 else ""


def answer_so_far(directory: str, sweep: Sweep) -> AbstractContextManager[AnswerSoFar | None]:
    """Return what looks at the results of a sweep; nothing where it has more than `MAX_TRIALS`.

    Nor where its trials are drawn, or pruned, since the paper's claims are about whole grids.
    """
    is_grid = sweep.drawn is None and sweep.pruner is None
    return AnswerSoFar(directory) if is_grid and len(sweep.trials) <= MAX_TRIALS else nullcontext()


def resolved(directory: str) -> str:
    """Return how many of the statements that can be tested are resolved, over all settings."""
    from bnsweep.api.own_analysis import import_own_analysis

    import_own_analysis()
    from analysis import load
    from analysis.claims import judge

    statements = judge(load(directory)).statements
    claimed = statements[~statements["is_check"].astype(bool) & (statements["verdict"] != "not tested")]
    return f"{claimed['verdict'].isin(RESOLVED).sum()} of {len(claimed)} statements on the paper are resolved so far"


if __name__ == "__main__":
    os.nice(19)
    sys.stdout.write(resolved(sys.argv[1]))
