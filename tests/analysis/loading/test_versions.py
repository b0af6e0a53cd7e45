"""Trials of several semantics versions are refused by name."""

import pandas as pd
import pytest

from analysis.loading.versions import check_one_version, version_counts
from bnsweep.errors import InputError


def trials(*versions: float | None) -> pd.DataFrame:
    return pd.DataFrame({"trial_key": [str(k) for k in range(len(versions))], "semantics_version": versions})


def test_what_is_older_than_the_column_comes_first() -> None:
    assert version_counts(trials(10, None, 4, None)) == {"before 4": 2, "4": 1, "10": 1}
    assert version_counts(trials(None, None).drop(columns="semantics_version")) == {"before 4": 2}


@pytest.mark.parametrize("versions", [(None, None), (4, 4, 4)])
def test_one_version_is_measured(versions: tuple[float | None, ...]) -> None:
    check_one_version(trials(*versions), "here")


def test_a_mixture_is_refused_with_the_numbers_of_each() -> None:
    with pytest.raises(InputError) as error:
        check_one_version(trials(None, 5, None, 4), "results/mini")
    assert "results/mini: holds trials of several semantics versions (2 of before 4, 1 of 4, 1 of 5)" in str(
        error.value
    )
    assert "Run the sweep again into this directory" in str(error.value)
