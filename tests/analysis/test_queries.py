"""The README's questions in DuckDB and Polars get the answers that pandas gives."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from tests.readme import block


def test_duckdb_and_polars_read_the_tables_as_pandas_does(sweep_dir: Path) -> None:
    rows = pd.read_parquet(sweep_dir / "landscape")
    rows = rows[np.isfinite(rows["beta"])]
    wanted = rows.astype({"norm": "str"}).groupby(["norm", "lr"])["beta"].mean().to_dict()
    files = f"{sweep_dir}/landscape/*.parquet"
    by_duckdb = duckdb.sql(f"SELECT norm, lr, avg(beta) FROM '{files}' WHERE isfinite(beta) GROUP BY ALL").fetchall()
    by_polars = (
        pl.scan_parquet(files)
        .filter(pl.col("beta").is_finite())
        .group_by("norm", "lr")
        .agg(pl.col("beta").mean())
        .collect()
        .rows()
    )
    for answer in (by_duckdb, by_polars):
        assert {(norm, lr): beta for norm, lr, beta in answer} == pytest.approx(wanted)


@pytest.mark.parametrize("holding", ["import pandas", "import duckdb"])
def test_the_readmes_own_lines_run(
    sweep_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holding: str
) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results/mini").symlink_to(sweep_dir)
    monkeypatch.chdir(tmp_path)
    exec(block(holding), {})
