"""`bnsweep plan` on a cluster: trials are timed on a worker there, once for each kind of machine."""

from __future__ import annotations

import json
import re

import pytest

from tests.conftest import TINY
from tests.jobs.conftest import Cluster

pytestmark = pytest.mark.long
MISSING = "planned: 12 trials declared, 0 done, 12 missing"
TIMED = r"on 1 machines: \S+ machine-hours"


def test_a_sweep_is_priced_on_the_clusters_own_machine_and_again_from_what_is_kept(cluster: Cluster) -> None:
    (cluster.folder / "sweep.yaml").write_text(TINY.replace("name: tiny", "name: planned", 1))
    priced = cluster.bnsweep("plan", "sweep.yaml", "--price", 2)
    assert priced.returncode == 0, priced.stderr
    assert priced.stdout.startswith(MISSING), priced.stdout
    assert f"results: {cluster.home}/bnsweep/results/planned" in priced.stdout
    assert re.search(r"on 1 worker, as many as fit on 1 machines, the most that the cluster may have", priced.stdout)
    assert re.search(TIMED, priced.stdout)
    assert re.search(r"money: \S+, at 2 per worker-hour", priced.stdout)
    (kept,) = (cluster.home / "bnsweep/calibrations").iterdir()
    costs, ready_s = json.loads(kept.read_text())
    for cost in costs.values():
        cost["seconds"] = dict.fromkeys(cost["seconds"], 1000.0)
    kept.write_text(json.dumps([costs, ready_s]))
    refused = cluster.bnsweep("plan", "sweep.yaml", "--max-hours", 1)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
    assert re.search(r"on the cluster: --max-hours: given 1; 12 trials take \d\d\S* hours", refused.stderr)
    with cluster.connect() as client:
        assert not [details for details in client.list_jobs() if "plan" in (details.submission_id or "")]


def test_what_no_machine_of_the_cluster_has_is_refused_in_one_line(cluster: Cluster) -> None:
    (cluster.folder / "sweep.yaml").write_text(TINY.replace("probes:", "resources: {gpus: 4}\nprobes:"))
    refused = cluster.bnsweep("plan", "sweep.yaml")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
    assert "resources.gpus: 4 asked for, no node of the cluster has more than 0" in refused.stderr
