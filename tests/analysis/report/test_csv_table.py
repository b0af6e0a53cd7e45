"""A table reads back the same, whoever wrote it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.report import csv_table
from analysis.report.csv_table import write_csv


def test_a_large_table_reads_back_as_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(
        {
            "norm": pd.Categorical(["none", "batch", "none"], ["none", "batch"], ordered=True),
            "lr": [0.1, 1e-05, 1 / 3],
            "count": [1, 2, 3],
            "value": [np.nan, np.inf, 1.0],
            "trains": [True, False, True],
            "text": ['says "so"', "a, b\nc", None],
            "started_at": pd.to_datetime(["2026-01-01T00:00:01.5Z", None, "2026-01-02T03:04:05.2Z"]),
        },
        index=[5, 6, 7],
    )
    write_csv(frame, tmp_path / "small.csv")
    monkeypatch.setattr(csv_table, "LARGE", 1)
    write_csv(frame, tmp_path / "large.csv")
    small, large = (pd.read_csv(tmp_path / name) for name in ("small.csv", "large.csv"))
    for read in (small, large):
        read["started_at"] = pd.to_datetime(read["started_at"], format="ISO8601")
        assert read["started_at"].tolist()[::2] == frame["started_at"].tolist()[::2]
    pd.testing.assert_frame_equal(small.drop(columns="started_at"), large.drop(columns="started_at"), check_exact=True)
