"""`plan`: what a run would do, and what it would take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bnsweep.cli.app import Extend, MaxHours, Out, SweepFile, app
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from bnsweep.results import Store
    from bnsweep.running.plan import Plan
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
) -> None:
    """Say what `run` would do: trials declared, done and missing, and what they take. Writes no results."""
    from bnsweep.results import Store
    from bnsweep.running.plan import Plan
    from bnsweep.spec.sweep import Sweep

    if not timing and (max_hours is not None or price is not None):
        raise InputError("--no-timing: goes without --max-hours and --price; leave one or the other out")
    sweep = Sweep.from_yaml(sweep_file)
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
        _print_price(sweep, store, planned, workers, price, max_hours)


def _print_price(
    sweep: Sweep, store: Store, planned: Plan, workers: int | None, hourly: float | None, max_hours: float | None
) -> None:
    from bnsweep.running.prices import price_sweep, why_untimed

    if reason := why_untimed(sweep.resources):
        if max_hours is not None:
            raise InputError(f"--max-hours: cannot be checked here, {reason}; plan where the sweep will run")
        typer.echo(f"not timed: {reason}")
        return
    price = price_sweep(sweep, store, planned.missing)
    for line in price.lines(workers or price.workers_here, hourly):
        typer.echo(line)
    if max_hours is not None:
        price.require_at_most(max_hours, workers or price.workers_here)
