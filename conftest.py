"""Examples in docstrings run in a folder of their own, with the results that they name."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder_with_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the results of four sweeps, one of the shape of sweeps/mini.yaml."""
    from tests.synthetic import make_specs, write_sweep
    from tests.synthetic.drawn import write_drawn
    from tests.synthetic.pruned import write_pruned

    folder = tmp_path_factory.mktemp("examples")
    write_sweep(folder / "results" / "mini", make_specs(num_seeds=4))
    write_sweep(folder / "results" / "momentum", make_specs(norms=("none", "batch"), probes=False, momentum=0.9))
    write_drawn(folder / "results" / "qmc", "{name: qmc, points: 32}")
    write_pruned(folder / "results" / "pruned")
    return folder


@pytest.fixture(autouse=True)
def folder_of_example(request: pytest.FixtureRequest) -> None:
    """Change there for an example; of tests nothing."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    needs_results = any(f"results/{name}" in (request.node.dtest.docstring or "") for name in ("mini", "qmc", "pruned"))
    folder = request.getfixturevalue("folder_with_results" if needs_results else "tmp_path")
    request.getfixturevalue("monkeypatch").chdir(folder)
