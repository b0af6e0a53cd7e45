"""What the probes say of a trial, in cases that can be worked out by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from analysis.claims.quantities import QUANTITIES
from analysis.loading import Results


def test_the_cosine_shows_a_single_layer_that_turns_round(results: Results) -> None:
    key = results.trials["trial_key"].iloc[0]
    cosines = [1.0, 0.9, 0.9, -0.9, 1.0, 0.9, 0.9, float("nan")]
    rows = pd.DataFrame({"trial_key": key, "layer": [0, 1, 2, 3] * 2, "ics_cos": cosines})
    cosine = QUANTITIES["ics_cosine"].of(replace(results, ics=rows))
    assert cosine.to_dict() == {key: pytest.approx((4 * 0.9 - 0.9) / 5)}
