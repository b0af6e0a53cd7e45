"""What every command shares: the application, and the arguments that several commands take."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import Annotated

import typer

from bnsweep import __version__
from bnsweep.cli.completion import cluster_files, results_directories, settings, sweep_files
from bnsweep.running.gc_tuning import freeze_gc, raise_gc_thresholds

app = typer.Typer(
    name="bnsweep",
    help="How robust is training to its hyperparameters under each normalization mode, and why?",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)

INTERRUPTED = 130
SweepFile = Annotated[
    Path,
    typer.Argument(metavar="SWEEP", help="The sweep file, such as sweeps/mini.yaml.", autocompletion=sweep_files),
]
ResultsDir = Annotated[
    str,
    typer.Argument(metavar="DIR", help="Where a run left its results: its --out.", autocompletion=results_directories),
]
Out = Annotated[str | None, typer.Option(help="Where results are: a path or s3://...; results/<name> if not given.")]
Extend = Annotated[
    bool,
    typer.Option("--extend", help="Add to another sweep's directory; its report then shows this sweep's trials."),
]
MaxHours = Annotated[float | None, typer.Option(min=0, help="Refuse a sweep that takes longer than so many hours.")]
HoursToRun = Annotated[
    float | None,
    typer.Option("--max-hours", min=0, help="End in good order after so many hours; the same command continues."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a field of the sweep file. ~KEY: leave it out.",
        autocompletion=settings,
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="The file of `ray up`; the head is reached by SSH.", autocompletion=cluster_files
    ),
]
CheckpointMinutes = Annotated[
    float, typer.Option(min=0, help="How often a trial that takes long is saved, to continue from there.")
]


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
    raise_gc_thresholds()
    atexit.register(freeze_gc)  # else the interpreter takes a second for it, at its end
