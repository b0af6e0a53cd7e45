"""What is kept of a results directory is read as the directory is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import analysis
from analysis.measures.scores import final_score
from analysis.studies.keep import keep
from bnsweep.errors import InputError


def test_all_tables_are_the_same_but_for_the_steps_left_out(sweep_dir: Path, tmp_path: Path) -> None:
    sizes = keep(sweep_dir, tmp_path / "kept", curves_every=50)
    before, after = analysis.load(sweep_dir), analysis.load(tmp_path / "kept")
    key = ["trial_key", "step", "layer"]
    for table in ("landscape", "ics", "moments"):
        rows = [getattr(results, table) for results in (before, after)]
        one, other = (
            frame.sort_values([name for name in [*key, "lr_multiple"] if name in frame], ignore_index=True)
            for frame in rows
        )
        pd.testing.assert_frame_equal(one, other)
    assert set(sizes) >= {"trials", "curves", "landscape", "ics", "moments"}
    assert sizes["trials"] == (tmp_path / "kept" / "trials" / "trials.parquet").stat().st_size
    pd.testing.assert_series_equal(
        *(final_score(r.trials.sort_values("trial_key", ignore_index=True)) for r in (before, after))
    )
    kept = after.curves
    assert ((kept["step"] % 50 == 0) | kept["test_loss"].notna()).all()
    assert kept["test_loss"].notna().sum() == before.curves["test_loss"].notna().sum()
    assert 0 < len(kept) < len(before.curves)


def test_what_probes_measure_in_each_layer_is_thinned_by_step(sweep_dir: Path, tmp_path: Path) -> None:
    keep(sweep_dir, tmp_path / "kept", probes_every=100)
    before, after = analysis.load(sweep_dir), analysis.load(tmp_path / "kept")
    assert (before.ics["step"] % 100 != 0).any()
    assert len(after.ics) == (before.ics["step"] % 100 == 0).sum()
    assert set(after.ics["step"]) == {step for step in before.ics["step"] if step % 100 == 0}
    assert len(after.landscape) == len(before.landscape)


def test_what_was_kept_before_goes(sweep_dir: Path, tmp_path: Path) -> None:
    stale = tmp_path / "kept" / "curvature" / "curvature.parquet"
    stale.parent.mkdir(parents=True)
    stale.touch()
    keep(sweep_dir, tmp_path / "kept")
    assert not stale.exists()


def test_a_directory_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no trials/ in it"):
        keep(tmp_path, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
