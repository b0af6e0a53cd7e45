from dataclasses import replace
from itertools import combinations

import pandas as pd

from analysis.loading import Results
from analysis.tables import importance_table
from analysis.tables.importance_text import MAX_PAIRS, format_importance


def test_every_parameter_has_a_line_and_every_mode_a_cell(results: Results) -> None:
    table = importance_table(results)
    formatted = format_importance(table)
    assert formatted is not None
    assert formatted.norms == ["none", "batch", "noisy_batch", "all"]
    assert list(formatted.lines)[:4] == ["norm", "lr", "init_gain", "seed"]
    assert list(formatted.lines)[-1] == "rest"
    assert formatted.forests == []
    assert formatted.lines["norm"][:3] == [("", "")] * 3
    known = table[table["evaluator"] == "fanova"].set_index(["norm", "parameter"])
    assert formatted.lines["lr"][1][0] == f"{known.loc[('batch', 'lr'), 'importance']:.2f}"
    assert formatted.lines["lr"][1][1] == f"{known.loc[('batch', 'lr'), 'by_chance']:.2f}"


def test_a_forest_is_named(results: Results) -> None:
    some = replace(results, trials=results.trials.iloc[1:].reset_index(drop=True))
    formatted = format_importance(importance_table(some))
    assert formatted is not None
    assert formatted.forests == [str(results.trials["norm"].iloc[0]), "all"]


def test_of_many_pairs_the_largest_have_a_line() -> None:
    names = list("abcdefg")
    pairs = [f"{one} x {other}" for one, other in combinations(names, 2)]
    shares = [0.02 + 0.001 * k for k in range(len(pairs))]
    rows = pd.DataFrame({"parameter": [*names, *pairs, "rest"], "importance": [0.01] * 7 + shares + [0.1]})
    facts = {"evaluator": "fanova", "norm": "batch", "method": "grid", "by_chance": 0.0, "accuracy_sd": 1.0}
    formatted = format_importance(rows.assign(**facts))
    assert formatted is not None
    assert list(formatted.lines) == [*names, *pairs[: -MAX_PAIRS - 1 : -1], "rest"]
    assert formatted.left_out == len(pairs) - MAX_PAIRS


def test_without_a_share_there_is_nothing_to_show(results: Results) -> None:
    assert format_importance(importance_table(results).assign(importance=float("nan"))) is None
