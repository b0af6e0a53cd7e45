"""A Ray of one machine, without most of the processes that serve clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray


@contextmanager
def without_cluster_services() -> Iterator[None]:
    """Have `ray.init` start neither dashboard nor autoscaler nor log monitor within the block.

    They take a second or two from the start of a run and one from its end. `include_dashboard=False` starts the
    dashboard's process all the same and waits for it; the other two cannot be refused at all. Where Ray renames what is
    replaced here, they start, to no harm but time. The Raylet's own agents, of metrics and of environments, stay.
    """
    node = getattr(getattr(ray._private, "node", None), "Node", None)
    instead: dict[str, Callable[..., None]] = {
        "start_monitor": _nothing,
        "start_log_monitor": _nothing,
        "start_api_server": _no_dashboard,
    }
    kept = {name: getattr(node, name) for name in instead if hasattr(node, name)}
    for name in kept:
        setattr(node, name, instead[name])
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(node, name, method)


def _nothing(_node: Any, **_options: Any) -> None:
    """Start nothing."""


def _no_dashboard(node: Any, **_options: Any) -> None:
    """Name a place where nobody listens: the Raylet's agent logs a traceback each second until it is told of one."""
    node.get_gcs_client().internal_kv_put(b"dashboard", b"127.0.0.1:0", True, b"dashboard")
