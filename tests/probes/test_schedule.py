"""Which probes a spec asks for, when they are due, and that their rows fit their tables."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnsweep.probes import FINAL_PROBES, PROBES, build_probes
from bnsweep.probes.landscape import Landscape
from bnsweep.probes.schedule import make_schedule
from bnsweep.results.tables import to_table
from bnsweep.spec import (
    TIERS,
    CurvatureSpec,
    CustomProbeSpec,
    IcsSpec,
    LandscapeSpec,
    LayersSpec,
    MomentsSpec,
    ProbesSpec,
    ScheduleSpec,
)
from tests.probes.tiny_trials import TinyTrial

ALL = ProbesSpec(
    landscape=LandscapeSpec(every=2, lr_multiples=(1, 3)),
    ics=IcsSpec(every=3),
    moments=MomentsSpec(every=1),
    layers=LayersSpec(every=2),
    curvature=CurvatureSpec(every=4),
)


def steps_due(spec: ScheduleSpec, steps: int) -> list[int]:
    due = make_schedule(spec, steps)
    return [step for step in range(steps) if due(step)]


def test_only_what_is_asked_for_is_built() -> None:
    assert build_probes(ProbesSpec(), 9) == []
    assert [probe.table for probe in build_probes(ProbesSpec(ics=IcsSpec(every=7)), 9)] == ["ics"]
    assert [probe.table for probe in build_probes(ALL, 9)] == list(PROBES)
    assert build_probes(ALL, 9)[0].measure == Landscape((1.0, 3.0))


def test_every_probe_of_the_spec_is_registered() -> None:
    assert {*PROBES, *FINAL_PROBES, "custom"} == set(ProbesSpec.model_fields)


def test_the_three_schedules() -> None:
    assert steps_due(ScheduleSpec(every=25), 101) == [0, 25, 50, 75, 100]
    assert steps_due(ScheduleSpec(every=25, start=30), 101) == [30, 55, 80]
    assert steps_due(ScheduleSpec(at=(3, 0, 200)), 101) == [0, 3]
    assert steps_due(ScheduleSpec(log_spaced=4), 101) == [0, 1, 10, 100]
    assert steps_due(ScheduleSpec(log_spaced=2), 101) == [0, 100]
    assert steps_due(ScheduleSpec(log_spaced=1), 101) == [0]


def test_a_trial_too_short_is_measured_as_often_as_asked_in_the_middle_of_equal_parts() -> None:
    spec = ScheduleSpec(every=400, start=200, at_least=2)
    assert steps_due(spec, 1001) == [200, 600, 1000]
    assert steps_due(spec, 1000) == [200, 600]
    assert steps_due(spec, 600) == [150, 450]
    assert steps_due(spec, 1) == [0]


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(0, 400), st.integers(1, 8), st.integers(1, 400))
def test_at_least_adds_measurements_to_short_trials_alone(every: int, start: int, least: int, steps: int) -> None:
    regular = steps_due(ScheduleSpec(every=every, start=start), steps)
    found = steps_due(ScheduleSpec(every=every, start=start, at_least=least), steps)
    assert len(found) >= min(least, steps)
    assert found == regular or len(regular) < least


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 5000))
def test_log_spaced_steps_lie_in_the_trial_and_grow_apart(count: int, steps: int) -> None:
    found = steps_due(ScheduleSpec(log_spaced=count), steps)
    assert 1 <= len(found) <= count
    assert found[0] == 0
    gaps = [after - before for before, after in pairwise(found[1:])]
    assert all(after >= before - 1 for before, after in pairwise(gaps))
    if count > 1 and steps > 1:
        assert found[-1] == steps - 1


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("steps", [4, 200, 1000])
def test_every_probe_of_a_tier_but_curvature_measures_in_a_trial_of_any_length(tier: str, steps: int) -> None:
    probes = build_probes(ProbesSpec.model_validate(tier), steps)
    due = {probe.table: [step for step in range(steps) if probe.due(step)] for probe in probes}
    assert due.keys() == TIERS[tier].keys()
    assert all(found for table, found in due.items() if table != "curvature" or steps > 750)
    assert len(due["moments"]) >= 2  # one alone has no shift


def test_the_tiers_walk_to_the_same_multiples_of_the_learning_rate() -> None:
    """So a quantity over them means the same in both."""
    assert {ProbesSpec.model_validate(tier).landscape.lr_multiples for tier in TIERS} == {(0.5, 1.0, 2.0, 4.0)}


@settings(deadline=None)
@given(st.sampled_from(list(TIERS)), st.integers(200, 20_000))
def test_a_tier_costs_no_more_than_it_says(tier: str, steps: int) -> None:
    """In training steps, with what one measurement costs in a small VGG; measured by benchmarks/probes.py."""
    spec = ProbesSpec.model_validate(tier)
    points = len(spec.landscape.lr_multiples) + len(spec.landscape.alphas)
    costs = {"landscape": 1.05 * points, "ics": 2.5, "moments": 1.0, "layers": 0.3, "curvature": 50.0}
    cost = sum(costs[probe.table] * sum(map(probe.due, range(steps))) for probe in build_probes(spec, steps))
    assert cost <= {"economy": 0.05, "full": 0.15}[tier] * steps


def test_probes_of_two_trials_share_no_past() -> None:
    ctx = TinyTrial("mlp", "none").take_step()
    for _ in range(2):
        moments = next(probe for probe in build_probes(ALL, 9) if probe.table == "moments")
        assert [row["mean_shift"] for row in moments.measure(ctx)] == [None, None]


@pytest.mark.parametrize("name", PROBES)
def test_rows_hold_exactly_the_tables_columns_but_the_trials_own(name: str) -> None:
    probe = next(probe for probe in build_probes(ALL, 9) if probe.table == name)
    rows = probe.measure(TinyTrial("vgg", "batch").take_step())
    trial = {"trial_key", "norm", "init", "init_gain", "lr", "seed"}
    assert all(row.keys() == set(probe.schema.names) - trial for row in rows)
    assert to_table(probe.schema, rows).num_rows == len(rows)


def test_a_custom_probe_is_scheduled_like_any_other() -> None:
    spec = ProbesSpec.model_validate({"tests.user_code.probes:weight_norms": {"every": 5, "power": 3.0}})
    assert isinstance(spec.custom["tests.user_code.probes:weight_norms"], CustomProbeSpec)
    (probe,) = build_probes(spec, 9)
    assert [step for step in range(9) if probe.due(step)] == [0, 5]
    ctx = TinyTrial("mlp", "none").take_step()
    rows = list(probe.measure(ctx))
    assert [row["parameter"] for row in rows] == list(ctx.params_before)
    assert to_table(probe.schema, rows).column_names[-3:] == ["step", "parameter", "norm_power"]
