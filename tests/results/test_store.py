"""The contract of a store: what is committed, what is cleaned up, and what readers see, wherever it is."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from bnsweep.errors import InputError, StoreError, Superseded
from bnsweep.results import SCHEMAS, Store, takeover
from bnsweep.results.commits import Kind
from bnsweep.results.files import Content, Entry
from bnsweep.results.keys import to_numbers
from bnsweep.results.locations import Files
from bnsweep.results.reading import parquet_entries
from bnsweep.results.tables import to_table
from bnsweep.results.writer import Writer, last_attempts
from tests.results.rows import commit, failure, key, killed, rows


def names(store: Store, folder: str) -> list[str]:
    return [entry.name for entry in store.files.entries(folder)]


def test_opening_and_reading_write_nothing(store: Store) -> None:
    store.check_writable()
    assert store.finished() == set()
    assert store.use(last_attempts) == {}
    assert store.declared() is None
    assert store.read("ics").num_rows == store.read("never written").num_rows == 0
    assert not store.is_there()


def test_committed_rows_come_back(store: Store) -> None:
    commit(store, rows("a", "b"), rows("c"))
    assert store.is_there()
    assert store.finished() == {key("a"), key("b"), key("c")}
    assert store.finished_keys().tolist() == sorted(to_numbers([key("a"), key("b"), key("c")]).tolist())
    curves = store.read("curves")
    assert sorted(curves["trial_key"].to_pylist()) == sorted([key("a"), key("b"), key("c")] * 3)
    assert curves.schema.names == SCHEMAS["curves"].names
    assert store.read("trials", ["seed"]).to_pydict() == {"seed": [3, 3, 3]}


def test_a_take_over_tells_what_is_there(store: Store) -> None:
    with store.take_over() as writer:
        assert writer.keys.tolist() == []
        writer.commit({**rows("a"), **failure("b")})
        writer.commit(failure("b", attempt=2))
        writer.checkpoints.save(key("b"), b"content")
    with store.take_over() as writer:
        assert writer.keys.dtype == np.uint64
        assert writer.keys.tolist() == to_numbers([key("a")]).tolist()
        assert writer.attempts == store.use(last_attempts) == {key("b"): 2}
        assert writer.checkpoints.keys() == {key("b")}
        assert writer.checkpoints.load(key("b")) == b"content"


def test_who_was_taken_over_commits_nothing_and_leaves_nothing_behind(store: Store) -> None:
    with killed(store) as old:
        old.commit(rows("a"))
    with store.take_over() as new:
        before = names(store, "curves")
        with pytest.raises(
            Superseded, match=r"another run \(host .*, pid .*\) has taken it over; this one commits noth"
        ):
            old.commit(rows("b"))
        assert names(store, "curves") == before
        with pytest.raises(StoreError, match="has taken it over"):
            old.commit(rows("b"))
        new.commit(rows("b"))
    assert store.finished() == {key("a"), key("b")}


def test_who_finds_a_commit_gone_while_it_takes_over_commits_nothing(
    store: Store, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(store, rows("a"))

    def listed(files: Files, table: str) -> list[Entry]:
        entries = parquet_entries(files, table)
        files.delete([f"{table}/{entries[0].name}"])  # as a run after it does, which has merged it meanwhile
        return entries

    monkeypatch.setattr(takeover, "parquet_entries", listed)
    with pytest.raises(Superseded, match="another run has taken it over; this one commits nothing"):
        Store.open(location).take_over()
    assert len(names(store, "curves")) == 1


def test_a_commit_without_its_last_file_is_cleaned_up_by_the_next_take_over(store: Store) -> None:
    commit(store, rows("a"))
    with killed(store) as writer:
        writer.commit(rows("b"))
        store.files.delete([f"trials/{writer.number:08d}.parquet"])
        store.files.put("_staging/half", b"PAR1")
    assert store.finished() == {key("a")}
    assert set(store.read("curves")["trial_key"].to_pylist()) == {key("a")}
    assert len(names(store, "curves")) == 2
    commit(store, rows("b"))
    assert len(names(store, "curves")) == 2
    assert names(store, "_staging") == []
    assert store.finished() == {key("a"), key("b")}


def test_files_carry_schema_version_units_and_meaning(store: Store) -> None:
    commit(store, rows("a"))
    schema = store.read("trials").schema
    assert schema.metadata[b"schema_version"] == b"3"
    assert schema.field("wall_time_s").metadata[b"unit"] == b"s"
    assert all(field.metadata[b"meaning"] for field in schema)


def test_every_table_can_be_plotted_without_a_join() -> None:
    for name in set(SCHEMAS) - {"failures"}:
        assert {"trial_key", "norm", "init", "init_gain", "lr", "seed"} <= set(SCHEMAS[name].names)


def test_a_row_with_an_unknown_column_is_a_bug() -> None:
    with pytest.raises(KeyError, match=r"table ics has no column \['ics_l3'\]"):
        to_table(SCHEMAS["ics"], [{"ics_l3": 1.0}])


def test_of_failures_the_last_attempt_is_known_and_they_are_no_results(store: Store) -> None:
    """Not each attempt leaves one: a worker that is lost takes the trial along without a word."""
    commit(store, *(failure("a", attempt) for attempt in (1, 4)), failure("b", 2))
    assert store.use(last_attempts) == {key("a"): 4, key("b"): 2}
    assert store.finished() == set()


def test_what_was_declared_is_remembered(store: Store) -> None:
    with store.take_over() as writer:
        writer.declare("mini", [key("a"), key("b")], "name: mini")
        assert store.declared() == {"name": "mini", "trial_keys": [key("a"), key("b")], "sweep_file": "name: mini"}
        writer.declare("mini", to_numbers([key("b")]), "")
    assert store.declared() == {"name": "mini", "trial_keys": [key("b")], "sweep_file": ""}


def test_what_a_run_at_work_has_declared_is_left_to_it(store: Store) -> None:
    with store.take_over() as writer:
        writer.declare("mini", [key("a"), key("b")], "")
        with pytest.raises(InputError, match="held by another run"):
            store.declare("less", [key("a")], "")
    assert (store.declared() or {})["name"] == "mini"
    store.declare("less", [key("a")], "")
    assert (store.declared() or {})["name"] == "less"


@pytest.mark.parametrize("content", [b"{", b"[1]", b"{}", b"\xff"])
def test_a_damaged_declaration_is_named(store: Store, content: bytes) -> None:
    store.files.put("_sweep.json", content)
    with pytest.raises(InputError, match=r"_sweep\.json: damaged \("):
        store.declared()


def test_a_store_travels_to_another_process(store: Store) -> None:
    commit(store, rows("a"))
    assert store.finished() == {key("a")}
    assert pickle.loads(pickle.dumps(store)).finished() == {key("a")}


@pytest.mark.parametrize("content", [b"not parquet", b""])
def test_a_damaged_file_is_named(store: Store, content: bytes) -> None:
    commit(store, rows("a"))
    store.files.put("trials/00000002.parquet", content)
    for use in (store.finished, lambda: store.read("trials"), store.take_over):
        with pytest.raises(InputError, match=r"results/trials: a file is damaged \(.*00000002.*verify --repair"):
            use()


def test_a_file_that_a_commit_names_and_is_gone_is_named(store: Store) -> None:
    commit(store, rows("a"), rows("b"))
    store.files.delete([f"curves/{names(store, 'curves')[0]}"])
    with pytest.raises(InputError, match=r"results/curves: a file is damaged \(.*is missing\); `bnsweep verify"):
        store.read("curves")
    store.files.delete([f"curves/{names(store, 'curves')[0]}"])
    assert store.read("curves").num_rows == 0  # whoever copied only some tables still reads these


def test_checkpoints_are_kept_until_their_trial_is_committed(store: Store) -> None:
    with store.take_over() as writer:
        assert writer.checkpoints.load(key("a")) is None
        for content in (b"early", b"late"):
            writer.checkpoints.save(key("a"), content)
        for name in "bc":
            writer.checkpoints.save(key(name), bytes(10**6))
        assert writer.checkpoints.load(key("a")) == b"late"
        assert writer.checkpoints.keys() == {key("a"), key("b"), key("c")}
        writer.checkpoints.drop([key("b"), key("never saved")])
        writer.commit(rows("a"))
    with store.take_over() as writer:
        assert writer.checkpoints.keys() == {key("c")}
        assert writer.checkpoints.load(key("c")) == bytes(10**6)


def test_a_damaged_checkpoint_counts_as_none(store: Store) -> None:
    with store.take_over() as writer:
        writer.checkpoints.save("a", b"content")
        stored = store.files.read("_checkpoints/a") or b""
        for damaged in (stored[:-1], stored[:10], b"", stored[:-1] + b"?", b"?" + stored[1:]):
            store.files.put("_checkpoints/a", damaged)
            assert writer.checkpoints.load("a") is None


def test_a_number_that_another_start_takes_meanwhile_is_left_to_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, others = type(store.files).create, list[Writer]()

    def create_after_another(files: Files, name: str, content: Content) -> bool:
        if not others:
            monkeypatch.setattr(type(store.files), "create", create)
            others.append(store.take_over(run="the same, so that no lease is waited for"))
        return create(files, name, content)

    monkeypatch.setattr(type(store.files), "create", create_after_another)
    writer = store.take_over(run="the same, so that no lease is waited for")
    assert (others[0].number, writer.number) == (1, 2)
    assert [footer.kind for footer in store.snapshot().commits] == [Kind.TAKE_OVER, Kind.TAKE_OVER]
    writer.commit(rows("a"))
    with pytest.raises(Superseded):
        others[0].commit(rows("b"))
    writer.close()
    others[0].abandon()
