"""The command line. Imports what a command needs only when it runs, so that `--help` is quick."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bnsweep import __version__
from bnsweep.errors import InputError, StoreError, did_you_mean

if TYPE_CHECKING:
    from bnsweep.maintenance import Outcome

app = typer.Typer(
    name="bnsweep",
    help="How robust is training to its hyperparameters under each normalization mode, and why?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

INTERRUPTED = 130
SweepFile = Annotated[Path, typer.Argument(metavar="SWEEP", help="The sweep file, such as sweeps/mini.yaml.")]
ResultsDir = Annotated[str, typer.Argument(metavar="DIR", help="Where a run left its results: its --out.")]
Out = Annotated[str | None, typer.Option(help="Where results are: a path or s3://...; results/<name> if not given.")]


def main() -> None:
    """Run the command line: bad input is one message on stderr and exit code 2."""
    os.environ["MPLBACKEND"] = "agg"  # figures go to files, whatever the user's notebooks ask for
    try:
        app()
    except (InputError, StoreError) as error:
        print(f"bnsweep: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2 if isinstance(error, InputError) else 1)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _bnsweep(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def plan(sweep_file: SweepFile, out: Out = None) -> None:
    """Say what `run` would do: trials declared, done and missing. Writes nothing."""
    from bnsweep.plan import Plan
    from bnsweep.results import Store
    from bnsweep.sweep import Sweep

    sweep = Sweep.from_yaml(sweep_file)
    store = Store.open(out or f"results/{sweep.name}")
    store.check_writable()
    planned = Plan.of(sweep, store)
    total, missing = len(sweep.trials), planned.missing
    typer.echo(f"{sweep.name}: {total} trials declared, {planned.num_done} done, {len(missing)} missing")
    for norm, count in Counter(spec.norm for spec in missing).items():
        typer.echo(f"  missing of norm {norm}: {count}")
    if planned.undeclared:
        typer.echo(
            f"{len(planned.undeclared)} stored trials are not declared by {sweep_file}; "
            "they stay, and the report leaves them out"
        )
    typer.echo(f"results: {store.root}")


@app.command()
def run(
    sweep_file: SweepFile,
    out: Out = None,
    executor: Annotated[str, typer.Option(help="ray, or serial: in this process, without Ray.")] = "ray",
    address: Annotated[
        str | None,
        typer.Option(help="A running Ray cluster to join: auto or host:port. Without it Ray is started here."),
    ] = None,
    checkpoint_minutes: Annotated[
        float, typer.Option(min=0, help="How often a trial that takes long is saved, to continue from there.")
    ] = 10.0,
) -> None:
    """Run the trials that are missing; again after an interruption or an edit, and only what is new runs.

    Ctrl-C commits what finished and stops; a second one stops at once.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = _run(sweep_file, out, executor, address, 60 * checkpoint_minutes)
    except KeyboardInterrupt:
        typer.echo("interrupted; what was committed is kept; the same command continues")
        code = INTERRUPTED
    raise typer.Exit(code)


def _run(sweep_file: Path, out: str | None, executor: str, address: str | None, checkpoint_every_s: float) -> int:
    """Run a sweep and say how it went; return the exit code."""
    from rich.console import Console

    from bnsweep import run as running
    from bnsweep.executors import EXECUTORS, Report, make_executor
    from bnsweep.interrupt import Interrupt
    from bnsweep.progress import Progress
    from bnsweep.results import Store
    from bnsweep.sweep import Sweep

    sweep = Sweep.from_yaml(sweep_file)
    store = Store.open(out or f"results/{sweep.name}")
    if executor not in EXECUTORS:
        raise InputError(f"--executor: given {executor!r}; {did_you_mean(executor, EXECUTORS)}")
    chosen = make_executor(executor, address)
    prepared = running.prepare(sweep, store)
    planned, console = prepared.plan, Console(soft_wrap=True, highlight=False)
    total = len(sweep.trials)
    console.print(f"{sweep.name}: {planned.num_done} of {total} trials done, {len(planned.missing)} to run")
    for note in prepared.notes:
        console.print(note)
    interrupt = Interrupt()
    with Progress(console) as progress, ExitStack() as stack:

        def start(num_trials: int, num_workers: int) -> Report:
            stack.enter_context(
                interrupt.caught(lambda: console.print("stopping: committing what finished; once more stops at once"))
            )
            return progress.start(num_trials, num_workers)

        left = running.run(prepared, chosen, start, is_interrupted=interrupt, checkpoint_every_s=checkpoint_every_s)
    if left and interrupt():
        console.print(
            f"interrupted: {total - len(left)} of {total} trials have a result, {len(left)} are left; "
            "the same command continues"
        )
        return INTERRUPTED
    if left:
        console.print(f"{len(left)} trials failed; see {store.path('failures')}; the same command tries them again")
        return 1
    console.print(f"all {total} trials have a result in {store.root}")
    return 0


@app.command()
def report(
    directory: ResultsDir,
    out: Annotated[str | None, typer.Option(help="Where the report goes; DIR/report if not given.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Write it anew as trials come in, until all are done.")
    ] = False,
    every: Annotated[float, typer.Option(min=0.1, help="With --watch: how often to look, in seconds.")] = 10.0,
) -> None:
    """Write index.html, with each figure as PNG, SVG and CSV beside it."""
    if watch:
        _watch(directory, out, every)
        return
    from analysis.report import write_report

    typer.echo(f"report: {write_report(directory, out)}")


def _watch(directory: str, out: str | None, every_s: float) -> None:
    from analysis.watch import watch

    try:
        watch(directory, out, every_s, typer.echo)
    except KeyboardInterrupt:
        typer.echo("interrupted; the last report is kept")
        raise typer.Exit(INTERRUPTED) from None


@app.command()
def compare(
    directories: Annotated[list[str], typer.Argument(metavar="DIR DIR...", help="The --out of two runs or more.")],
    out: Annotated[str, typer.Option(help="The folder that the page goes to.")] = "comparison",
) -> None:
    """Set sweeps side by side: how robust each mode is in each, and what the sweeps differ in."""
    from analysis.compare import as_text, write_comparison
    from analysis.comparison import compare as compare_sweeps

    comparison = compare_sweeps(directories)
    typer.echo(as_text(comparison))
    typer.echo(f"\ncomparison: {write_comparison(comparison, out)}")


@app.command()
def verify(
    directory: ResultsDir,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
) -> None:
    """Check every file and row of DIR against the sweep file and the commits; exit code 1 if anything is amiss."""
    from bnsweep.maintenance import verify_directory

    _finish(verify_directory(directory, repair=repair))


@app.command()
def compact(directory: ResultsDir) -> None:
    """Make the many small files of DIR a few large ones; they read faster and hold the same rows."""
    from bnsweep.maintenance import compact_directory

    _finish(compact_directory(directory))


def _finish(outcome: Outcome) -> None:
    for line in outcome.lines:
        typer.echo(line)
    raise typer.Exit(outcome.exit_code)


@app.command()
def repro(
    directory: ResultsDir,
    key: Annotated[str, typer.Argument(metavar="KEY", help="A trial_key, or how one begins.")],
) -> None:
    """Run one trial of DIR again, on its own, and compare; exit code 1 if a bit differs."""
    from bnsweep.repro import reproduce
    from bnsweep.results import Store

    again = reproduce(Store.open(directory), key)
    for line in again.lines():
        typer.echo(line)
    raise typer.Exit(0 if again.is_same else 1)


@app.command()
def doctor() -> None:
    """Say what this machine has and what it lacks."""
    from bnsweep.doctor import examine

    findings = examine()
    for finding in findings:
        typer.echo(f"{'ok     ' if finding.ok else 'lacking'}  {finding.what}: {finding.found}")
    if not all(finding.ok or finding.optional for finding in findings):
        raise typer.Exit(1)
