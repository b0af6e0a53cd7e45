"""A copy is brought up to date while the original is written, merged and taken over: its reader sees whole commits."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bnsweep.errors import InputError, StoreError
from bnsweep.results import Store
from bnsweep.results.compact import compact
from bnsweep.results.copied import CopyOf, read_copy_of
from bnsweep.results.files import Content, Entry
from bnsweep.results.locations import Files
from bnsweep.results.mirror import update
from bnsweep.results.verify import verify
from tests.results.rows import commit, contents, declare, few_specs, killed, rows, tables_of, write_store

NAMES = [f"trial{number}" for number in range(12)]


@dataclass(frozen=True)
class Watched:
    """Files of which each access is preceded by something that others do, or followed by a look at them."""

    files: Files
    before_reading: Callable[[], None] = lambda: None
    after_writing: Callable[[], None] = lambda: None
    root: str = "elsewhere"
    parallel: int = 1
    read_names: list[str] = field(default_factory=list)

    def path(self, *parts: str) -> str:
        return self.files.path(*parts)

    def entries(self, folder: str = "") -> list[Entry]:
        self.before_reading()
        return self.files.entries(folder)

    def read(self, name: str) -> bytes | None:
        self.before_reading()
        self.read_names.append(name)
        return self.files.read(name)

    def put(self, name: str, content: Content) -> None:
        self.files.put(name, content)
        if name.startswith("trials/"):
            self.after_writing()

    def __getattr__(self, name: str) -> object:
        return getattr(self.files, name)


@pytest.fixture
def copy(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "copy")


def test_a_copy_has_the_same_rows_and_what_is_new_comes_later(store: Store, copy: Store) -> None:
    write_store(store, pack=2)
    assert update(copy, store.files).commits == 6  # and the end's, which has none
    assert contents(copy) == contents(store)
    assert copy.declared() == store.declared()
    commit(store, tables_of(few_specs(8)[6:]))
    source = Watched(store.files)
    assert update(copy, source).commits == 2
    assert len([name for name in source.read_names if name.startswith("curves/")]) == 1
    assert contents(copy) == contents(store)
    assert update(copy, store.files).bytes == 0


def test_what_was_merged_is_brought_and_what_it_replaces_goes(store: Store, copy: Store) -> None:
    specs = write_store(store, pack=1)
    update(copy, store.files)
    compact(store)
    update(copy, store.files)
    assert contents(copy) == contents(store)
    for table in ("trials", "curves", "failures"):
        assert [entry.name for entry in copy.files.entries(table)] == [
            entry.name for entry in store.files.entries(table)
        ]
    assert len(copy.finished()) == len(specs)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3))])
def test_whoever_reads_the_copy_meanwhile_sees_each_committed_trial_once_and_whole(tmp_path: Path, seed: int) -> None:
    """Between any two files that are read, the original gets commits, is compacted, or is taken over."""
    original, happens = Store.open(tmp_path / "original"), random.Random(seed)
    deeds = deeds_of(original, happens)
    seen = set[str]()

    def look() -> None:
        reader = Store.open(tmp_path / "copy")
        found, curves = (reader.read(table, ["trial_key"])["trial_key"].to_pylist() for table in ("trials", "curves"))
        assert len(set(found)) == len(found)
        assert sorted(curves) == sorted(3 * found)
        assert seen <= set(found)
        seen.update(found)

    def happen() -> None:
        if happens.random() < 0.4:
            next(deeds, None)

    copy = Store(Watched(Store.open(tmp_path / "copy").files, after_writing=look))  # type: ignore[arg-type]
    for _ in range(3):
        next(deeds, None)
        update(copy, Watched(original.files, before_reading=happen))
        look()
    update(copy, original.files)
    look()
    assert contents(copy) == contents(original)


def deeds_of(store: Store, happens: random.Random) -> Iterator[None]:
    names = iter(NAMES)
    while some := list(itertools.islice(names, happens.randint(1, 3))):
        if happens.random() < 0.3:
            with killed(store) as writer:
                writer.commit(rows(*some))
        else:
            commit(store, rows(*some))
        yield
        if happens.random() < 0.3:
            compact(store)
            yield


def test_a_directory_of_other_results_is_refused_and_stays(tmp_path: Path, copy: Store) -> None:
    original, other = Store.open(tmp_path / "original"), Store.open(tmp_path / "other")
    commit(original, rows("a"))
    commit(other, rows("b"))
    update(copy, original.files)
    before = contents(copy)
    with pytest.raises(InputError, match=r"copy: holds other results than .*other"):
        update(copy, other.files)
    assert contents(copy) == before


@pytest.mark.parametrize("write", [compact, lambda store: commit(store, rows("mine"))], ids=["compact", "a run"])
def test_a_copy_that_was_written_to_is_refused(tmp_path: Path, copy: Store, write: Callable[[Store], object]) -> None:
    original = Store.open(tmp_path / "original")
    commit(original, rows("a"), rows("b"))
    update(copy, original.files)
    write(copy)
    for more in range(3):
        with pytest.raises(InputError, match=r"copy: holds other results than .*original"):
            update(copy, original.files)
        commit(original, rows(f"more{more}"))


def test_a_file_that_does_not_come_whole_is_read_again_and_one_that_never_does_is_refused(
    tmp_path: Path, copy: Store
) -> None:
    original, cut = Store.open(tmp_path / "original"), itertools.cycle([3, 50, None])
    commit(original, rows("a"))

    class Cut(Watched):
        def read(self, name: str) -> bytes | None:
            content = super().read(name)
            return content and content[: next(cut)]

    update(copy, Cut(original.files))
    assert contents(copy) == contents(original)
    commit(original, rows("b"))
    cut = itertools.repeat(60)
    with pytest.raises(InputError, match=r"original/trials/\d+\.parquet: differs from what was written"):
        update(copy, Cut(original.files))
    assert len(copy.finished()) == 1


def test_results_that_are_in_no_commit_are_refused_with_what_to_do(tmp_path: Path, copy: Store) -> None:
    original = Store.open(tmp_path / "original")
    commit(original, rows("a"))
    original.files.put("trials/mine.parquet", b"")
    with pytest.raises(InputError, match="`bnsweep compact` it first"):
        update(copy, original.files)


def test_it_says_how_far_it_is(store: Store, copy: Store) -> None:
    write_store(store, pack=2)
    said = list[str]()
    brought = update(copy, store.files, say=said.append)
    files = [
        f"{folder.name}/{entry.name}"
        for folder in copy.files.entries()
        if not folder.is_file
        for entry in copy.files.entries(folder.name)
    ]
    size = sum(len(copy.files.read(name) or b"") for name in files)
    assert (brought.files, brought.bytes) == (len(files), size)
    assert said[0] == f"looking for what is new in {store.root}"
    assert said[-1] == f"fetched {len(files)} files, {size / 1e6:.1f} MB so far, 1 commits to go"
    assert len(said) == 1 + len(files)


@pytest.mark.parametrize(
    ("is_over", "words"),
    [
        (False, "whose run was not over: `bnsweep fetch` it again"),
        (True, "whose run had ended: submit the sweep again, then `bnsweep fetch` it again"),
    ],
)
def test_what_a_copy_lacks_is_fetched_again_until_it_is_none_any_more(
    tmp_path: Path, copy: Store, is_over: bool, words: str
) -> None:
    original, specs = Store.open(tmp_path / "original"), few_specs(3)
    declare(original, specs)
    commit(original, tables_of(specs[:2]))
    update(copy, original.files, is_over=is_over)
    (gap,) = verify(copy)
    assert (gap.kind, gap.remedy) == ("gap", f"this is a copy of {original.root}, {words}")
    (entry,) = copy.files.entries("curves")
    copy.files.delete([f"curves/{entry.name}"])
    assert "`bnsweep fetch` it into a new directory" in {one.kind: one.remedy for one in verify(copy)}["missing"]
    commit(copy)
    assert {one.kind: one.remedy for one in verify(copy)}["gap"] == "run the sweep again: it makes what is missing"


def test_a_copy_that_is_cut_off_says_so_and_one_that_is_refused_is_none(tmp_path: Path, copy: Store) -> None:
    original = Store.open(tmp_path / "original")
    declare(original, few_specs())
    commit(original, tables_of(few_specs(1)), tables_of(few_specs(2)[1:]))

    def fail() -> None:
        raise StoreError("cut off")

    with pytest.raises(StoreError, match="cut off"):
        update(Store(Watched(copy.files, after_writing=fail)), original.files)  # type: ignore[arg-type]
    assert read_copy_of(copy.files) == CopyOf(original.root, is_over=False)
    update(copy, original.files, is_over=True)
    assert read_copy_of(copy.files) == CopyOf(original.root, is_over=True)
    commit(copy, rows("mine"))
    with pytest.raises(InputError, match="holds other results"):
        update(copy, original.files)
    assert read_copy_of(copy.files) is None
