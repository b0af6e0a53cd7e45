import pandas as pd
import pytest

from analysis.measures.pooling import ALL
from analysis.tables.headline import difference_headline, metric_headline, width_headline

NAN = float("nan")


def widths(*rows: tuple[str, float], at_least: bool = False, opened: float = 0.0) -> pd.DataFrame:
    same = {"at_least": at_least}
    return pd.DataFrame(
        [
            {"norm": norm, "value": value, "grid_low": value - opened, "grid_high": value + opened, **same}
            for norm, value in rows
        ]
    )


@pytest.mark.parametrize(
    ("rows", "finding"),
    [
        ([("none", 0.3), ("batch", 2.0)], "batch trains over 2.0 decades of learning rate, none over 0.3"),
        ([("none", 3.1), ("batch", 2.0)], "none trains over 3.1 decades of learning rate, batch over 2.0"),
        ([("none", 1.0)], "none trains over 1.0 decade of learning rate"),
        (
            [("none", 1.0), ("batch", 2.0), ("l1", 0.5), ("l2", 1.5), ("rms", 1.7)],
            "batch trains over 2.0 decades of learning rate, none over 1.0, l1 over 0.5",
        ),
        ([("none", NAN), ("batch", NAN)], "Too few learning rates have a result of every mode to measure a width"),
    ],
)
def test_the_finding_goes_the_way_of_the_data(rows: list[tuple[str, float]], finding: str) -> None:
    assert width_headline(widths(*rows)) == finding


def test_a_width_that_runs_into_the_end_is_a_lower_bound() -> None:
    assert width_headline(widths(("batch", 2.0), at_least=True)) == (
        "batch trains over at least 2.0 decades of learning rate"
    )


def test_nothing_trains() -> None:
    assert width_headline(widths(("none", 0.0), ("batch", 0.0))) == "No mode trains at any tested learning rate"


def test_what_the_grid_leaves_open_is_said() -> None:
    two = [("batch", 2.9), ("none", 1.1)]
    assert width_headline(widths(*two, opened=1.0)) == (
        "batch trains over 2.9 decades of learning rate (the tested rates allow 1.9 to 3.9), none over 1.1 (0.1 to 2.1)"
    )
    assert width_headline(widths(*two, opened=1.0, at_least=True)) == (
        "batch trains over 2.9 decades of learning rate (the tested rates allow 1.9 or more), "
        "none over 1.1 (0.1 or more)"
    )
    assert "(" not in width_headline(widths(*two, opened=0.05))
    closed_first = pd.concat([widths(("batch", 2.9)), widths(("none", 1.1), opened=1.0)])
    assert width_headline(closed_first).endswith(", none over 1.1 (the tested rates allow 0.1 to 2.1)")


def reported(*rows: tuple[str, float, float]) -> pd.DataFrame:
    same = {"init": "default", "init_gain": 1.0, "metric_name": "reward", "metric_mode": "max"}
    return pd.DataFrame([{"norm": norm, "lr": lr, "metric": metric, **same} for norm, lr, metric in rows])


def test_what_loops_report_is_of_all_settings_and_names_the_best_one_of_each_mode() -> None:
    trials = reported(("none", 0.1, 2.0), ("none", 0.1, 3.0), ("batch", 1.0, 5.0), ("batch", 1.0, NAN))
    of_one = "Largest reward, mean over seeds: batch 5 at lr 1, none 2.5 at lr 0.1"
    assert metric_headline(trials) == metric_headline(trials, pd.Series("", trials.index)) == of_one
    settings = pd.Series(["width 2", "width 4", "width 2", "width 4"], trials.index)
    assert metric_headline(trials, settings) == (
        "Largest reward, mean over seeds, the best of 2 settings: batch 5 at lr 1 (width 2), none 3 at lr 0.1 (width 4)"
    )


def differences(*rows: tuple[str, float, float, float]) -> pd.DataFrame:
    same = {"baseline": "none", "init": "default", "init_gain": ALL, "measure": "trainable_decades", "n_seeds": 3}
    named = [dict(zip(("norm", "value", "low", "high"), row, strict=True)) for row in rows]
    return pd.DataFrame([{**same, **row} for row in named])


def test_the_difference_has_a_sign_and_an_interval() -> None:
    assert difference_headline(differences(("batch", -0.5, -0.75, -0.25))) == (
        "Decades minus none, each with its 97.5 % interval over 3 seeds: batch -0.50 (-0.75 to -0.25)"
    )
    assert difference_headline(differences(("batch", -0.5, NAN, NAN))) == (
        "Decades minus none: batch -0.50; too few seeds for intervals"
    )
    assert difference_headline(differences(("batch", NAN, NAN, NAN))) == ""
    areas = differences(("batch", 0.12345, 0.1, 0.15)).assign(measure="mean_accuracy")
    assert difference_headline(areas, "mean_accuracy") == (
        "Mean accuracy over log lr minus none, each with its 97.5 % interval over 3 seeds: "
        "batch +0.123 (+0.100 to +0.150)"
    )


def test_every_difference_is_named_and_none_picked() -> None:
    some = [("batch", 2.0, 1.5, 2.5), ("l1", 0.1, -0.2, 0.4), ("l2", -0.3, -0.5, -0.1)]
    assert difference_headline(differences(*some)) == (
        "Decades minus none, each with its 97.5 % interval over 3 seeds: "
        "batch +2.00 (+1.50 to +2.50), l1 +0.10 (-0.20 to +0.40), l2 -0.30 (-0.50 to -0.10)"
    )
    assert difference_headline(differences(*some, ("rms", 0.0, -0.1, 0.1))) == (
        "Decades minus none: batch +2.00*, l1 +0.10, l2 -0.30*, rms +0.00. "
        "*: its 97.5 % interval over 3 seeds excludes 0"
    )
