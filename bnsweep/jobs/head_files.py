"""Results on the disk of the cluster's head, read through its job server: wherever `status` gets to, they do.

The job server hands out what is in Ray's folder for logs, also behind links in it. So a driver puts a link there to
its results (`share`), which `HeadFiles` reads.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bnsweep.errors import StoreError
from bnsweep.jobs.token import find_token
from bnsweep.results.files import Entry, joined

if TYPE_CHECKING:
    import requests
    from ray.job_submission import JobSubmissionClient

    from bnsweep.jobs.listing import Job

LINKS = "bnsweep"
"""The folder for links to results in Ray's folder for logs."""
CONNECT_S, ANSWER_S = 10.0, 60.0
TRANSFER_S = 3600
"""What Ray may take to hand out one file."""
NO_FILE = "A file is not found at"
"""How Ray says that there is none."""


def share(folder: str, job: str) -> None:
    """Let the job server hand out a folder of the machine that this job's driver is on."""
    log = os.readlink("/proc/self/fd/1")  # Ray has opened it for the driver
    if os.path.basename(log) != f"job-driver-{job}.log":
        return
    links = os.path.join(os.path.dirname(log), LINKS)
    os.makedirs(links, exist_ok=True)
    with suppress(FileExistsError):
        os.symlink(folder, os.path.join(links, job))


@dataclass(frozen=True)
class HeadFiles:
    """The files of a job's results.

    Args:
        root: their folder on the head.
        url: of the job server.
        node: the id of the head.
        folder: the link to `root`, relative to Ray's folder for logs.
        headers: of each request.
        parallel: how many files to ask for at a time.
    """

    root: str
    url: str
    node: str
    folder: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    parallel: int = 4

    @classmethod
    def of(cls, client: JobSubmissionClient, job: Job) -> HeadFiles:
        """Return the files of the results of a job whose driver has begun."""
        assert job.node is not None, "the driver is on a node"
        token = find_token().value
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return cls(job.out, client.get_address().rstrip("/"), job.node, f"{LINKS}/{job.id}", headers)

    def path(self, *parts: str) -> str:
        """Return the path of a name on the head."""
        return joined(self.root, *parts)

    def entries(self, folder: str = "") -> list[Entry]:
        """Return what is in a folder, sorted by name; sizes and times are not told, and 0."""
        answer = self._get("", glob=joined(self.folder, folder, "*"))
        if not answer.ok:
            raise self._error(folder, answer.text)
        names = [name for kind in answer.json()["data"]["result"].values() for name in kind]
        return sorted(Entry(os.path.basename(name.rstrip("/")), not name.endswith("/"), 0, 0.0) for name in names)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None where there is none. It may be cut short where Ray fails meanwhile."""
        answer = self._get("/file", filename=joined(self.folder, name), lines=-1, timeout=TRANSFER_S)
        if answer.ok:
            return bytes(answer.content)
        if NO_FILE in answer.text:
            return None
        raise self._error(name, answer.text)

    def _get(self, what: str, **query: Any) -> requests.Response:
        import requests

        try:
            return requests.get(
                f"{self.url}/api/v0/logs{what}",
                params={"node_id": self.node, **query},
                headers=self.headers,
                timeout=(CONNECT_S, ANSWER_S),
            )
        except requests.RequestException as error:
            raise self._error("", str(error)) from error

    def _error(self, name: str, reason: str) -> StoreError:
        said = reason.strip().partition("\n")[0][:200] or "no reason given"
        return StoreError(f"{self.path(name)}: cannot be read through the job server ({said}); try again")
