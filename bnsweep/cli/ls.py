"""`ls`: the results on this machine, and what runs into them are doing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnsweep.cli.app import app
from bnsweep.cli.completion import results_directories

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="[DIR]", help="A results directory, or one with several.", autocompletion=results_directories
    ),
]


@app.command()
def ls(folder: Folder = Path("results")) -> None:
    """Show of each results directory how many trials have a result, and whether a run is at work; from any shell."""
    from bnsweep.running.runs_here import runs_in

    for run in runs_in(folder):
        typer.echo(run.line)
