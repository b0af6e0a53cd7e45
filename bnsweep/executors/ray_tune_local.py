"""A Ray of one machine, without the processes that serve clusters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ray._private.node import Node

NOT_STARTED = ("start_monitor", "start_api_server", "start_log_monitor")
"""For the autoscaler, the dashboard and the log monitor. Where Ray renames these, they start, to no harm but time."""


@contextmanager
def without_cluster_services() -> Iterator[None]:
    """Have `ray.init` start neither dashboard nor autoscaler nor log monitor within the block.

    `include_dashboard=False` starts the dashboard's process all the same and waits for it; the other two cannot be
    asked for at all. They take two seconds from the start of a run and one from its end.
    """
    kept = {name: getattr(Node, name) for name in NOT_STARTED if hasattr(Node, name)}
    for name in kept:
        setattr(Node, name, lambda *_arguments, **_options: None)
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(Node, name, method)
