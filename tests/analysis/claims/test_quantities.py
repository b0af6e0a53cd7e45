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


def test_the_spikes_of_beta_are_those_at_multiples_of_the_learning_rate(results: Results) -> None:
    wild = results.landscape.assign(given_as="alpha", beta=1e6 * results.landscape["step"])
    both = replace(results, landscape=pd.concat([results.landscape, wild], ignore_index=True))
    pd.testing.assert_series_equal(QUANTITIES["beta_spikes"].of(both), QUANTITIES["beta_spikes"].of(results))
