"""One run of a sweep from its checks to its last line: what `bnsweep run` and `bnsweep.run` both do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING

from bnsweep.api.answer_so_far import answer_so_far
from bnsweep.api.copying import Copying
from bnsweep.api.end_of_run import end_of_run
from bnsweep.api.judging import open_modes
from bnsweep.api.outcome import Outcome
from bnsweep.api.run_options import RunOptions
from bnsweep.api.sweeps import directory_of
from bnsweep.copies import require_copies
from bnsweep.results import Store
from bnsweep.running.interruption import Interrupt
from bnsweep.running.plan import Plan
from bnsweep.running.provenance import job_id
from bnsweep.running.searching import Asked, asked, in_words, so_far
from bnsweep.spec.search import GRID
from bnsweep.spec.sweep import Sweep

if TYPE_CHECKING:
    from rich.console import Console

    from bnsweep.executors import Executor, Report
    from bnsweep.running.notebook_bar import NotebookBar
    from bnsweep.spec.resources import Resources

STOPPING = "stopping: finished trials are being committed; Ctrl-C again stops at once"


def run_sweep(sweep: Sweep, options: RunOptions, console: Console, bar: NotebookBar | None = None) -> Outcome:
    """Run what is missing of a sweep, and say on the console how it goes.

    Raises:
        InputError: another sweep's or run's directory, an option that does not go, or what cannot be built.
        KeyboardInterrupt: it was interrupted before it began, or a second time.
    """
    from bnsweep.jobs.head_files import share

    interrupt = Interrupt(options.max_s)
    directory = directory_of(sweep, options.out)
    store = Store.open(directory)
    options.check()
    store.check_writable()
    require_copies(sweep.log_to, store)
    if store.is_local and (job := job_id()):
        share(store.root, job)
    declared, sweep = sweep, so_far(sweep, store, open_modes)
    planned = Plan.of(sweep, store)
    planned.require_own_directory(store, extend=options.extend)
    total = len(sweep.trials)
    so_many = f"{total} trials" if declared.search == GRID else f"the {total} trials asked for so far"
    console.print(f"{sweep.name}: {planned.num_done} of {so_many} done, {len(planned.missing)} to run")
    for note in planned.notes(sweep, store, extend=options.extend):
        console.print(note)
    with Copying(sweep, store.root, console.print) as copying:
        left, total = _run_missing(options, sweep, store, planned, interrupt, console, bar, copying.begin)
    search = asked(declared, store, judge=open_modes) if declared.search != GRID else None
    is_open = search is not None and search.end is None
    is_stopped = (bool(left) or is_open) and interrupt()
    if search is not None:
        console.print(in_words(declared, search))
        left, total = _left_of(search, store), len(search.trials)
    if is_stopped:
        console.print(
            f"{_why(interrupt, options)}: {total - len(left)} of {total} trials have a result, {len(left)} are left; "
            "the same command continues"
        )
    elif left:
        for line in end_of_run(store, left, directory):
            console.print(line)
    else:
        console.print(f"all {total} trials have a result in {store.root}")
    return Outcome(store.root, total, tuple(left), is_stopped, is_stopped and interrupt.is_out_of_time)


def _left_of(search: Asked, store: Store) -> list[str]:
    """Return the keys of the trials without a result among those that a search has asked for so far."""
    finished = store.finished()
    return [key for key in search.trials.trial_keys() if key not in finished]


def _stopping(interrupt: Interrupt, options: RunOptions) -> str:
    return f"{_why(interrupt, options)}; finished trials are being committed" if interrupt.is_out_of_time else STOPPING


def _why(interrupt: Interrupt, options: RunOptions) -> str:
    """Return in words why a run stops before its end."""
    return f"time is up (--max-hours {options.max_hours:g})" if interrupt.is_out_of_time else "interrupted"


def _run_missing(
    options: RunOptions,
    sweep: Sweep,
    store: Store,
    planned: Plan,
    interrupt: Interrupt,
    console: Console,
    bar: NotebookBar | None,
    begun: Callable[[], None],
) -> tuple[list[str], int]:
    """Run what is missing; return the keys of the trials without a result, and how many the run had in the end.

    `begun` is called once the directory is the run's.
    """
    from bnsweep.running.gc_tuning import restore_gc_thresholds
    from bnsweep.running.progress import Progress
    from bnsweep.running.progress_writer import kept_progress
    from bnsweep.running.run import run
    from bnsweep.running.startup import started

    is_seen = console.is_terminal or bar is not None
    looking = answer_so_far(store.root, sweep) if planned.missing and is_seen else nullcontext()
    with ExitStack() as stack, looking as answer, Progress(console, bar, answer) as progress:
        executor = _executor(options, sweep.resources, bool(planned.missing), stack, console)
        prepared = stack.enter_context(started(sweep, store, planned, executor))
        if options.executor == "serial":  # trials run here; Tune is yet to be imported otherwise
            restore_gc_thresholds()
        for note in prepared.notes:
            console.print(note)

        def start(num_trials: int, num_workers: int) -> Report:
            begun()
            if options.workers and num_workers < options.workers:
                console.print(f"--workers {options.workers}: {num_workers} fit here, so {num_workers} run")
            stack.enter_context(interrupt.caught(lambda: console.print(_stopping(interrupt, options))))
            return progress.start(num_trials, num_workers)

        left = run(
            prepared,
            executor,
            start,
            during=kept_progress(store, sweep, progress.snapshot, interrupt, lambda: interrupt.is_out_of_time),
            is_interrupted=interrupt,
            checkpoint_every_s=60 * options.checkpoint_minutes,
            say=console.print,
            judge=open_modes,
        )
    if planned.missing and options.address is None:  # on a cluster workers come and go
        console.print(f"worker overhead {100 * progress.idle_share():.0f} %")
    return left, progress.snapshot().num_declared or len(sweep.trials)


def _executor(
    options: RunOptions, resources: Resources, is_needed: bool, stack: ExitStack, console: Console
) -> Executor:
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
