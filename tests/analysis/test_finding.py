import pandas as pd
import pytest

from analysis.finding import difference_finding, width_finding
from analysis.tables import ALL

NAN = float("nan")


def widths(*rows: tuple[str, float], at_least: bool = False, grid_high: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame(
        [{"norm": norm, "value": value, "at_least": at_least, "grid_high": grid_high} for norm, value in rows]
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
    assert width_finding(widths(*rows)) == finding


def test_a_width_that_runs_into_the_end_is_a_lower_bound() -> None:
    assert width_finding(widths(("batch", 2.0), at_least=True)) == (
        "batch trains over at least 2.0 decades of learning rate"
    )


def test_nothing_trains() -> None:
    assert width_finding(widths(("none", 0.0), ("batch", 0.0), grid_high=0.0)) == (
        "No mode trains at any tested learning rate"
    )


def differences(low: float, high: float, value: float = -0.5) -> pd.DataFrame:
    row = {"norm": "batch", "baseline": "none", "init": "default", "init_gain": ALL, "measure": "trainable_decades"}
    return pd.DataFrame([{**row, "value": value, "low": low, "high": high, "n_seeds": 3}])


def test_the_difference_has_a_sign_and_an_interval() -> None:
    assert difference_finding(differences(-0.75, -0.25)) == (
        "batch minus none: -0.50 decades, 95 % interval -0.75 to -0.25 over 3 seeds"
    )
    assert "without an interval" in difference_finding(differences(NAN, NAN))
    assert difference_finding(differences(NAN, NAN, NAN)) == ""
