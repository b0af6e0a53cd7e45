"""What is done with results: `report`, `compare`, `failures`, `verify`, `compact`, `repro`; and `doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bnsweep.api.own_analysis import import_own_analysis
from bnsweep.cli.app import INTERRUPTED, ResultsDir, app
from bnsweep.cli.completion import results_directories
from bnsweep.cli.output import line_width

if TYPE_CHECKING:
    from bnsweep.cli.maintenance import MaintenanceResult


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
    import_own_analysis()
    if watch:
        _watch(directory, out, every)
        return
    from analysis.report import write_report
    from bnsweep.cli.meanwhile import Meanwhile

    with Meanwhile() as say:
        page = write_report(directory, out, say)
    typer.echo(f"report: {page}")


def _watch(directory: str, out: str | None, every_s: float) -> None:
    from analysis.report.watch import watch
    from bnsweep.cli.meanwhile import Meanwhile

    try:
        with Meanwhile() as meanwhile:
            watch(directory, out, every_s, typer.echo, meanwhile)
    except KeyboardInterrupt:
        typer.echo("interrupted; the last report is kept")
        raise typer.Exit(INTERRUPTED) from None


@app.command()
def compare(
    directories: Annotated[
        list[str],
        typer.Argument(metavar="DIR DIR...", help="The --out of two runs or more.", autocompletion=results_directories),
    ],
    out: Annotated[str, typer.Option(help="The directory that the page goes to.")] = "comparison",
) -> None:
    """Set sweeps side by side: how robust each mode is in each, and what the sweeps differ in."""
    import_own_analysis()
    from analysis.comparison import compare, comparison_text, write_comparison
    from bnsweep.cli.meanwhile import Meanwhile

    with Meanwhile() as say:
        comparison = compare(directories, say)
    typer.echo(comparison_text(comparison))
    typer.echo(f"\ncomparison: {write_comparison(comparison, out)}")


@app.command()
def verify(
    directory: ResultsDir,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
) -> None:
    """Check every file and row of DIR against the sweep file and the commits; exit code 1 if there are problems."""
    from bnsweep.cli.maintenance import verify_directory
    from bnsweep.cli.meanwhile import Meanwhile

    with Meanwhile() as say:
        result = verify_directory(directory, repair=repair, say=say)
    _finish(result)


@app.command()
def failures(
    directory: ResultsDir,
    key: Annotated[str | None, typer.Argument(metavar="[KEY]", help="A trial_key, or how one begins.")] = None,
    with_succeeded: Annotated[
        bool, typer.Option("--all", help="Also the trials that failed before and have a result now.")
    ] = False,
    is_full: Annotated[bool, typer.Option("--full", help="All about each, with its traceback.")] = False,
) -> None:
    """Show which trials of DIR failed and why, the latest last; with a KEY all about one, and the end of its log.

    Each comes with the command that runs it again, on its own in this process.
    """
    from bnsweep.cli.failures import details, overview
    from bnsweep.cli.maintenance import existing_results

    store = existing_results(directory)
    if key is not None:
        lines = details(store, key, directory)
    else:
        lines = overview(store, directory, line_width(), with_succeeded=with_succeeded, is_full=is_full)
    for line in lines:
        typer.echo(line)


@app.command()
def compact(directory: ResultsDir) -> None:
    """Make the many small files of DIR a few large ones; they read faster and hold the same rows."""
    from bnsweep.cli.maintenance import compact_directory
    from bnsweep.cli.meanwhile import Meanwhile

    with Meanwhile() as say:
        result = compact_directory(directory, say)
    _finish(result)


def _finish(result: MaintenanceResult) -> None:
    for line in result.lines:
        typer.echo(line)
    raise typer.Exit(result.exit_code)


@app.command()
def repro(
    directory: ResultsDir,
    key: Annotated[str, typer.Argument(metavar="KEY", help="A trial_key, or how one begins.")],
) -> None:
    """Run one trial of DIR again, on its own, and compare; exit code 1 if a bit differs.

    One that failed, of which there is nothing to compare, is run to see why: exit code 1 if it fails again.
    """
    from bnsweep.cli.maintenance import existing_results
    from bnsweep.cli.repro import reproduce

    again = reproduce(existing_results(directory), key)
    for line in again.lines():
        typer.echo(line)
    raise typer.Exit(0 if again.is_well else 1)


@app.command()
def doctor() -> None:
    """Say what this machine has and what it lacks."""
    from bnsweep.cli.doctor import examine

    checks = examine()
    for check in checks:
        typer.echo(f"{'ok     ' if check.ok else 'lacking'}  {check.what}: {check.found}")
    if not all(check.ok or check.optional for check in checks):
        raise typer.Exit(1)
