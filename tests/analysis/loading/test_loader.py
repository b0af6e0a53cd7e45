import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import analysis
from analysis.claims import judge
from analysis.loading import Results
from analysis.report import write_report
from analysis.report.coverage import compared_in_part
from bnsweep.errors import InputError
from bnsweep.results import Store
from tests.synthetic import commit_rows, make_specs, write_sweep


def test_every_table_holds_the_rows_that_pandas_reads(sweep_dir: Path, results: Results) -> None:
    for table in ("trials", "curves", "landscape", "ics", "moments"):
        frame = getattr(results, table)
        assert len(frame) == len(pd.read_parquet(sweep_dir / table)) > 0
    assert results.name == "synthetic"
    assert results.missing == ()
    assert results.undeclared.empty
    assert results.failures.empty


def test_a_uri_reads_as_the_path_does(sweep_dir: Path, results: Results) -> None:
    assert analysis.load(sweep_dir.as_uri()).trials.equals(results.trials)


def test_metric_rows_of_an_uncommitted_trial_are_dropped(tmp_path: Path) -> None:
    specs = write_sweep(tmp_path, make_specs(num_seeds=1), batch=1)
    lost = specs[7].trial_key
    victims = [path for path in (tmp_path / "trials").iterdir() if lost in set(pd.read_parquet(path)["trial_key"])]
    victims[0].unlink()
    results = analysis.load(tmp_path)
    assert lost in set(pd.read_parquet(tmp_path / "curves")["trial_key"])
    assert lost not in set(results.curves["trial_key"]) | set(results.ics["trial_key"])
    assert results.missing == (lost,)


def test_trials_that_are_not_declared_are_set_apart_with_their_metrics(tmp_path: Path) -> None:
    specs = write_sweep(tmp_path, make_specs(num_seeds=1))
    kept = [spec.trial_key for spec in specs if spec.lr < 10]
    Store.open(tmp_path).declare("smaller", kept, "")
    results = analysis.load(tmp_path)
    assert set(results.trials["trial_key"]) == set(kept)
    assert set(results.landscape["trial_key"]) <= set(kept)
    assert set(results.undeclared["lr"]) == {10.0}


def test_without_a_declaration_every_trial_counts(tmp_path: Path) -> None:
    specs = write_sweep(tmp_path, make_specs(num_seeds=1), declare=False)
    results = analysis.load(tmp_path)
    assert len(results.trials) == len(specs)
    assert results.declared is None
    assert results.name == tmp_path.name


def test_a_trial_stored_twice_counts_once(tmp_path: Path) -> None:
    specs = make_specs(norms=["batch"], num_seeds=1)
    write_sweep(tmp_path, specs, batch=len(specs))
    write_sweep(tmp_path, specs, batch=3)
    results = analysis.load(tmp_path)
    assert results.trials["trial_key"].is_unique
    assert not results.ics.duplicated(["trial_key", "step", "layer"]).any()
    assert not results.landscape.duplicated(["trial_key", "step", "lr_multiple"]).any()


def test_an_empty_metric_table_has_its_columns(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(num_seeds=1, probes=False))
    results = analysis.load(tmp_path)
    assert results.ics.empty
    assert "ics_l2" in results.ics


def test_curvature_and_the_columns_beside_it_are_read(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(norms=["batch"], gains=[1.0], num_seeds=1, curvature=True))
    results = analysis.load(tmp_path)
    assert set(results.curvature["step"]) == {0, 100}
    assert results.curvature[["sharpness", "two_over_lr", "tolerance", "num_hvps"]].notna().all(axis=None)
    assert results.trials["sharpness"].notna().all()
    assert (results.moments["pre_std"] == 2).all()


def test_a_table_that_no_trial_has_is_empty_and_has_its_columns(results: Results) -> None:
    assert results.curvature.empty
    assert "sharpness" in results.curvature


def test_they_are_shown_in_a_line(tmp_path: Path) -> None:
    specs = make_specs(norms=["batch"], num_seeds=2)
    write_sweep(tmp_path, specs, batch=len(specs))
    results = analysis.load(tmp_path)
    counts = dict(results.trials["status"].value_counts())
    shown = repr(results)
    assert "\n" not in shown
    assert f" in {tmp_path}: {len(specs)} trials, {counts['completed']} completed" in shown
    assert f"ics {len(results.ics)}" in shown


def test_norms_and_columns_are_filtered_at_read_time(sweep_dir: Path) -> None:
    results = analysis.load(sweep_dir, norms=["batch"], columns={"ics": ["ics_l2"]})
    assert set(results.trials["norm"]) == set(results.ics["norm"]) == {"batch"}
    assert "ics_l2" in results.ics
    assert {"ics_cos", "grad_norm"}.isdisjoint(results.ics.columns)
    assert results.missing == ()


def test_long_columns_of_failures_are_read_where_they_are_asked_for(tmp_path: Path) -> None:
    (spec,) = write_sweep(tmp_path, make_specs(num_seeds=1)[:1])
    failure = {"trial_key": spec.trial_key, "attempt": 1, "error": "ValueError: x", "log_tail": "the end"}
    commit_rows(tmp_path, {"failures": [failure]})
    failures = analysis.load(tmp_path).failures
    assert failures["error"].tolist() == ["ValueError: x"]
    assert {"traceback", "log_tail", "spec"}.isdisjoint(failures.columns)
    asked_for = analysis.load(tmp_path, columns={"failures": ["log_tail"]}).failures
    assert asked_for.to_dict("records") == [{"trial_key": spec.trial_key, "log_tail": "the end"}]


def test_steps_are_filtered_at_read_time(sweep_dir: Path, results: Results) -> None:
    some = analysis.load(sweep_dir, norms=["none"], steps=(50, 120))
    for table in ("curves", "landscape", "ics", "moments"):
        rows, everything = getattr(some, table), getattr(results, table)
        assert len(rows) == ((everything["norm"] == "none") & everything["step"].between(50, 120)).sum() > 0
        assert set(rows["step"]) <= set(range(50, 121))
    assert len(some.trials) == (results.trials["norm"] == "none").sum()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"norms": ["bacth"]}, "no trial has norm 'bacth'; allowed: batch, noisy_batch, none; did you mean 'batch'?"),
        ({"columns": {"ics": ["ics_l3"]}}, "table ics has no column 'ics_l3'"),
        ({"columns": {"isc": ["ics_l2"]}}, "no table 'isc'"),
        ({"steps": (100, 50)}, "steps: 100 to 50 is no range; give the first step and the last, (0, 1000)"),
        ({"steps": ("a", "b")}, "steps: given ('a', 'b'); give the first step and the last, (0, 1000)"),
        ({"steps": (1,)}, "steps: given (1,); give the first step and the last, (0, 1000)"),
        ({"steps": 3}, "steps: given 3; give the first step and the last, (0, 1000)"),
        ({"norms": []}, "norms: given []; name one at least, of batch, "),
        ({"norms": 3}, "norms: given 3; name one at least, of batch, "),
        (
            {"columns": {"trials": "lr"}},
            "columns: given {'trials': 'lr'}; give lists of names by table, such as {'trials",
        ),
        ({"columns": ["lr"]}, "columns: given ['lr']; give lists of names by table, such as {'trials': ['test_acc']}"),
    ],
)
def test_what_cannot_be_asked_for_is_an_input_error(
    sweep_dir: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError) as error:
        analysis.load(sweep_dir, **arguments)  # type: ignore[arg-type]
    assert message in str(error.value)


def test_no_directory_and_no_trials_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such directory; give the --out of a `bnsweep run`"):
        analysis.load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no finished trial"):
        analysis.load(tmp_path)


@pytest.mark.parametrize("table", ["trials", "ics"])
@pytest.mark.parametrize("keep", [0, 40, -60], ids=["empty", "head", "no footer"])
def test_a_damaged_file_is_an_input_error(tmp_path: Path, table: str, keep: int) -> None:
    write_sweep(tmp_path, make_specs(num_seeds=1))
    path = sorted((tmp_path / table).iterdir())[0]
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=rf"{table}: a file is damaged"):
        analysis.load(tmp_path)


def as_file(directory: Path, table: str) -> None:
    shutil.rmtree(directory / table)
    (directory / table).write_text("no folder")


def as_folder(directory: Path, name: str) -> None:
    (directory / name).unlink(missing_ok=True)
    (directory / name).mkdir()


def foreign(directory: Path, columns: dict[str, list[object]]) -> None:
    pd.DataFrame(columns).to_parquet(directory / "trials" / "x.parquet")


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "trials is a file": (lambda path: as_file(path, "trials"), "trials: cannot be read"),
    "landscape is a file": (lambda path: as_file(path, "landscape"), "landscape: cannot be read"),
    "sweep is a folder": (lambda path: as_folder(path, "_sweep.json"), "_sweep.json: a directory"),
    "sweep is cut": (lambda path: (path / "_sweep.json").write_text("{"), "_sweep.json: damaged"),
    "sweep is a list": (lambda path: (path / "_sweep.json").write_text("[1]"), "_sweep.json: damaged"),
    "sweep has no keys": (
        lambda path: (path / "_sweep.json").write_text('{"name": "a", "trial_keys": 1, "sweep_file": ""}'),
        "_sweep.json: damaged",
    ),
    "sweep declares none": (lambda path: Store.open(path).declare("a", ["b"], ""), "none of its 15 finished trials"),
    "a file is a folder": (lambda path: as_folder(path, "ics/x.parquet"), "ics: a file is damaged"),
    "a file is foreign": (lambda path: foreign(path, {"a": [1]}), "trials: a file is damaged (x.parquet: "),
    "a file has another lr": (
        lambda path: foreign(path, {"trial_key": ["a"], "lr": [{"a": 1}]}),
        "trials: a file is damaged (Unsupported cast",
    ),
}


@pytest.fixture(scope="module")
def small_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("small")
    write_sweep(directory, make_specs(gains=[1.0], num_seeds=1))
    return directory


@pytest.mark.parametrize("case", ODD)
def test_an_odd_directory_is_an_input_error(case: str, small_dir: Path, tmp_path: Path) -> None:
    directory = tmp_path / "odd"
    shutil.copytree(small_dir, directory)
    spoil, message = ODD[case]
    spoil(directory)
    for use in (analysis.load, write_report):
        with pytest.raises(InputError, match=re.escape(message)):
            use(directory)
    assert not (directory / "report").exists()


def test_importing_analysis_loads_neither_torch_nor_ray_nor_matplotlib() -> None:
    code = "import sys, analysis; print(sorted({'torch', 'ray', 'matplotlib', 'scipy'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_the_report_loads_neither_torch_nor_ray() -> None:
    code = "import sys, analysis.report; print(sorted({'torch', 'ray'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_trials_say_whether_a_search_has_added_their_learning_rate(tmp_path: Path, results: Results) -> None:
    specs = write_sweep(tmp_path)
    rates = sorted({spec.lr for spec in specs})
    search = {"name": "edges", "num_rounds": 2, "end": None, "common_lrs": rates[::2]}
    Store.open(tmp_path).declare("few", [spec.trial_key for spec in specs], "", search=search)
    found = analysis.load(tmp_path)
    assert found.trials.loc[found.trials["is_added"], "lr"].unique().tolist() == rates[1::2]
    assert sorted(found.at_common_lrs.trials["lr"].unique()) == rates[::2]
    assert "is_added" not in results.trials
    assert results.at_common_lrs is results


def test_what_counts_trials_leaves_out_those_at_added_rates(tmp_path: Path, results: Results) -> None:
    rates = sorted(results.trials["lr"].unique())
    added = replace(results, trials=results.trials.assign(is_added=results.trials["lr"].isin(rates[1::2])))
    fewer = replace(results, trials=results.trials[~results.trials["lr"].isin(rates[1::2])].reset_index(drop=True))
    for table in (analysis.best_configurations, analysis.importance_table):
        pd.testing.assert_frame_equal(table(added), table(fewer))
    names = ["divergence_rate", "best_accuracy", "interquartile_mean", "expected_best"]
    ours, theirs = (analysis.robustness_table(one).set_index("measure").loc[names] for one in (added, fewer))
    pd.testing.assert_frame_equal(ours, theirs)
    pd.testing.assert_frame_equal(judge(added).by_lr, judge(fewer).by_lr)
    assert compared_in_part(added) == compared_in_part(fewer) == []
