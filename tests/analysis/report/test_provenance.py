"""What the trials were run with."""

from __future__ import annotations

import pandas as pd

from analysis.report.provenance import code_versions


def trials(*rows: tuple[str, str | None, str, str | None]) -> pd.DataFrame:
    """Return trials of these models, loops, probes and digests, as they are stored."""
    frame = pd.DataFrame(rows, columns=["model", "trial", "probes", "code_sha256"])
    return frame.astype(dict.fromkeys(("model", "trial", "code_sha256"), "category"))


def test_versions_are_counted_by_the_names_of_the_code_wherever_it_is_named() -> None:
    net, loop, probe = ("nets:net", None, "{}"), ("none", "loops:loop", "{}"), ("mlp", None, '{"mine:Norms": {}}')
    later = ("nets:net", None, '{"ics": {"every": 3}}')
    many = trials((*net, "a"), (*loop, "b"), (*probe, "c"), (*net, "d"), (*later, "a"), (*probe, "e"), (*loop, "b"))
    assert sorted(code_versions(many)) == [("mine:Norms", [1, 1]), ("nets:net", [2, 1])]


def test_trials_without_a_digest_do_not_count() -> None:
    assert code_versions(trials(("nets:net", None, "{}", None), ("nets:net", None, "{}", "a"))) == []
    assert code_versions(trials(("mlp", None, "{}", None))) == []
