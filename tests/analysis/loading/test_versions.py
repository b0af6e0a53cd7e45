"""Trials of several semantics versions are refused by name."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import pandas as pd
import pytest

import analysis
from analysis.loading.versions import check_one_version, version_counts
from analysis.report import write_report
from bnsweep.errors import InputError
from bnsweep.results import Store
from tests.synthetic import commit_rows, make_specs, rows_of


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


def write_versions(directory: Path, versions: Sequence[int | None]) -> list[str]:
    """Store the trials of a small sweep, of the given versions in turn; return their keys."""
    specs = make_specs(["none"], gains=[1.0], num_seeds=1, probes=False)
    commits = []
    for spec, version in zip(specs, cycle(versions), strict=False):
        tables = rows_of(spec, diverged=False)
        tables["trials"][0]["semantics_version"] = version
        commits.append(tables)
    commit_rows(directory, *commits)
    return [spec.trial_key for spec in specs]


def test_a_directory_of_several_versions_is_not_loaded(tmp_path: Path) -> None:
    keys = write_versions(tmp_path, [None, 4])
    for use in (analysis.load, write_report):
        with pytest.raises(InputError, match=r"several semantics versions \(3 of before 4, 2 of 4\)"):
            use(tmp_path)
    Store.open(tmp_path).declare("mixed", keys, "")
    with pytest.raises(InputError, match="several semantics versions"):
        analysis.load(tmp_path, norms=["none"], columns={"trials": ["test_acc"]})


def test_older_trials_of_a_sweep_that_was_run_again_are_set_apart(tmp_path: Path) -> None:
    keys = write_versions(tmp_path, [None, 4])
    Store.open(tmp_path).declare("again", keys[1::2], "")
    results = analysis.load(tmp_path)
    assert (len(results.trials), len(results.undeclared)) == (2, 3)


def test_old_trials_alone_are_read(tmp_path: Path) -> None:
    write_versions(tmp_path, [None])
    assert version_counts(analysis.load(tmp_path).trials) == {"before 4": 5}
