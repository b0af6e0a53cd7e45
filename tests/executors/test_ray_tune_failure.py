"""What is found out about a worker that died."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ray.exceptions import ActorDiedError, OutOfMemoryError

from bnsweep.executors.ray_tune_failure import in_words


@pytest.mark.parametrize("error", [ActorDiedError(), OutOfMemoryError("Task was killed")])
def test_a_kill_for_want_of_memory_is_said_in_words(error: Exception) -> None:
    assert re.search("killed.*memory", in_words(error) or "")


def test_an_error_that_speaks_for_itself_is_left_as_it_is() -> None:
    assert in_words(ValueError("no such file")) is None


DEAD_WORKER = """
import os, sys, ray
from bnsweep.executors.ray_tune_failure import read_log
from tests.waiting import wait_until

class Talkative:
    def write(self):
        print("printed", flush=True)
        print("an error", file=sys.stderr, flush=True)
        return os.readlink("/proc/self/fd/2")

    def die(self):
        os._exit(1)

ray.init(include_dashboard=True, num_cpus=1, log_to_driver=False, logging_level="ERROR")
actor = ray.remote(Talkative).remote()
path = ray.get(actor.write.remote())
try:
    ray.get(actor.die.remote())
except ray.exceptions.ActorDiedError:
    (node,) = ray.nodes()
    here, elsewhere = node["NodeManagerAddress"], f"/of/another/machine/logs/{os.path.basename(path)}"
    wait_until(lambda: read_log(elsewhere, here), "Ray's agents to be up")
    assert read_log(elsewhere, here) == read_log(path, here)
    assert read_log(elsewhere, "192.0.2.77") is None
    print(read_log(path, here))
ray.shutdown()
"""


@pytest.mark.long
@pytest.mark.needs("namespaces")
def test_the_log_of_a_dead_worker_comes_from_its_machine_if_it_is_still_there() -> None:
    alone = ("unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh")  # Ray's agents have one port each
    command = [*alone, sys.executable, "-c", DEAD_WORKER]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert result.returncode == 0, result.stderr
    assert "printed" in result.stdout
    assert "an error" in result.stdout
