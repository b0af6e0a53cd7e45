"""`fetch`: what a sweep on a cluster has committed, brought to this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from bnsweep.cli.app import Cluster, app
from bnsweep.cli.jobs import Address
from bnsweep.errors import InputError


@app.command()
def fetch(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="Where to: a path on this machine.")],
    job: Annotated[
        str | None, typer.Option(metavar="JOB", help="Of which job; the last submitted if not given.")
    ] = None,
    cluster: Cluster = None,
    address: Address = None,
) -> None:
    """Bring what a sweep has committed so far to this machine, also while it runs; again, and what is new comes.

    `report`, `failures` and `compare` then read DIR. What is there already is not brought again.
    """
    from bnsweep.cli.meanwhile import Meanwhile
    from bnsweep.jobs.client import job_server
    from bnsweep.jobs.results import job_to_fetch, results_of
    from bnsweep.jobs.status import status_lines
    from bnsweep.results import Store
    from bnsweep.results.mirror import update
    from bnsweep.running.progress_file import PROGRESS
    from bnsweep.running.record import ASKED

    copy = Store.open(directory)
    if not copy.is_local:
        raise InputError(f"{directory}: not on this machine; give a path")
    copy.check_writable()
    with job_server(cluster, address) as client:
        found = job_to_fetch(client, job)
        with Meanwhile() as say:
            brought = update(copy, results_of(client, found), [PROGRESS, ASKED], is_over=found.has_ended, say=say)
        (line,) = status_lines([found], lambda _: copy.files)
    typer.echo(line)
    typer.echo(f"{copy.root}: {brought.commits} commits are new ({brought.bytes / 1e6:.1f} MB)")
    typer.echo(f"bnsweep report '{directory}' --out report")
