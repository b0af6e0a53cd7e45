"""The price as `bnsweep plan` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bnsweep.running.prices.price import Price


def lines(price: Price, workers: int, hourly: float | None = None) -> Iterator[str]:
    """Yield the lines for so many workers; with what it costs, where the price of an hour is given."""
    timed = f"{price.num_timed} of {price.num_kinds} kinds of trials timed, {price.at_once} at once"
    yield f"a trial that does not diverge takes {price.work_s / price.num_trials:.3g} s ({timed})"
    for count in dict.fromkeys((price.workers_here, workers)):
        where = ", as many as fit here" if count == price.workers_here else " like these"
        time, start = (timedelta(seconds=round(seconds)) for seconds in (price.wall_s(count), price.start_s))
        yield f"time on {count} workers{where}: {time}, of which {start} to start; less where trials diverge"
    held = f"{price.worker_hours(workers):.3g} worker-hours, {price.gpu_hours(workers):.3g} GPU-hours"
    yield f"on {workers} workers: {held}"
    if hourly is not None:
        unit = "GPU-hour" if price.gpus else "worker-hour"
        yield f"money: {price.money(workers, hourly):.2f}, at {hourly:g} per {unit}"
    num_bytes, num_files = price.parquet(workers)
    yield f"Parquet: {num_bytes / 1e6:.3g} MB in {num_files} files, before `bnsweep compact`"
