"""Every sweep file that comes with bnsweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnsweep.spec.sweep import Sweep

FILES = sorted((Path(__file__).parents[2] / "sweeps").glob("*.yaml"))
ON_CPUS = {"edges", "million", "mini", "paper_dln", "pruned", "qmc"}
PAPER = {"paper_fig1_lr", "paper_fig2_noisy", "paper_fig3_ics", "paper_fig4_landscape", "paper_fig5_lp"}
SERVED = PAPER | {"paper_fig8_noise", "paper_fig1_2_4_gpu"}
"""By the two sweeps on two cores that serve three figures each."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_a_sweep_whose_results_go_where_its_name_says_and_whose_first_line_says_what_it_asks(file: Path) -> None:
    text = file.read_text()
    sweep = Sweep.from_text(text)
    assert sweep.name == file.stem
    assert text.startswith("# ")
    assert len(sweep.trials) == len(set(sweep.trials.trial_keys()))
    assert (sweep.resources.gpus == 0) == (file.stem in ON_CPUS or file.stem.endswith("_cpu"))


def test_what_is_for_gpus_has_a_twin_for_two_cores() -> None:
    names = {file.stem for file in FILES}
    for_gpus = {name for name in names if not name.endswith("_cpu")} - ON_CPUS - SERVED - {"gpu"}
    assert {f"{name}_cpu" for name in for_gpus} <= names
    assert {"paper_fig1_3_4_cpu", "paper_fig2_5_8_cpu"} | SERVED <= names
