"""How many trials should train as one, as `plan` says it."""

from __future__ import annotations

from collections.abc import Callable

from bnsweep.running.prices.companies import Fusing, company_seconds, time_fusing
from bnsweep.running.prices.costs import EVALUATION, STEP
from bnsweep.spec import TrialSpec
from tests.running.office import DIGITS

Build = Callable[..., TrialSpec]


def test_the_number_that_pays_is_the_smallest_after_which_no_other_is_much_better() -> None:
    assert str(Fusing({1: 8.0, 2: 4.0, 4: 2.0, 8: 1.9, 16: 3.0})) == (
        "train.fuse: 4 pays, with 4 times the steps of trials one at a time (2: 2, 4: 4, 8: 4.2, 16: 2.7)"
    )
    assert str(Fusing({1: 1.0, 2: 0.95, 4: 2.0})).startswith("train.fuse does not pay here: ")


def test_trials_are_timed_by_twos_up_to_their_number(spec: Build) -> None:
    trial = spec(model={"name": "mlp", "widths": [4]}, train={"steps": 100, "batch_size": 16})
    fusing = time_fusing(trial, DIGITS, most=3, budget_s=60.0)
    assert fusing is not None
    assert list(fusing.step_s) == [1, 2]
    assert all(seconds > 0 for seconds in fusing.step_s.values())
    assert time_fusing(trial, DIGITS, most=1, budget_s=60.0) is None
    assert time_fusing(spec(model={"name": "transformer"}), DIGITS, most=9, budget_s=60.0) is None


def test_what_a_company_takes_is_shared_by_its_trials(spec: Build) -> None:
    for probes in ({}, {"moments": {"every": 1}, "tests.user_code.probes:weight_norms": {"every": 1}}):
        train = {"steps": 100, "batch_size": 16, "fuse": 4}
        seconds = company_seconds(spec(norm="layer", train=train, probes=probes), DIGITS)
        assert seconds.keys() == {STEP, EVALUATION, "trials", *("moments", "weight_norms")[: len(probes)]}
        assert seconds[STEP] > 0
        assert (seconds[EVALUATION] > 0) == bool(probes), "a crowd is judged at its end alone"
