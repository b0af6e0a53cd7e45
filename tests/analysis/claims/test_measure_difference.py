"""The difference of a measure: the very one of the tables."""

from __future__ import annotations

import pytest

from analysis.claims.evidence import gather_evidence
from analysis.claims.measure_difference import MeasureDifference
from analysis.loading import Results
from analysis.measures import MEASURES
from analysis.measures.pooling import ALL
from analysis.statistics.intervals import CONFIDENCE
from analysis.tables import difference_table
from bnsweep.errors import InputError
from tests.analysis.claims.planted import LRS, Mode, plant, trains
from tests.synthetic import make_specs

INITS, GAINS = ["xavier_uniform", "orthogonal"], [0.5, 1.0]


def planted(lrs: list[float] = LRS, gains: list[float] = GAINS, inits: list[str] = INITS) -> Results:
    modes = {"none": Mode(trains(-2, -1)), "batch": Mode(trains(-3, 0)), "l1": Mode(trains(-3, 0, 0.8))}
    return plant(modes, make_specs(list(modes), inits, gains, lrs, 4))


@pytest.mark.parametrize("fraction", [0.9, 0.5])
def test_it_has_the_interval_of_the_table_whatever_other_modes_there_are(fraction: float) -> None:
    results = planted()
    table = (
        difference_table(results, fraction=fraction)
        .astype({"norm": str})
        .set_index(["norm", "init", "init_gain", "measure"])
    )
    evidence = gather_evidence(results, fraction=fraction)
    for norm in ("batch", "l1"):
        for name, measure in MEASURES.items():
            row, estimate = table.loc[norm, ALL, ALL, name], MeasureDifference(name, norm, "none")(evidence)
            assert (row["value"], row["n_seeds"]) == (pytest.approx(estimate.value, abs=0, nan_ok=True), estimate.n)
            if measure.interval:
                assert (row["low"], row["high"]) == estimate.interval(CONFIDENCE)
            if measure.grid:
                assert (row["grid_low"], row["grid_high"]) == estimate.open_range()


def test_what_cannot_be_compared_is_said() -> None:
    results = planted()
    for mode, baseline in (("layer", "none"), ("batch", "layer")):
        with pytest.raises(InputError, match="no trial has norm layer"):
            MeasureDifference("mean_accuracy", mode, baseline)(gather_evidence(results))
    single = gather_evidence(planted(gains=[1.0], inits=["orthogonal"]))
    with pytest.raises(InputError, match="the sweep has a single initialization"):
        MeasureDifference("trained_inits", "batch", "none")(single)
    with pytest.raises(InputError, match="too few learning rates have a result of both modes"):
        MeasureDifference("mean_accuracy", "batch", "none")(gather_evidence(planted(lrs=[0.1])))


def test_what_is_compared_is_said_in_words() -> None:
    text = MeasureDifference("best_accuracy", "batch", "none").statistic
    assert text == "batch minus none: best accuracy of any run"
