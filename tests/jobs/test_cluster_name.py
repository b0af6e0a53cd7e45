"""Two files of `ray up` with one cluster_name: Ray would forget the cluster of the first."""

from __future__ import annotations

from pathlib import Path

import pytest
from ray.autoscaler._private.local.config import get_state_path
from ray.autoscaler._private.local.node_provider import LocalNodeProvider, record_local_head_state_if_needed

from bnsweep.errors import InputError
from bnsweep.jobs.client import job_server
from bnsweep.jobs.cluster_name import check_cluster_name

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Ray's provider closes none
FIRST = {"type": "local", "head_ip": "10.0.0.1", "worker_ips": ["10.0.0.2"]}


@pytest.fixture
def up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalNodeProvider:
    """A cluster that Ray knows to be up."""
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    provider = LocalNodeProvider(FIRST, "mine")
    record_local_head_state_if_needed(provider)
    return provider


def cluster_file(folder: Path, head: str, name: str = "mine") -> str:
    path = folder / "cluster.yaml"
    path.write_text(f"cluster_name: {name}\nprovider: {{type: local, head_ip: {head}, worker_ips: [10.0.0.3]}}\n")
    return str(path)


def test_a_second_cluster_of_the_same_name_is_refused_and_the_first_is_remembered(
    tmp_path: Path, up: LocalNodeProvider
) -> None:
    state = Path(get_state_path("mine"))
    before, second = state.read_bytes(), cluster_file(tmp_path, "10.0.0.9")
    words = r"the cluster 'mine' .* has another head, 10\.0\.0\.1 .*cluster_name of its own"
    with pytest.raises(InputError, match=words), job_server(second, None):
        pytest.fail("it connected")
    assert state.read_bytes() == before
    up.terminate_node("10.0.0.1")  # as `ray down` does
    check_cluster_name(second)


def test_the_first_and_one_of_another_name_and_what_is_for_ray_to_refuse_pass(
    tmp_path: Path, up: LocalNodeProvider
) -> None:
    check_cluster_name(cluster_file(tmp_path, "10.0.0.1"))
    check_cluster_name(cluster_file(tmp_path, "10.0.0.9", name="other"))
    Path(get_state_path("other")).write_text("[torn")
    check_cluster_name(cluster_file(tmp_path, "10.0.0.9", name="other"))
    for text in ("", "[", "provider: x", "{provider: {type: local}, cluster_name: mine}", "{provider: {type: aws}}"):
        (tmp_path / "cluster.yaml").write_text(text)
        check_cluster_name(str(tmp_path / "cluster.yaml"))
    assert up.non_terminated_nodes({}) == ["10.0.0.1"]
