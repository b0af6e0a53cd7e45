"""Two clusters of one's own machines by the same name: Ray has room to remember one of them.

Ray's provider `local` keeps on the user's machine which machines of a cluster are up, in a file that is named by
`cluster_name` alone. Any `ray` command with a file that names another head, `ray dashboard` too, writes it anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bnsweep.errors import InputError


def check_cluster_name(cluster: str) -> None:
    """Let no other cluster be forgotten; what else may be wrong with a file of `ray up` is for Ray to say.

    Raises:
        InputError: another cluster of the same name is up.
    """
    try:
        config = YAML(typ="safe", pure=True).load(Path(cluster))
        provider, name = config["provider"], config["cluster_name"]
        if provider["type"] != "local" or "head_ip" not in provider:
            return
    except (YAMLError, OSError, UnicodeError, KeyError, TypeError):
        return
    from ray.autoscaler._private.local.config import get_state_path

    state = get_state_path(name)
    if (head := _head_of(state)) not in (None, provider["head_ip"]):
        raise InputError(
            f"--cluster {cluster}: the cluster '{name}' that Ray knows here has another head, {head} ({state}), and "
            "would be forgotten; give each file a cluster_name of its own, or if it is the same cluster with a new "
            f"head, `ray up -y {cluster}` first"
        )


def _head_of(state: str) -> str | None:
    """Return the head that is up by a state file of Ray's; None where none is, or that cannot be read."""
    try:
        machines: dict[str, Any] = json.loads(Path(state).read_bytes())
        heads = (ip for ip, one in machines.items() if one["tags"].get("ray-node-type") == "head")
        return next((ip for ip in heads if machines[ip]["state"] == "running"), None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
