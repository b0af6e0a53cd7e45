"""`plan`: what a run would do, and what it would take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bnsweep.cli.app import Cluster, Extend, MaxHours, Out, Settings, SweepFile, app
from bnsweep.errors import InputError


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
    extend: Extend = False,
    timing: Annotated[bool, typer.Option(help="Time a few steps of each kind of trial, some 20 s at most.")] = True,
    cluster: Cluster = None,
    address: Annotated[
        str | None,
        typer.Option(
            help="Time on a cluster that this machine is part of, auto or host:port; or on one elsewhere, by URL."
        ),
    ] = None,
    settings: Settings = None,
) -> None:
    """Say what `run` would do: trials declared, done and missing, and what they take. Writes no results.

    With --cluster, or the URL of a dashboard as --address: what `submit` would do, timed on a machine of the cluster.
    """
    from bnsweep.api.planning import plan as plan_here
    from bnsweep.api.planning import require_timing
    from bnsweep.spec.sweep import Sweep

    if cluster or "://" in (address or ""):
        require_timing(timing, price, max_hours)
        options = {"--workers": workers, "--price": price, "--max-hours": max_hours, "--set": settings}
        _plan_there(sweep_file, out, cluster, address, options, extend=extend, timing=timing)
        return
    plan_here(
        Sweep.from_yaml(sweep_file, settings or ()),
        out,
        workers=workers,
        price=price,
        max_hours=max_hours,
        extend=extend,
        timing=timing,
        address=address,
        say=typer.echo,
    )


def _plan_there(
    sweep_file: Path,
    out: str | None,
    cluster: str | None,
    address: str | None,
    options: dict[str, float | list[str] | None],
    *,
    extend: bool,
    timing: bool,
) -> None:
    from bnsweep.jobs.client import job_server
    from bnsweep.jobs.command import run_there
    from bnsweep.jobs.submit import Submission

    if options.pop("--set"):
        raise InputError("--set: goes with a plan for this machine alone; edit the sweep file for a cluster")
    submission = Submission.checked(sweep_file, out, 0.0)
    given = [word for name, value in options.items() if value is not None for word in (name, f"{value:g}")]
    given += [*(["--extend"] if extend else []), *([] if timing else ["--no-timing"])]
    with job_server(cluster, address) as client:
        run_there(client, submission, Path.cwd(), "plan", given, typer.echo)
