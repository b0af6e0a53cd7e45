"""The command runs, and what it counts is right where that is known."""

import runpy
import sys
from math import nan

import numpy as np
import pytest

from analysis.claims import CLAIMS, judge
from analysis.claims.statement import Statement
from benchmarks.verdicts.plateaus import World
from benchmarks.verdicts.robustness import STATEMENTS, sweep, true_effects
from benchmarks.verdicts.tables import first_seeds
from benchmarks.verdicts.tally import Tally, Truth

ABOVE = STATEMENTS["lr_range"]
WITHIN = CLAIMS["predicts_within"].statements["ics_within"]


PARTS = {"robustness": "perfect effect", "contrasts": "one gain", "correlations": "smooth over lr", "advice": "normal"}


@pytest.mark.parametrize("part", PARTS)
def test_the_command_runs(part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["verdicts", "--only", part, "--world", PARTS[part], "--repeats", "2"])
    runpy.run_module("benchmarks.verdicts", run_name="__main__")
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("world | truth | rates")
    assert lines[0].startswith(PARTS[part]) or part != "robustness"
    assert all(line.count(" | ") == head.count(" | ") for line in lines[: lines.index("")])
    assert "lines of 2 sweeps each" in lines[-1]


@pytest.mark.parametrize(
    ("statement", "truth", "ends", "false"),
    [
        (ABOVE, 1.0, (0.5, 2.0), 0),
        (ABOVE, 1.0, (-2.0, -0.5), 1),
        (ABOVE, -1.0, (0.5, 2.0), 1),
        (ABOVE, 0.0, (0.5, 2.0), 1),  # a bound is on neither side of itself
        (ABOVE, 0.0, (-2.0, -0.5), 1),
        (ABOVE, 0.0, (-0.5, 0.5), 0),
        (ABOVE, 0.0, (nan, nan), 0),
        (WITHIN, 0.1, (-0.1, 0.15), 0),
        (WITHIN, -0.3, (-0.1, 0.15), 1),
        (WITHIN, 0.2, (-0.1, 0.15), 1),
        (WITHIN, 0.1, (0.3, 0.5), 1),
    ],
)
def test_a_verdict_is_false_where_the_truth_says_so(
    statement: Statement, truth: float, ends: tuple[float, float], false: int
) -> None:
    tally = Tally()
    tally.add(statement, ends, Truth(truth))
    assert tally.false == false
    assert tally.covered == (ends[0] <= truth <= ends[1])


def test_a_goal_is_missed_beyond_two_standard_errors() -> None:
    assert Tally(total=400, given=400, covered=400, false=16).missed() == []
    assert Tally(total=400, given=400, covered=400, false=18).missed() == ["false"]
    assert Tally(total=400, given=400, covered=350).missed() == ["coverage"]
    assert Tally(total=400, given=10, covered=0).missed() == []
    assert Tally(total=400, resolved=330, given=400, covered=400).missed(power=0.9) == ["power"]


def test_the_truth_of_plateaus_is_their_difference() -> None:
    true = true_effects(World(wider=1.0), 9, np.random.default_rng(0))
    assert true["lr_range"].value == pytest.approx(1.0, abs=0.03)
    assert true["lr_area"].value == pytest.approx(0.85 / 4, abs=0.01)
    assert true["noisy_accuracy"].value == pytest.approx(-0.015, abs=0.001)


def test_a_sweep_is_judged_as_the_report_judges_it() -> None:
    world, rng = World(wider=1.0), np.random.default_rng(0)
    evidence = sweep(world, rng, world.curves(rng, 5, 0.5), 9)
    rows = judge(evidence.results, with_profile=False).statements.set_index("statement")
    fewer = first_seeds(evidence, 5)
    for key, statement in STATEMENTS.items():
        low, high = statement.effect(fewer).interval(rows["confidence"][key])
        assert (low, high) == pytest.approx((rows["low"][key], rows["high"][key]))
        assert statement.verdict(low, high) == rows["verdict"][key]
