"""Where the results of a job go: to object storage, or to the disk of the cluster's head."""

from __future__ import annotations

import hashlib
import posixpath
import re
from urllib.parse import parse_qs, urlsplit

from bnsweep.errors import InputError, did_you_mean

HEAD_FOLDER = "~/bnsweep"
"""What a path is relative to: the driver's own directory is one of Ray's, and goes with the job."""
WITH_DATA = f"mkdir -p {HEAD_FOLDER}/data && ln -sfn {HEAD_FOLDER}/data data; "
"""Before a command that runs on the head: the same relative paths lead to data there, which no job's code brings."""
SCHEMES = ("abfs", "abfss", "az", "gcs", "gs", "s3")


def place_of(out: str) -> str:
    """Return where results go, given `--out`: a URI as it is, a path as one on the head.

    >>> place_of("results/mini"), place_of("/data/mini/"), place_of("s3://bucket/mini")
    ('~/bnsweep/results/mini', '/data/mini', 's3://bucket/mini')

    Raises:
        InputError: such a place cannot be had.
    """
    scheme, separator, _ = out.partition("://")
    if not separator:
        return posixpath.normpath(out if out.startswith("~") else posixpath.join(HEAD_FOLDER, out))
    if scheme == "file":
        raise InputError(f"--out {out}: give the path alone for the disk of the cluster's head, or s3://bucket/folder")
    if scheme not in SCHEMES:
        raise InputError(f"--out {out}: unknown kind of storage '{scheme}'; {did_you_mean(scheme, SCHEMES)}")
    return out


def is_on_head(place: str) -> bool:
    """Return whether a job's results are on the disk of the cluster's head."""
    return "://" not in place


def same_place(place: str) -> str:
    """Return what is the same for all ways to write a place, and has no credentials.

    >>> same_place("s3://key:secret@bucket/mini/?scheme=http"), same_place("~/bnsweep/results/mini")
    ('s3://bucket/mini?', '~/bnsweep/results/mini')
    """
    if is_on_head(place):
        return place
    parts = urlsplit(place)
    endpoint = "".join(parse_qs(parts.query).get("endpoint_override", []))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}?{endpoint}"


def job_name(place: str, turn: int) -> str:
    """Return the id of the `turn`th job into a place, from 1 on: the same for whoever submits at this moment.

    >>> job_name("s3://bucket/mini", 1), job_name("s3://bucket/mini", 2)
    ('mini-e7b27625', 'mini-e7b27625-2')
    """
    key = same_place(place)
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", posixpath.basename(key.partition("?")[0])).strip("-") or "sweep"
    number = "" if turn == 1 else f"-{turn}"
    return f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}{number}"
