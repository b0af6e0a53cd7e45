"""`run`: a sweep, here or on the cluster that this machine is part of."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bnsweep.cli.app import INTERRUPTED, CheckpointMinutes, Extend, HoursToRun, Out, Settings, SweepFile, app
from bnsweep.cli.output import tolerant_console
from bnsweep.running.interruption import Interrupt, as_keyboard_interrupt

if TYPE_CHECKING:
    from rich.console import Console

    from bnsweep.executors import Executor, Report
    from bnsweep.results import Store
    from bnsweep.running.plan import Plan
    from bnsweep.spec.resources import Resources
    from bnsweep.spec.sweep import Sweep

STOPPING = "stopping: finished trials are being committed; Ctrl-C again stops at once"


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
    every_s, changed = 60 * checkpoint_minutes, tuple(settings or ())
    options = _Options(sweep_file, out, workers, executor, address, every_s, max_hours, extend, changed)
    console = tolerant_console()
    with as_keyboard_interrupt():
        try:
            code = _run(options, console)
        except KeyboardInterrupt:
            console.print("interrupted; what was committed is kept; the same command continues")
            code = INTERRUPTED
    raise typer.Exit(code)


@dataclass(frozen=True)
class _Options:
    """What the command line says of a run."""

    sweep_file: Path
    out: str | None
    workers: int | None
    executor: str
    address: str | None
    checkpoint_every_s: float
    max_hours: float | None
    extend: bool
    settings: tuple[str, ...]


def _run(options: _Options, console: Console) -> int:
    """Run a sweep and say how it went; return the exit code."""
    from bnsweep.cli.failures import end_of_run
    from bnsweep.executors import check_options
    from bnsweep.jobs.head_files import share
    from bnsweep.results import Store
    from bnsweep.running.plan import Plan
    from bnsweep.running.provenance import job_id
    from bnsweep.spec.sweep import Sweep

    interrupt = Interrupt(None if options.max_hours is None else 3600 * options.max_hours)
    sweep = Sweep.from_yaml(options.sweep_file, options.settings)
    store = Store.open(options.out or f"results/{sweep.name}")
    check_options(options.executor, options.address, options.workers)
    store.check_writable()
    if store.is_local and (job := job_id()):
        share(store.root, job)
    planned = Plan.of(sweep, store)
    planned.require_own_directory(store, extend=options.extend)
    total = len(sweep.trials)
    console.print(f"{sweep.name}: {planned.num_done} of {total} trials done, {len(planned.missing)} to run")
    left, total = _run_missing(options, sweep, store, planned, interrupt, console)
    if left and interrupt():
        console.print(
            f"{_why(interrupt, options)}: {total - len(left)} of {total} trials have a result, {len(left)} are left; "
            "the same command continues"
        )
        return INTERRUPTED
    if left:
        for line in end_of_run(store, left, options.out or f"results/{sweep.name}"):
            console.print(line)
        return 1
    console.print(f"all {total} trials have a result in {store.root}")
    return 0


def _stopping(interrupt: Interrupt, options: _Options) -> str:
    return f"{_why(interrupt, options)}; finished trials are being committed" if interrupt.is_out_of_time else STOPPING


def _why(interrupt: Interrupt, options: _Options) -> str:
    """Return in words why a run stops before its end."""
    return f"time is up (--max-hours {options.max_hours:g})" if interrupt.is_out_of_time else "interrupted"


def _run_missing(
    options: _Options, sweep: Sweep, store: Store, planned: Plan, interrupt: Interrupt, console: Console
) -> tuple[list[str], int]:
    """Run what is missing; return the keys of the trials without a result, and how many the run had in the end."""
    from bnsweep.running.gc_tuning import restore_gc_thresholds
    from bnsweep.running.progress import Progress
    from bnsweep.running.progress_writer import kept_progress
    from bnsweep.running.run import run as run_sweep
    from bnsweep.running.startup import started

    with ExitStack() as stack, Progress(console) as progress:
        executor = _executor(options, sweep.resources, bool(planned.missing), stack, console)
        prepared = stack.enter_context(started(sweep, store, planned, executor))
        if options.executor == "serial":  # trials run here; Tune is yet to be imported otherwise
            restore_gc_thresholds()
        for note in prepared.notes:
            console.print(note)

        def start(num_trials: int, num_workers: int) -> Report:
            if options.workers and num_workers < options.workers:
                console.print(f"--workers {options.workers}: {num_workers} fit here, so {num_workers} run")
            stack.enter_context(interrupt.caught(lambda: console.print(_stopping(interrupt, options))))
            return progress.start(num_trials, num_workers)

        left = run_sweep(
            prepared,
            executor,
            start,
            during=kept_progress(store, sweep, progress.snapshot, interrupt, lambda: interrupt.is_out_of_time),
            is_interrupted=interrupt,
            checkpoint_every_s=options.checkpoint_every_s,
            say=console.print,
        )
    if planned.missing and options.address is None:  # on a cluster workers come and go
        console.print(f"worker overhead {100 * progress.idle_share():.0f} %")
    return left, progress.snapshot().num_declared or len(sweep.trials)


def _executor(options: _Options, resources: Resources, is_needed: bool, stack: ExitStack, console: Console) -> Executor:
    """Return what runs the trials, with its share of this machine's processors until the stack ends."""
    from bnsweep.executors import make_executor
    from bnsweep.running.cpu_lease import leased_cpus

    cpus, workers = None, options.workers
    if is_needed and options.executor == "serial":
        stack.enter_context(leased_cpus(1, 1))
    elif is_needed and not options.address and not resources.gpus:  # who shares GPUs, CUDA_VISIBLE_DEVICES says
        lease = stack.enter_context(leased_cpus(resources.cpus, workers))
        cpus, workers = lease.cpus, lease.workers
        for note in lease.notes():
            console.print(note)
    return make_executor(options.executor, options.address, cpus=cpus, max_workers=workers, announce=console.print)
