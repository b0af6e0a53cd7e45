"""`plan` and `run`: a sweep, here or on the cluster that this machine is part of."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bnsweep.cli.app import INTERRUPTED, CheckpointMinutes, Extend, Out, SweepFile, app
from bnsweep.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from bnsweep.results import Store
    from bnsweep.running.plan import Plan
    from bnsweep.spec.sweep import Sweep


MaxHours = Annotated[float | None, typer.Option(min=0, help="Refuse a sweep that takes longer than so many hours.")]


@app.command()
def plan(
    sweep_file: SweepFile,
    out: Out = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Workers to plan for; as many as fit here if not given.")
    ] = None,
    price: Annotated[
        float | None, typer.Option(min=0, help="Money for an hour of a GPU, or of a worker without.")
    ] = None,
    max_hours: MaxHours = None,
    timing: Annotated[bool, typer.Option(help="Time a few steps of each kind of trial, some 20 s at most.")] = True,
) -> None:
    """Say what `run` would do: trials declared, done and missing, and what they take. Writes no results."""
    from bnsweep.results import Store
    from bnsweep.running.plan import Plan
    from bnsweep.spec.sweep import Sweep

    if not timing and (max_hours is not None or price is not None):
        raise InputError("--no-timing: goes without --max-hours and --price; leave one or the other out")
    sweep = Sweep.from_yaml(sweep_file)
    store = Store.open(out or f"results/{sweep.name}")
    store.check_writable()
    planned = Plan.of(sweep, store)
    total, missing = len(sweep.trials), planned.missing
    typer.echo(f"{sweep.name}: {total} trials declared, {planned.num_done} done, {len(missing)} missing")
    for norm, count in Counter(spec.norm for spec in missing).items():
        typer.echo(f"  missing of norm {norm}: {count}")
    if others := planned.other_sweeps_trials():
        typer.echo(f"{store.root}: {others}")
    elif planned.undeclared:
        typer.echo(
            f"{len(planned.undeclared)} stored trials are not declared by {sweep_file}; "
            "they stay, and the report leaves them out"
        )
    typer.echo(f"results: {store.root}")
    if timing and missing:
        _print_price(sweep, store, planned, workers, price, max_hours)


def _print_price(
    sweep: Sweep, store: Store, planned: Plan, workers: int | None, hourly: float | None, max_hours: float | None
) -> None:
    from bnsweep.running.prices import price_sweep, why_untimed

    if reason := why_untimed(sweep.resources):
        if max_hours is not None:
            raise InputError(f"--max-hours: cannot be checked here, {reason}; plan where the sweep will run")
        typer.echo(f"not timed: {reason}")
        return
    price = price_sweep(sweep, store, planned.missing)
    for line in price.lines(workers or price.workers_here, hourly):
        typer.echo(line)
    if max_hours is not None:
        price.require_at_most(max_hours, workers or price.workers_here)


@app.command()
def run(
    sweep_file: SweepFile,
    out: Out = None,
    executor: Annotated[str, typer.Option(help="ray, or serial: in this process, without Ray.")] = "ray",
    address: Annotated[
        str | None,
        typer.Option(help="A running Ray cluster to join: auto or host:port. Without it Ray is started here."),
    ] = None,
    checkpoint_minutes: CheckpointMinutes = 10.0,
    max_hours: MaxHours = None,
    extend: Extend = False,
) -> None:
    """Run the trials that are missing; again after an interruption or an edit, and only what is new runs.

    Ctrl-C commits what finished and stops; a second one stops at once.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = _run(sweep_file, out, executor, address, 60 * checkpoint_minutes, max_hours, extend)
    except KeyboardInterrupt:
        typer.echo("interrupted; what was committed is kept; the same command continues")
        code = INTERRUPTED
    raise typer.Exit(code)


def _run(
    sweep_file: Path,
    out: str | None,
    executor: str,
    address: str | None,
    checkpoint_every_s: float,
    max_hours: float | None,
    extend: bool,
) -> int:
    """Run a sweep and say how it went; return the exit code."""
    from rich.console import Console

    from bnsweep.cli.failures import end_of_run
    from bnsweep.executors import EXECUTORS, Report, make_executor
    from bnsweep.results import Store
    from bnsweep.running.gc_tuning import restore_gc_thresholds
    from bnsweep.running.interruption import Interrupt
    from bnsweep.running.plan import Plan
    from bnsweep.running.progress import Progress
    from bnsweep.running.progress_writer import kept_progress
    from bnsweep.running.run import run as run_sweep
    from bnsweep.running.startup import started
    from bnsweep.spec.sweep import Sweep

    sweep = Sweep.from_yaml(sweep_file)
    store = Store.open(out or f"results/{sweep.name}")
    if executor not in EXECUTORS:
        raise InputError(f"--executor: given {executor!r}; {did_you_mean(executor, EXECUTORS)}")
    chosen = make_executor(executor, address)
    store.check_writable()
    planned, console, interrupt = Plan.of(sweep, store), Console(soft_wrap=True, highlight=False), Interrupt()
    planned.require_own_directory(store, extend=extend)
    total = len(sweep.trials)
    if max_hours is not None and planned.missing:
        _require_at_most(max_hours, sweep, store, planned, executor, address)
    console.print(f"{sweep.name}: {planned.num_done} of {total} trials done, {len(planned.missing)} to run")
    with ExitStack() as stack, started(sweep, store, planned, chosen) as prepared, Progress(console) as progress:
        if executor == "serial":  # trials run here; Tune is yet to be imported otherwise
            restore_gc_thresholds()
        for note in prepared.notes:
            console.print(note)

        def start(num_trials: int, num_workers: int) -> Report:
            stack.enter_context(
                interrupt.caught(lambda: console.print("stopping: committing what finished; once more stops at once"))
            )
            return progress.start(num_trials, num_workers)

        left = run_sweep(
            prepared,
            chosen,
            start,
            during=kept_progress(store, sweep, progress.snapshot, interrupt),
            is_interrupted=interrupt,
            checkpoint_every_s=checkpoint_every_s,
        )
    if planned.missing and address is None:  # on a cluster workers come and go
        console.print(f"workers did other things than trials in {100 * progress.idle_share():.0f} % of their time")
    if left and interrupt():
        console.print(
            f"interrupted: {total - len(left)} of {total} trials have a result, {len(left)} are left; "
            "the same command continues"
        )
        return INTERRUPTED
    if left:
        for line in end_of_run(store, left, out or f"results/{sweep.name}"):
            console.print(line, markup=False)
        return 1
    console.print(f"all {total} trials have a result in {store.root}")
    return 0


def _require_at_most(
    max_hours: float, sweep: Sweep, store: Store, planned: Plan, executor: str, address: str | None
) -> None:
    """Refuse to run what takes longer; a cluster's workers may be unlike this machine, which therefore cannot tell."""
    from bnsweep.running.prices import price_sweep, why_untimed

    reason = "the workers are elsewhere" if address else why_untimed(sweep.resources)
    if reason:
        raise InputError(f"--max-hours: cannot be checked here, {reason}; use `bnsweep plan` where the sweep will run")
    price = price_sweep(sweep, store, planned.missing)
    price.require_at_most(max_hours, 1 if executor == "serial" else price.workers_here)
