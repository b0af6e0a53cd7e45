"""`submit`, `status`, `logs` and `stop`: sweeps on a cluster elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bnsweep.cli.app import INTERRUPTED, CheckpointMinutes, SweepFile, app

Cluster = Annotated[str | None, typer.Option(metavar="FILE", help="The file of `ray up`; the head is reached by SSH.")]
Address = Annotated[str | None, typer.Option(metavar="URL", help="The dashboard, such as http://127.0.0.1:8265.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="What `submit` printed, or how it begins.")]


@app.command()
def submit(
    sweep_file: SweepFile,
    out: Annotated[str, typer.Option(help="Where results go: s3://bucket/folder; the nodes share no disk.")],
    cluster: Cluster = None,
    address: Address = None,
    checkpoint_minutes: CheckpointMinutes = 10.0,
) -> None:
    """Run a sweep on a cluster, with the code of this directory; again later, and it continues.

    Ends as soon as the cluster has the job, which goes on without this machine.
    """
    from bnsweep.jobs.client import job_server
    from bnsweep.jobs.submit import Submission

    submission = Submission.checked(sweep_file, out, checkpoint_minutes)
    typer.echo(f"{submission.sweep.name}: {len(submission.sweep.trials)} trials declared")
    with job_server(cluster, address) as client:
        job_id = submission.send(client, Path.cwd())
    where = f"--cluster {cluster}" if cluster else f"--address {address}"
    typer.echo(f"submitted: {job_id}")
    typer.echo(f"bnsweep status {job_id} {where}    how far it is; also: logs -f, stop")
    typer.echo(f"bnsweep report '{out}' --out report    any time, also before it ends")


@app.command()
def status(
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="One job; all if not given.")] = None,
    cluster: Cluster = None,
    address: Address = None,
) -> None:
    """Say of each sweep of a cluster whether it runs, how many trials are done, diverged and failed, and the ETA."""
    from bnsweep.jobs.client import job_server
    from bnsweep.jobs.state import find_job, jobs

    with job_server(cluster, address) as client:
        known = [find_job(client, job)] if job else jobs(client)
        for each in known:
            typer.echo(each.line(client.get_job_logs(each.id)))
    if not known:
        typer.echo("no sweep was submitted to this cluster")


@app.command()
def logs(
    job: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
    cluster: Cluster = None,
    address: Address = None,
) -> None:
    """Print what a job has printed."""
    from bnsweep.jobs.client import job_server
    from bnsweep.jobs.state import find_job

    with job_server(cluster, address) as client:
        job_id = find_job(client, job).id
        if not follow:
            typer.echo(client.get_job_logs(job_id), nl=False)
            return

        async def print_all() -> None:
            async for text in client.tail_job_logs(job_id):
                typer.echo(text, nl=False)

        is_left = False
        try:
            asyncio.run(print_all())
        except KeyboardInterrupt:
            is_left = True
    if is_left:
        typer.echo(f"{job_id} goes on; `bnsweep stop {job_id}` ends it")
        raise typer.Exit(INTERRUPTED)


@app.command()
def stop(job: JobId, cluster: Cluster = None, address: Address = None) -> None:
    """End a job in good order: what finished is committed, and submitting again continues."""
    from bnsweep.jobs.client import job_server
    from bnsweep.jobs.state import find_job
    from bnsweep.jobs.stop import stop as stop_job

    with job_server(cluster, address) as client:
        found = find_job(client, job)
        if found.is_active:
            typer.echo(f"{found.id}: stopping; what finished is committed first")
            found = stop_job(client, found)
        else:
            typer.echo(f"{found.id}: has ended before")
        typer.echo(found.line(client.get_job_logs(found.id)))
        typer.echo(f"kept in {found.out}; submit the sweep again to continue")
