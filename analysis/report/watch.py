"""`bnsweep report --watch`: the report written anew as trials come in."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path

from analysis.loading import Results, load
from analysis.report.coverage import coverage
from analysis.report.output_directory import report_directory
from analysis.report.page import stop_refreshing, write_page
from bnsweep.errors import StoreError
from bnsweep.results import Store


def watch(
    directory: str | os.PathLike[str],
    out: str | os.PathLike[str] | None,
    every_s: float,
    say: Callable[[str], object],
    meanwhile: Callable[[str], object] = lambda _: None,
) -> None:
    """Write the report whenever trials/ has changed, looking every `every_s` seconds, until every trial is done.

    Until then the page reloads itself. Interrupted, it leaves the last page, which then no longer does. `say` is told
    what was done, and `meanwhile` what is under way, "" where nothing is.

    Raises:
        InputError: as `write_report`, but for a directory without a finished trial, which is waited for.
    """
    target = report_directory(directory, out)
    try:
        _watch(directory, target, every_s, say, meanwhile)
    except KeyboardInterrupt:
        stop_refreshing(target)
        raise


def _watch(
    directory: str | os.PathLike[str],
    target: Path,
    every_s: float,
    say: Callable[[str], object],
    meanwhile: Callable[[str], object],
) -> None:
    store = Store.open(directory)
    seen: frozenset[str] | None = None
    problem = ""
    while True:
        batches = store.commits()
        if not batches and store.is_there():
            if seen is None:
                say(f"waiting for the first trial in {store.root}")
            seen = batches
        elif batches != seen:
            try:
                meanwhile(f"loading {store.root}")
                is_done = _write(load(directory), target, os.fspath(directory), every_s, say, meanwhile)
            except StoreError as error:  # files are being replaced or out of reach, or the disk is full
                if str(error) != problem:
                    say(f"{error}; trying again")
                problem = str(error)
            else:
                if is_done:
                    return
                seen, problem = batches, ""
            finally:
                meanwhile("")
        time.sleep(every_s)


def _write(
    results: Results,
    target: Path,
    source: str,
    every_s: float,
    say: Callable[[str], object],
    meanwhile: Callable[[str], object],
) -> bool:
    """Write the report; return whether every declared trial is done, so that the page need not reload."""
    is_done = not results.missing and (results.search is None or results.search["end"] is not None)
    page = write_page(results, target, source, None if is_done else max(1, math.ceil(every_s)), meanwhile)
    count = coverage(results)
    say(f"report: {page} ({count['done']} of {count['declared']} trials done)")
    return is_done
