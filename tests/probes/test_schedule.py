"""Which probes a spec asks for, when they are due, and that their rows fit their tables."""

import pytest

from bnsweep.probes import PROBES, build_probes
from bnsweep.probes.landscape import Landscape
from bnsweep.results.schema import SCHEMAS, to_table
from bnsweep.spec import IcsSpec, LandscapeSpec, MomentsSpec, ProbesSpec
from tests.probes.steps import Trial

ALL = ProbesSpec(
    landscape=LandscapeSpec(every=2, lr_multiples=(1, 3)), ics=IcsSpec(every=3), moments=MomentsSpec(every=1)
)


def test_only_what_is_asked_for_is_built() -> None:
    assert build_probes(ProbesSpec()) == []
    assert [(probe.name, probe.every) for probe in build_probes(ProbesSpec(ics=IcsSpec(every=7)))] == [("ics", 7)]
    assert [(probe.name, probe.every) for probe in build_probes(ALL)] == [("landscape", 2), ("ics", 3), ("moments", 1)]
    assert build_probes(ALL)[0].measure == Landscape((1.0, 3.0))


def test_every_probe_of_the_spec_is_registered() -> None:
    assert set(PROBES) == set(ProbesSpec.model_fields)


def test_due_from_step_zero_on() -> None:
    (probe,) = build_probes(ProbesSpec(ics=IcsSpec(every=25)))
    assert [step for step in range(101) if probe.due(step)] == [0, 25, 50, 75, 100]


def test_probes_of_two_trials_share_no_past() -> None:
    ctx = Trial("mlp", "none").take_step()
    for _ in range(2):
        moments = build_probes(ALL)[-1]
        assert [row["mean_shift"] for row in moments.measure(ctx)] == [None, None]


@pytest.mark.parametrize("name", PROBES)
def test_rows_hold_exactly_the_tables_columns_but_the_trials_own(name: str) -> None:
    probe = next(probe for probe in build_probes(ALL) if probe.name == name)
    rows = probe.measure(Trial("vgg", "batch").take_step())
    trial = {"trial_key", "norm", "init", "init_gain", "lr", "seed"}
    assert all(row.keys() == set(SCHEMAS[name].names) - trial for row in rows)
    assert to_table(name, rows).num_rows == len(rows)
