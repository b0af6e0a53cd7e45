"""`plan`: what a run would do, and what it would take."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from bnsweep.api.arguments import check_arguments
from bnsweep.api.judging import open_modes
from bnsweep.api.sweeps import SweepLike, as_sweep, directory_of
from bnsweep.copies import require_copies
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.running.cpu_lease import free_cpus
from bnsweep.running.own_code import check_own_code
from bnsweep.running.plan import Plan
from bnsweep.running.prices.price import Price
from bnsweep.running.pruning import share_of_steps
from bnsweep.running.searching import asked, in_words
from bnsweep.spec.grid import Grid
from bnsweep.spec.listed import Trials
from bnsweep.spec.search import GRID
from bnsweep.spec.sweep import Sweep


@dataclass(frozen=True)
class SweepPlan:
    """What a run would do; shown as the lines that `bnsweep plan` prints."""

    directory: str
    """Where results go."""
    num_trials: int
    """How many trials are declared."""
    num_done: int
    """How many of them have a result."""
    missing: Trials
    """Those that have none: a sequence of trials."""
    price: Price | None
    """What they take; None where nothing is missing or was timed."""
    lines: tuple[str, ...]
    """All of it in words."""

    def __repr__(self) -> str:
        return "\n".join(self.lines)


def plan(
    sweep: SweepLike,
    out: str | os.PathLike[str] | None = None,
    *,
    workers: int | None = None,
    price: float | None = None,
    max_hours: float | None = None,
    extend: bool = False,
    timing: bool = True,
    address: str | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> SweepPlan:
    """Say what `run` would do: trials declared, done and missing, and what they take. Writes no results.

    >>> import bnsweep
    >>> sweep = {"name": "widths", "model": {"name": "mlp", "widths": [8]}, "dataset": {"name": "digits"},
    ...          "axes": {"lr": [0.1, 1.0], "seed": {"range": 2}}}
    >>> bnsweep.plan(sweep, timing=False)  # doctest: +ELLIPSIS
    widths: 4 trials declared, 0 done, 4 missing
      missing of norm none: 4
    results: .../results/widths

    Args:
        sweep: it, the path of its file, or what that says.
        out: where results are, a path or a URI; results/<name> if not given.
        workers: how many to plan for; as many as fit here if not given.
        price: money for an hour of a GPU, or of a worker without.
        max_hours: refuse a sweep that takes longer.
        extend: whether it may be another sweep's directory.
        timing: whether to time a few steps of each kind of trial, in a process of its own, some 20 s at most.
        address: of a Ray cluster that this machine is part of, auto or host:port, to time on.
        say: told each line as soon as it is known.

    Raises:
        InputError: an impossible sweep, one that takes too long, options that do not go together.
    """
    check_arguments(workers=workers, price=price, max_hours=max_hours, extend=extend, timing=timing)
    require_timing(timing, price, max_hours)
    whole = as_sweep(sweep)
    store = Store.open(directory_of(whole, out))
    store.check_writable()
    require_copies(whole.log_to, store)
    search = asked(whole, store, judge=open_modes) if whole.search != GRID else None
    declared = whole if search is None else replace(whole, trials=search.trials)
    planned, lines = Plan.of(declared, store), list[str]()

    def tell(line: str) -> None:
        lines.append(line)
        say(line)

    check_own_code(planned.missing)
    _tell_counts(declared, store, planned, tell, extend=extend)
    if search is not None:
        tell(in_words(whole, search))
    found = None
    if timing and planned.missing:
        found = _price(declared, store, planned, address, tell, must_be_known=max_hours is not None)
    if found and isinstance(planned.missing, Grid) and whole.pruner:
        share = share_of_steps(whole.pruner, planned.missing)
        found = replace(found, work_s=found.work_s * share, share=share)
    if found:
        if not (address or declared.resources.gpus):
            lease = free_cpus(declared.resources.cpus, workers)
            for note in lease.notes():
                tell(note)
            workers = workers or lease.workers
        _tell_price(found, workers, price, max_hours, tell)
        if search is not None and search.end is None and whole.search.goes_by_results:
            tell("that is what these trials take; what the search asks for after them, their results decide")
    return SweepPlan(store.root, len(declared.trials), planned.num_done, planned.missing, found, tuple(lines))


def require_timing(timing: bool, price: float | None, max_hours: float | None) -> None:
    """Raise `InputError` where nothing is timed and what rests on that is asked for."""
    if not timing and (max_hours is not None or price is not None):
        raise InputError("--no-timing: goes without --max-hours and --price; leave one or the other out")


def _tell_counts(sweep: Sweep, store: Store, planned: Plan, tell: Callable[[str], None], *, extend: bool) -> None:
    total, missing = len(sweep.trials), planned.missing
    what = "declared" if sweep.search == GRID else "asked for so far"
    tell(f"{sweep.name}: {total} trials {what}, {planned.num_done} done, {len(missing)} missing")
    (one_each, counts), (declared, _) = missing.distinct("norm"), sweep.trials.distinct("norm")
    missing_of = dict(zip((spec.norm for spec in one_each), counts, strict=True))
    for norm in (spec.norm for spec in declared if spec.norm in missing_of):
        tell(f"  missing of norm {norm}: {missing_of[norm]}")
    if not extend and (others := planned.other_sweeps_trials()):
        tell(f"{store.root}: {others}")
    for note in planned.notes(sweep, store, extend=extend):
        tell(note)
    tell(f"results: {store.root}")


def _price(
    sweep: Sweep, store: Store, planned: Plan, address: str | None, tell: Callable[[str], None], *, must_be_known: bool
) -> Price | None:
    """Return the price of the missing trials; None, and say why, where this machine cannot time them."""
    from bnsweep.running.prices import price_sweep, why_untimed

    if address:
        from bnsweep.executors import make_executor
        from bnsweep.executors.ray_tune_prices import price_on_cluster

        with make_executor("ray", address):
            tell("timing on the cluster, on a machine of its own; one may have to come up first, in minutes")
            return price_on_cluster(sweep, store, planned.missing, tell)
    if reason := why_untimed(sweep.resources):
        if must_be_known:
            raise InputError(f"--max-hours: cannot be checked here, {reason}; plan where the sweep will run")
        tell(f"not timed: {reason}")
        return None
    return price_sweep(sweep, store, planned.missing)


def _tell_price(
    price: Price, workers: int | None, hourly: float | None, max_hours: float | None, tell: Callable[[str], None]
) -> None:
    for line in price.lines(workers or price.workers_here, hourly):
        tell(line)
    if max_hours is not None:
        price.require_at_most(max_hours, workers or price.workers_here)
