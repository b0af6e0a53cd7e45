"""What is special about a store on object storage: lock files instead of a lock, and an endpoint that may be away."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from moto import settings
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer
from pyarrow.fs import FileSystem, S3FileSystem

from bnsweep.errors import InputError, StoreError, Superseded
from bnsweep.results import Store
from bnsweep.results.files import Entry, write
from bnsweep.results.object_lock import HEARTBEAT, LOCKS, LockTiming
from bnsweep.results.objects import TIMEOUTS, _folded, open_uri
from bnsweep.results.seal import seal
from tests.results.rows import rows
from tests.s3 import BUCKET, s3_uri

QUICK = LockTiming(heartbeat_s=0.01, backoff_s=0.01)
KILLED = seal({"host": "gone", "pid": 7, "since": "2026-01-01 00:00:00 UTC", "is_held": True})


@pytest.fixture
def store(new_uri: Callable[[], str]) -> Store:
    return Store.open(new_uri())


def lock_file_of_a_killed_run(store: Store, age_s: float) -> None:
    """Write a lock file that was last renewed `age_s` ago by the server's clock."""
    write(store.files, f"{LOCKS}/killed.json", KILLED)
    keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[BUCKET].keys
    keys[store.path(LOCKS, "killed.json").removeprefix(f"{BUCKET}/")].last_modified -= timedelta(seconds=age_s)


def lock_files(store: Store) -> list[str]:
    return [entry.name for entry in store.files.entries(LOCKS) if entry.is_file]


def test_a_lock_leaves_no_file_behind(store: Store) -> None:
    with store.lock():
        assert len(lock_files(store)) == 1
        with pytest.raises(InputError), store.lock():
            pass
        assert len(lock_files(store)) == 1
    assert lock_files(store) == []


def test_a_killed_run_is_waited_for_and_then_taken_over(store: Store) -> None:
    lock_file_of_a_killed_run(store, age_s=60)
    held = r"held by another run \(host gone, pid 7, since 2026.*if it was killed, try again after 120 s"
    with pytest.raises(InputError, match=held), store.lock():
        pass
    lock_file_of_a_killed_run(store, age_s=180)
    with store.lock():
        assert lock_files(store) != ["killed.json"]
        assert len(lock_files(store)) == 1


def test_a_lock_file_that_cannot_be_read_counts_as_held(store: Store) -> None:
    write(store.files, f"{LOCKS}/odd.json", b"{")
    with pytest.raises(InputError, match="held by another run"), store.lock():
        pass


def heartbeat() -> threading.Thread:
    (heart,) = (thread for thread in threading.enumerate() if thread.name == HEARTBEAT)
    return heart


def test_a_run_hears_that_its_lock_file_was_removed(store: Store) -> None:
    with store.lock(QUICK) as hold:
        heart = heartbeat()
        assert not hold.is_lost()
        while heart.is_alive():  # it may be about to put it once more
            store.files.delete(f"{LOCKS}/{name}" for name in lock_files(store))
            heart.join(0.1)
        assert hold.is_lost()


def test_a_run_hears_that_another_one_has_begun(store: Store) -> None:
    store.begin("before")
    with store.lock(QUICK) as hold:
        heart = heartbeat()
        store.begin(hold.token)
        store.commit(rows("a"), token=hold.token)
        assert not hold.is_lost()
        store.begin("another")
        heart.join(60)
        assert hold.is_lost()
        with pytest.raises(Superseded):
            store.commit(rows("b"), token=hold.token)
    assert lock_files(store) == []


def test_of_many_runs_that_start_at_once_one_holds_the_store(new_uri: Callable[[], str]) -> None:
    uri, start, all_tried = new_uri(), threading.Barrier(6), threading.Barrier(6)
    won, lost = list[str](), list[str]()

    def contend() -> None:
        store = Store.open(uri)
        start.wait(60)
        with ExitStack() as stack:
            try:
                won.append(stack.enter_context(store.lock(replace(QUICK, tries=10))).token)
            except (InputError, StoreError) as error:  # the latter where the endpoint is too busy to answer in time
                lost.append(str(error))
            all_tried.wait(60)

    threads = [threading.Thread(target=contend) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(lost) == 5
    assert lock_files(Store.open(uri)) == []


@pytest.fixture
def away(endpoint: str) -> Callable[[], Store]:
    """Return a way to get a store with something in it whose server is then stopped."""
    server = ThreadedMotoServer("127.0.0.1", 0)  # its data are those of the first server in this process
    server.start()
    host, port = server.get_host_and_port()
    store = Store.open(s3_uri(f"{host}:{port}", "away/results"))
    store.commit(rows("a"))

    def stop() -> Store:
        server.stop()
        return store

    return stop


def test_an_endpoint_that_is_away_is_reported_in_seconds(away: Callable[[], Store], endpoint: str) -> None:
    store = away()
    uses: list[Callable[[], object]] = [
        store.check_writable,
        lambda: store.commit(rows("b")),
        lambda: store.record_failure({"trial_key": "b", "attempt": 1, "error": "x"}),
        lambda: store.save_checkpoint("b", b""),
        lambda: store.declare("few", [], ""),
        store.recover,
        store.finished,
    ]
    started = time.monotonic()
    with ThreadPoolExecutor(len(uses)) as pool:  # each is tried for some seconds
        for use in [pool.submit(use) for use in uses]:
            with pytest.raises(StoreError, match=r"away/results.*cannot be .*what was committed is unharmed"):
                use.result()
    assert time.monotonic() - started < 30
    back = Store.open(s3_uri(endpoint, "away/results"))
    back.recover()
    assert back.finished() == {"a"}


def test_an_endpoint_that_never_answers_is_given_up(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TIMEOUTS, "request_timeout", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = Store.open(s3_uri(f"127.0.0.1:{silent.getsockname()[1]}", "silent/results"))
        started = time.monotonic()
        with pytest.raises(StoreError, match=r"silent/results/_staging/.*: cannot be written \(.*unharmed"):
            store.check_writable()
        assert 0.2 < time.monotonic() - started < 15


def test_a_bucket_that_is_not_there_is_an_input_error(endpoint: str) -> None:
    store = Store.open(s3_uri(endpoint, "x").replace(BUCKET, "no-such-bucket"))
    with pytest.raises(InputError, match=r"--out no-such-bucket/x: cannot be written.*the bucket should exist, and"):
        store.check_writable()


def test_credentials_that_are_wrong_or_missing_are_an_input_error(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)  # the server checks them from now on
    wrong = Store.open(s3_uri(endpoint, "x").replace("//", "//wrong:secret@", 1))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for store in (wrong, Store.open(s3_uri(endpoint, "x"))):
        with pytest.raises(
            InputError, match=r"cannot be written \(.*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) as refused:
            store.check_writable()
        assert ":secret" not in str(refused.value)


def test_what_a_uri_says_is_kept_beside_the_timeouts() -> None:
    said = {"region": "eu-west-3", "scheme": "http", "endpoint_override": "127.0.0.1:1"}
    query = "&".join(f"{name}={value}" for name, value in said.items())
    fs, root = open_uri(f"s3://us%2Fer:se%2Bc%40ret@bucket/a/b?{query}&allow_bucket_creation=true")
    given = {"access_key": "us/er", "secret_key": "se+c@ret", "allow_bucket_creation": True, **said}
    assert root == "bucket/a/b"
    assert fs == S3FileSystem(**given, **TIMEOUTS, allow_delayed_open=True)
    assert fs != S3FileSystem(**given)
    unverified, _ = open_uri(f"s3://bucket/a?{query}&tls_verify_certificates=false")
    assert unverified == FileSystem.from_uri(f"s3://bucket/a?{query}&tls_verify_certificates=false")[0]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("gopher://x", "--out gopher://x: cannot be opened"),
        ("s3://user:secret@bucket/x?nonsense=1", "--out s3://bucket/x.nonsense=1: cannot be opened .*'nonsense'"),
        ("s3://?scheme=http", "names no bucket; give a path or a URI such as s3://bucket/folder"),
    ],
)
def test_a_uri_that_cannot_be_opened_is_an_input_error_without_secrets(uri: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        Store.open(uri)
    assert "secret" not in str(refused.value)


def test_folders_that_are_not_listed_are_recognized_by_what_is_in_them() -> None:
    """As on Google's storage: pyarrow lists objects there, and no folders."""
    paths = [
        "bucket/s/_commits/a.json",
        "bucket/s/sweep.yaml",
        "bucket/s/trials/a.parquet",
        "bucket/s/trials/b.parquet",
    ]
    listed = [Entry(path, True, 7, 1.0) for path in paths]
    assert _folded(listed, "bucket/s") == [
        Entry("_commits", False, 0, 0.0),
        Entry("sweep.yaml", True, 7, 1.0),
        Entry("trials", False, 0, 0.0),
    ]
