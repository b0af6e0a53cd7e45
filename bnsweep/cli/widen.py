"""`widen`: what `submit` runs on the head for a sweep file that declares more than the run that goes on there."""

from __future__ import annotations

from typing import Annotated

import typer

from bnsweep.cli.app import SweepFile, app


@app.command(hidden=True)
def widen(
    sweep_file: SweepFile,
    out: Annotated[str, typer.Option(help="Where the run that goes on writes to.")],
    address: Annotated[str, typer.Option(help="Of the Ray cluster that it is on.")] = "auto",
) -> None:
    """Give a run that goes on the trials that it does not have yet."""
    from bnsweep.executors import make_executor
    from bnsweep.results import Store
    from bnsweep.running.plan import Plan
    from bnsweep.running.prepare import prepare
    from bnsweep.spec.sweep import Sweep

    sweep, store = Sweep.from_yaml(sweep_file), Store.open(out)
    prepare(sweep, store, Plan.of(sweep, store))  # what cannot be built is said here
    with make_executor("ray", address):
        from bnsweep.executors.ray_tune_coordinator import widen_run

        typer.echo(f"{sweep.name}: {widen_run(sweep, store.root).added} more trials")
