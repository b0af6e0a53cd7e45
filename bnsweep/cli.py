"""The command line. Imports what a command needs only when it runs, so that `--help` is quick."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from bnsweep import __version__
from bnsweep.errors import InputError, did_you_mean

app = typer.Typer(
    name="bnsweep",
    help="How robust is training to its hyperparameters under each normalization mode, and why?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

INTERRUPTED = 130
SweepFile = Annotated[Path, typer.Argument(metavar="SWEEP", help="The sweep file, such as sweeps/mini.yaml.")]
Out = Annotated[str | None, typer.Option(help="Where results are: a path or s3://...; results/<name> if not given.")]


def main() -> None:
    """Run the command line: bad input is one message on stderr and exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"bnsweep: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)


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
) -> None:
    """Run the trials that are missing; again after an interruption or an edit, and only what is new runs."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        failed = _run(sweep_file, out, executor, address)
    except KeyboardInterrupt:
        typer.echo("interrupted; what was committed is kept; the same command continues")
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(1 if failed else 0)


def _run(sweep_file: Path, out: str | None, executor: str, address: str | None) -> bool:
    """Run a sweep and say how it went; return whether trials failed."""
    from rich.console import Console

    from bnsweep import run as running
    from bnsweep.executors import EXECUTORS, make_executor
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
    console.print(f"{sweep.name}: {planned.num_done} of {len(sweep.trials)} trials done, {len(planned.missing)} to run")
    for note in prepared.notes:
        console.print(note)
    with Progress(console) as progress:
        failed = running.run(prepared, chosen, progress.start)
    if failed:
        console.print(f"{len(failed)} trials failed; see {store.path('failures')}; the same command tries them again")
    else:
        console.print(f"all {len(sweep.trials)} trials have a result in {store.root}")
    return bool(failed)


@app.command()
def report(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="Where a run left its results.")],
    out: Annotated[str | None, typer.Option(help="Where the report goes; DIR/report if not given.")] = None,
) -> None:
    """Write index.html, with each figure as PNG, SVG and CSV beside it."""
    from analysis.report import write_report

    typer.echo(f"report: {write_report(directory, out)}")


@app.command()
def doctor() -> None:
    """Say what this machine has and what it lacks."""
    from bnsweep.doctor import examine

    findings = examine()
    for finding in findings:
        typer.echo(f"{'ok     ' if finding.ok else 'lacking'}  {finding.what}: {finding.found}")
    if not all(finding.ok or finding.optional for finding in findings):
        raise typer.Exit(1)
