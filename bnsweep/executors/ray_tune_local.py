"""A Ray of one machine, without most of the processes that serve clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray


@contextmanager
def without_cluster_services() -> Iterator[None]:
    """Have `ray.init` start neither dashboard nor autoscaler nor log monitor within the block.

    Without this `ray.init` took 16.1, 12.9 and 13.0 s, with it 6.2, 7.6 and 8.3 s (Ray 2.60, in turns, two busy cores),
    and `ray.shutdown` 1.3 s against 0.4 s. No public option does the same: `include_dashboard=False` starts the
    dashboard's process all the same and waits for it, and `ray.init` cannot refuse the other two. Where Ray renames
    what is replaced here, they start, to no harm but time, and `tests/executors/test_ray_tune.py` fails. The Raylet's
    own agents, of metrics and of environments, stay.
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
    """Name a place where nobody listens: the Raylet's agent logs a traceback each second until it knows one."""
    node.get_gcs_client().internal_kv_put(b"dashboard", b"127.0.0.1:0", True, b"dashboard")
