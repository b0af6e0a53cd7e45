"""What is found out about a worker that died."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

import pytest
import ray
from ray.exceptions import ActorDiedError, OutOfMemoryError

from bnsweep.executors.ray_tune_failure import in_words, read_log


@pytest.mark.parametrize("error", [ActorDiedError(), OutOfMemoryError("Task was killed")])
def test_a_kill_for_want_of_memory_is_said_in_words(error: Exception) -> None:
    assert re.search("killed.*memory", in_words(error) or "")


def test_an_error_that_speaks_for_itself_is_left_as_it_is() -> None:
    assert in_words(ValueError("no such file")) is None


class Talkative:
    """An actor that writes to its log."""

    def write(self) -> str:
        """Return where it wrote to."""
        print("printed", flush=True)  # noqa: T201  as users do
        print("an error", file=sys.stderr, flush=True)  # noqa: T201
        return os.readlink("/proc/self/fd/2")

    def die(self) -> None:
        os._exit(1)


@pytest.mark.long
def test_the_log_of_a_dead_worker_comes_from_its_machine_if_it_is_still_there() -> None:
    own: dict[str, Any] = {"_node_ip_address": "127.0.0.1"}  # not that of a network that other tests bring up and down
    ray.init(include_dashboard=True, num_cpus=1, log_to_driver=False, logging_level="ERROR", **own)
    try:
        actor = ray.remote(Talkative).remote()
        path = ray.get(actor.write.remote())
        with pytest.raises(ActorDiedError):
            ray.get(actor.die.remote())
        (node,) = ray.nodes()
        here = read_log(path, node["NodeManagerAddress"])
        elsewhere = f"/of/another/machine/logs/{os.path.basename(path)}"
        assert here
        assert "printed" in here
        assert "an error" in here
        assert read_log(elsewhere, node["NodeManagerAddress"]) == here
        assert read_log(elsewhere, "192.0.2.77") is None
    finally:
        ray.shutdown()
