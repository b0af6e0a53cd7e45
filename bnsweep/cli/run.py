"""`run`: a sweep, here or on the cluster that this machine is part of."""

from __future__ import annotations

from typing import Annotated

import typer

from bnsweep.cli.app import INTERRUPTED, CheckpointMinutes, Extend, HoursToRun, Out, Settings, SweepFile, app
from bnsweep.cli.output import tolerant_console
from bnsweep.running.interruption import KEPT, as_keyboard_interrupt


@app.command()
def run(
    sweep_file: SweepFile,
    out: Out = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Workers at most; as many as fit if not given.")] = None,
    executor: Annotated[str, typer.Option(help="ray, or serial: in this process, without Ray.")] = "ray",
    address: Annotated[
        str | None,
        typer.Option(help="A running Ray cluster to join: auto or host:port. Without it Ray is started here."),
    ] = None,
    checkpoint_minutes: CheckpointMinutes = 10.0,
    max_hours: HoursToRun = None,
    extend: Extend = False,
    settings: Settings = None,
) -> None:
    """Run the trials that are missing; again after an interruption or an edit, and only what is new runs.

    Ctrl-C commits what finished and stops; a second one stops at once.
    """
    console = tolerant_console()
    with as_keyboard_interrupt():
        try:
            from bnsweep.api.run_options import RunOptions
            from bnsweep.api.sweep_run import run_sweep
            from bnsweep.spec.sweep import Sweep

            options = RunOptions(out, workers, executor, address, checkpoint_minutes, max_hours, extend)
            outcome = run_sweep(Sweep.from_yaml(sweep_file, settings or ()), options, console)
            code = INTERRUPTED if outcome.is_stopped else int(bool(outcome.left))
        except KeyboardInterrupt:
            console.print(KEPT)
            code = INTERRUPTED
    raise typer.Exit(code)
