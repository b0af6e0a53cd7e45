"""`run`: the trials of a sweep that are missing, from a notebook or script."""

from __future__ import annotations

import os
import threading

from bnsweep.api.arguments import check_arguments, place_text
from bnsweep.api.outcome import Outcome
from bnsweep.api.run_options import RunOptions
from bnsweep.api.sweep_run import run_sweep
from bnsweep.api.sweeps import SweepLike, as_sweep
from bnsweep.errors import InputError
from bnsweep.running.interruption import KEPT, as_keyboard_interrupt
from bnsweep.running.notebook_bar import NotebookBar, in_notebook, plain_console


def run(
    sweep: SweepLike,
    out: str | os.PathLike[str] | None = None,
    *,
    workers: int | None = None,
    executor: str = "ray",
    address: str | None = None,
    checkpoint_minutes: float = 10.0,
    max_hours: float | None = None,
    extend: bool = False,
) -> Outcome:
    """Run the trials that are missing; again after an interruption or an edit, and only what is new runs.

    As `bnsweep run`, with a bar in a notebook. Ctrl-C, or interrupting the notebook's kernel, commits what finished and
    then raises KeyboardInterrupt; a second one stops at once.

    >>> import bnsweep
    >>> sweep = {"name": "widths", "model": {"name": "mlp", "widths": [8]}, "dataset": {"name": "digits"},
    ...          "train": {"steps": 4}, "axes": {"norm": ["none", "batch"], "lr": [0.1, 1.0]}}
    >>> outcome = bnsweep.run(sweep, executor="serial")  # doctest: +ELLIPSIS
    widths: 0 of 4 trials done, 4 to run
    ...
    all 4 trials have a result in ...results/widths
    >>> outcome.num_done, sorted(outcome.load().trials["lr"])
    (4, [0.1, 0.1, 1.0, 1.0])

    Args:
        sweep: it, the path of its file, or what that says.
        out: where results go, a path or a URI such as s3://bucket/folder; results/<name> if not given.
        workers: as many at most; as many as fit if not given.
        executor: ray, or serial: in this process, without Ray.
        address: of a Ray cluster to join, auto or host:port; without it Ray is started here.
        checkpoint_minutes: how often a trial that takes long is saved, to continue from there.
        max_hours: when the run ends in good order; the same call continues.
        extend: whether it may add to another sweep's directory.

    Raises:
        InputError: an impossible sweep or option; the message is that of the command line.
        StoreError: results cannot be written. StartError: Ray cannot be started. DeviceLost: the GPU is unusable.
        KeyboardInterrupt: it was interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        raise InputError("run: called in a thread, which hears no Ctrl-C; call it in the main thread")
    check_arguments(workers=workers, checkpoint_minutes=checkpoint_minutes, max_hours=max_hours, extend=extend)
    place = None if out is None else place_text("out", out)
    options = RunOptions(place, workers, executor, address, checkpoint_minutes, max_hours, extend)
    console, bar = plain_console(), NotebookBar() if in_notebook() else None
    with as_keyboard_interrupt():
        try:
            outcome = run_sweep(as_sweep(sweep), options, console, bar)
        except KeyboardInterrupt:
            console.print(KEPT)
            raise
    if outcome.is_stopped and not outcome.is_out_of_time:
        raise KeyboardInterrupt
    return outcome
