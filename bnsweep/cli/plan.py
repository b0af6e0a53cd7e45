"""`plan`: what a run would do, and what it would take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bnsweep.cli.app import Cluster, Extend, MaxHours, Out, Settings, SweepFile, app
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from bnsweep.results import Store
    from bnsweep.running.plan import Plan
    from bnsweep.running.prices.price import Price
    from bnsweep.spec.sweep import Sweep


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
    from bnsweep.results import Store
    from bnsweep.running.cpu_lease import free_cpus
    from bnsweep.running.plan import Plan
    from bnsweep.spec.sweep import Sweep

    if not timing and (max_hours is not None or price is not None):
        raise InputError("--no-timing: goes without --max-hours and --price; leave one or the other out")
    if cluster or "://" in (address or ""):
        options = {"--workers": workers, "--price": price, "--max-hours": max_hours, "--set": settings}
        _plan_there(sweep_file, out, cluster, address, options, extend=extend, timing=timing)
        return
    sweep = Sweep.from_yaml(sweep_file, settings or ())
    store = Store.open(out or f"results/{sweep.name}")
    store.check_writable()
    planned = Plan.of(sweep, store)
    total, missing = len(sweep.trials), planned.missing
    typer.echo(f"{sweep.name}: {total} trials declared, {planned.num_done} done, {len(missing)} missing")
    (one_each, counts), (declared, _) = missing.distinct("norm"), sweep.trials.distinct("norm")
    missing_of = dict(zip((spec.norm for spec in one_each), counts, strict=True))
    for norm in (spec.norm for spec in declared if spec.norm in missing_of):
        typer.echo(f"  missing of norm {norm}: {missing_of[norm]}")
    if not extend and (others := planned.other_sweeps_trials()):
        typer.echo(f"{store.root}: {others}")
    elif planned.undeclared:
        typer.echo(
            f"{len(planned.undeclared)} stored trials are not declared by {sweep_file}; "
            "they stay, and the report leaves them out"
        )
    typer.echo(f"results: {store.root}")
    if timing and missing:
        found = _price(sweep, store, planned, address, must_be_known=max_hours is not None)
        if found and not (address or sweep.resources.gpus):
            lease = free_cpus(sweep.resources.cpus, workers)
            for note in lease.notes():
                typer.echo(note)
            workers = workers or lease.workers
        if found:
            _print_price(found, workers, price, max_hours)


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


def _price(sweep: Sweep, store: Store, planned: Plan, address: str | None, *, must_be_known: bool) -> Price | None:
    """Return the price of the missing trials; None, and say why, where this machine cannot time them."""
    from bnsweep.running.prices import price_sweep, why_untimed

    if address:
        from bnsweep.executors import make_executor
        from bnsweep.executors.ray_tune_prices import price_on_cluster

        with make_executor("ray", address):
            typer.echo("timing on the cluster, on a machine of its own; one may have to come up first, in minutes")
            return price_on_cluster(sweep, store, planned.missing, typer.echo)
    if reason := why_untimed(sweep.resources):
        if must_be_known:
            raise InputError(f"--max-hours: cannot be checked here, {reason}; plan where the sweep will run")
        typer.echo(f"not timed: {reason}")
        return None
    return price_sweep(sweep, store, planned.missing)


def _print_price(price: Price, workers: int | None, hourly: float | None, max_hours: float | None) -> None:
    for line in price.lines(workers or price.workers_here, hourly):
        typer.echo(line)
    if max_hours is not None:
        price.require_at_most(max_hours, workers or price.workers_here)
