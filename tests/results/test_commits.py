"""The files of a commit."""

from __future__ import annotations

from bnsweep.results.commits import encode_metrics, number_of
from tests.results.rows import rows


def test_no_two_tries_to_commit_share_a_name_even_at_one_number() -> None:
    """What a writer that was cut off uploads late, for a number that is another's by then, replaces nothing."""
    tables = [(name, table) for name, table in rows("a").items() if name != "trials"]
    (first, _), (second, _) = encode_metrics(7, tables), encode_metrics(7, tables)
    assert len(first) == len(second) == len(tables)
    assert not first.keys() & second.keys()
    assert {number_of(name) for name in (*first, *second)} == {7}
