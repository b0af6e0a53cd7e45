"""`submit`, `status`, `logs` and `stop`: sweeps on a remote cluster."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bnsweep.cli.app import INTERRUPTED, CheckpointMinutes, Cluster, Extend, HoursToRun, SweepFile, app
from bnsweep.cli.ls import ls

Address = Annotated[str | None, typer.Option(metavar="URL", help="The dashboard, such as http://127.0.0.1:8265.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The id that `submit` printed, or its beginning.")]


@app.command()
def submit(
    sweep_file: SweepFile,
    out: Annotated[
        str | None,
        typer.Option(help="Where results go: s3://bucket/folder, or a path on the head; results/<name> if not given."),
    ] = None,
    cluster: Cluster = None,
    address: Address = None,
    checkpoint_minutes: CheckpointMinutes = 10.0,
    max_hours: HoursToRun = None,
    extend: Extend = False,
    check: Annotated[bool, typer.Option(help="Write to the bucket from here, before anything is uploaded.")] = True,
) -> None:
    """Run a sweep on a cluster, with the code in this directory; submit it again to continue.

    A sweep that runs there, and of whose file more trials were made, is given them.

    Returns as soon as the cluster has the job, which does not need this machine any more.
    """
    from bnsweep.jobs.client import job_server
    from bnsweep.jobs.place import is_on_head
    from bnsweep.jobs.submit import Submission
    from bnsweep.jobs.widen import difference, live_job, widen

    submission = Submission.checked(sweep_file, out, checkpoint_minutes, extend=extend, max_hours=max_hours)
    typer.echo(f"{submission.sweep.name}: {submission.trials_in_words()}")
    with job_server(cluster, address) as client:
        live = live_job(client, submission)
        differs = difference(client, submission, live) if live else None
        if live and differs and differs.is_more and widen(client, submission, live, Path.cwd()):
            typer.echo(f"job {live.id} was given {differs.new} more trials")
            return
        submission.check_unused(client, differs.in_words() if differs else "")
        if check:
            submission.check_place()
        job_id = submission.send(client, Path.cwd())
    where = f"--cluster {cluster}" if cluster else f"--address {address}"
    typer.echo(f"submitted: {job_id}")
    typer.echo(f"bnsweep status {job_id} {where}    shows its progress; also: logs -f, stop")
    if is_on_head(submission.out):
        typer.echo(
            f"bnsweep fetch DIR {where}    brings results from {submission.out} on the head, also before it ends"
        )
    else:
        typer.echo(f"bnsweep report '{submission.out}' --out report    at any time, also before it ends")


@app.command()
def status(
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="One job; all if not given.")] = None,
    cluster: Cluster = None,
    address: Address = None,
) -> None:
    """Show of each sweep of a cluster whether it runs, how many trials are done, diverged and failed, and the ETA.

    Without a cluster the same of the runs on this machine, as `ls` does; JOB is a results directory then.
    """
    if not (cluster or address):
        ls(Path(job or "results"))
        return
    from bnsweep.jobs.client import job_server
    from bnsweep.jobs.listing import find_job, list_jobs
    from bnsweep.jobs.results import results_of
    from bnsweep.jobs.status import status_lines

    with job_server(cluster, address) as client:
        jobs = [find_job(client, job)] if job else list_jobs(client)
        lines = status_lines(jobs, partial(results_of, client))
    for line in lines:
        typer.echo(line)
    if not jobs:
        typer.echo("no sweep was submitted to this cluster")


@app.command()
def logs(
    job: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print until the job ends.")] = False,
    cluster: Cluster = None,
    address: Address = None,
) -> None:
    """Print the output of a job."""
    from bnsweep.jobs.client import job_server
    from bnsweep.jobs.listing import find_job

    with job_server(cluster, address) as client:
        job_id = find_job(client, job).id
        if not follow:
            typer.echo(client.get_job_logs(job_id), nl=False)
            return

        async def print_all() -> None:
            async for text in client.tail_job_logs(job_id):
                typer.echo(text, nl=False)

        is_detached = False
        try:
            asyncio.run(print_all())
        except KeyboardInterrupt:
            is_detached = True
    if is_detached:
        typer.echo(f"{job_id} still runs; `bnsweep stop {job_id}` ends it")
        raise typer.Exit(INTERRUPTED)


@app.command()
def stop(job: JobId, cluster: Cluster = None, address: Address = None) -> None:
    """End a job gracefully: what finished is committed, and submitting again continues."""
    from bnsweep.jobs.client import job_server
    from bnsweep.jobs.listing import find_job
    from bnsweep.jobs.results import results_of
    from bnsweep.jobs.status import status_lines
    from bnsweep.jobs.stop import stop as stop_job

    with job_server(cluster, address) as client:
        found = find_job(client, job)
        if found.has_ended:
            typer.echo(f"{found.id}: has already ended")
        else:
            typer.echo(f"{found.id}: stopping; what finished is committed first")
            found = stop_job(client, found)
        (line,) = status_lines([found], partial(results_of, client))
    typer.echo(line)
    is_done = found.status == "SUCCEEDED"
    typer.echo(f"results are kept in {found.out}" + ("" if is_done else "; submit the sweep again to continue"))
