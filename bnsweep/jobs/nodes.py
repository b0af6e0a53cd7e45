"""The nodes of a cluster, as its job server lists them: whether the head still has a Raylet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bnsweep.errors import InputError
from bnsweep.jobs.token import find_token

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

ANSWER_S = 20.0
HEADS = {"filter_keys": "is_head_node", "filter_predicates": "=", "filter_values": "true", "detail": "false"}


def check_head(client: JobSubmissionClient, option: str) -> None:
    """Check that the head is a node that is alive.

    Where its Raylet has died, the job server and what it knows outlive it: jobs would seem to run for ever, and could
    be neither stopped nor submitted. A list that is not given, or names no head, says nothing.

    Raises:
        InputError: it is not.
    """
    import requests

    token = find_token().value
    answer = requests.get(
        f"{client.get_address().rstrip('/')}/api/v0/nodes",
        params=HEADS,
        headers={"Authorization": f"Bearer {token}"} if token else {},
        timeout=ANSWER_S,
    )
    states = _states(answer.json()) if answer.ok else []
    if states and "ALIVE" not in states:
        raise InputError(
            f"{option}: Ray on the head has died, and the drivers of all jobs with it; results are kept. "
            "`ray up -y FILE` starts it anew, then submit each sweep again to continue"
        )


def _states(answer: Any) -> list[str]:
    """Return the states of the nodes that an answer lists."""
    listed = ((answer.get("data") or {}).get("result") or {}).get("result") or []
    return [node["state"] for node in listed]
