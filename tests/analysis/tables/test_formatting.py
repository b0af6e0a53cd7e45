import pandas as pd

from analysis.loading import Results
from analysis.measures import MEASURES
from analysis.tables import robustness_table
from analysis.tables.formatting import format_measures
from analysis.tables.pooled import all_pooled_rows


def pooled(results: Results) -> pd.DataFrame:
    return all_pooled_rows(robustness_table(results))


def test_every_measure_has_a_line_and_every_mode_a_cell(results: Results) -> None:
    rows = pooled(results)
    formatted = format_measures(rows)
    assert [one.meaning for one in formatted] == [measure.meaning for measure in MEASURES.values()]
    widths = rows[rows["measure"] == "trainable_decades"].set_index("norm")["value"]
    shown = {norm: one.value for norm, one in formatted[0].by_norm.items()}
    assert shown == {norm: f"{widths[norm]:.2f}" for norm in ("none", "batch", "noisy_batch")}
    (rates,) = (one for one in formatted if one.meaning == MEASURES["divergence_rate"].meaning)
    assert rates.by_norm["none"].value.endswith(" of 30)")


def test_an_interval_is_shown_and_a_lower_bound_marked(results: Results) -> None:
    rows = pooled(results).assign(low=0.25, high=0.75, at_least=True)
    first = format_measures(rows)[0].by_norm["none"]
    assert first.interval == "0.25 to 0.75"
    assert first.value.startswith("≥ ")
