"""Disks that are full and directories that cannot be written: nothing is half there, and the same call works later."""

from __future__ import annotations

import os
import resource
import stat
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from bnsweep.errors import StoreError
from bnsweep.results import Store
from bnsweep.results.compact import compact
from bnsweep.results.verify import verify
from tests.results.killing import context
from tests.results.rows import commit, contents, few_specs, tables_of, write_store

NOBODY = 65534
Use = Callable[[Store], object]


def commit_more(store: Store) -> None:
    commit(store, tables_of(few_specs(8)[6:]))


def save_checkpoint(store: Store) -> None:
    with store.take_over() as writer:
        writer.checkpoints.save("a", bytes(40_000))


def declare(store: Store) -> None:
    with store.take_over() as writer:
        writer.declare("few", [str(number) for number in range(10_000)], "")


USES = (commit_more, save_checkpoint, declare)


@pytest.fixture
def store() -> Iterator[Store]:
    """A finished sweep where any user may write; `tmp_path` is its owner's alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        store = Store.open(Path(folder) / "results")
        write_store(store)
        for path in [Path(store.root), *Path(store.root).rglob("*")]:
            path.chmod(0o777 if path.is_dir() else 0o666)
        yield store


@pytest.fixture
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """A process of its own, to limit what it may do."""
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        yield pool


def _with_little_space(use: Use, store: Store, space: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (space, resource.RLIM_INFINITY))
    use(store)


def _without_rights(use: Use, store: Store) -> None:
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    use(store)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("space", [0, 100, 5_000, 23_000])
def test_a_file_that_does_not_fit_leaves_nothing_half_there(
    use: Use, space: int, store: Store, elsewhere: ProcessPoolExecutor
) -> None:
    rows = contents(store)
    message = (
        r"results/.*: cannot be written \(File too large\); what was committed is unharmed; .*the same command cont"
    )
    with pytest.raises(StoreError, match=message):
        elsewhere.submit(_with_little_space, use, store, space).result()
    assert contents(store) == rows
    assert {problem.kind for problem in verify(store)} <= {"torn"}
    use(store)
    assert len(store.finished()) == (8 if use is commit_more else 6)


@pytest.mark.parametrize("folder", ["", "_staging", "ics", "noise", "trials"])
def test_a_folder_that_cannot_be_written_leaves_nothing_half_there(
    folder: str, store: Store, elsewhere: ProcessPoolExecutor
) -> None:
    place, rows = Path(store.path(folder)), contents(store)
    os.chown(place, os.getuid(), -1)
    place.chmod(0o555)
    with pytest.raises(
        StoreError, match=r"results.*: cannot be .* \(Permission denied\); what was committed is unharmed"
    ):
        elsewhere.submit(_without_rights, commit_more, store).result()
    assert stat.S_IMODE(place.stat().st_mode) == 0o555
    place.chmod(0o777)
    assert contents(store) == rows
    commit_more(store)
    assert len(store.finished()) == 8
    assert {problem.kind for problem in verify(store)} == {"undeclared"}


def test_a_compaction_that_does_not_fit_leaves_everything_as_it_was(
    store: Store, elsewhere: ProcessPoolExecutor
) -> None:
    rows = contents(store)
    with pytest.raises(StoreError, match=r"results/.*: cannot be written \(File too large\)"):
        elsewhere.submit(_with_little_space, compact, store, 23_000).result()
    assert contents(store) == rows
    assert {problem.kind for problem in verify(store)} <= {"torn"}
    compact(store)
    assert contents(store) == rows
    assert verify(store) == []
