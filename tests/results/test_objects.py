"""What is special about a store on object storage: it may be busy, silent, away, or lose replies."""

from __future__ import annotations

import itertools
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from obstore.exceptions import GenericError

from bnsweep.errors import InputError, StoreError
from bnsweep.results import Store, locations
from bnsweep.results.lease import LeaseTiming
from bnsweep.results.objects import ObjectFiles
from bnsweep.results.patience import NoAnswer, Patience
from tests.results.faulty_s3 import Fault, Proxy, proxy_before
from tests.results.rows import commit, contents, key, killed, rows
from tests.s3 import BUCKET, s3_uri


@dataclass
class Clock:
    """Time that passes when somebody waits."""

    now_s: float = 0.0
    lines: list[str] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def patience(self) -> Patience:
        return Patience(clock=lambda: self.now_s, sleep=self.sleep, tell=self.lines.append)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def proxy(endpoint: str) -> Iterator[Proxy]:
    with proxy_before(endpoint) as proxy:
        yield proxy


@pytest.fixture
def place(new_uri: Callable[[], str], endpoint: str, proxy: Proxy) -> Callable[[], str]:
    """Return the URI of a folder that was never used, behind the proxy."""
    return lambda: new_uri().replace(endpoint, proxy.address)


def patient(uri: str, clock: Clock, longest_pause_s: float = 10) -> Store:
    """Return a store that waits by another clock."""
    files = Store.open(uri).files
    assert isinstance(files, ObjectFiles)
    return Store(replace(files, patience=replace(clock.patience(), longest_pause_s=longest_pause_s)))


def use(store: Store) -> None:
    """Do all that a run and its reader do."""
    with killed(store) as writer:
        writer.declare("few", [key("a")], "")
        writer.checkpoints.save(key("a"), b"content")
        writer.commit(rows("a"))
    with store.take_over() as writer:
        writer.commit(rows("b"))
        assert writer.checkpoints.load(key("a")) is None
        writer.checkpoints.drop([key("a")])
    store.check_writable()


def names(store: Store) -> list[str]:
    """Return the names of all files, without what is drawn at random."""
    folders = [entry.name for entry in store.files.entries() if not entry.is_file]
    return [f"{folder}/{entry.name[:8]}" for folder in folders for entry in store.files.entries(folder)]


def test_every_request_may_fail_once(proxy: Proxy, place: Callable[[], str], clock: Clock) -> None:
    asked, faults = Counter[tuple[str, str]](), Counter[Fault]()
    kinds = itertools.cycle([Fault.LOST_REPLY, Fault.BUSY, Fault.LATE_BUSY, Fault.BROKEN, Fault.CONFLICT])

    def fail_at_odd_times(method: str, path: str) -> Fault | None:
        asked[method, path] += 1
        if asked[method, path] % 2 == 0:
            return None
        kind = next(kinds)
        fault = Fault.BUSY if kind is Fault.CONFLICT and method != "PUT" else kind
        faults[fault] += 1
        return fault

    undisturbed = patient(place(), clock)
    use(undisturbed)
    proxy.fault = fail_at_odd_times
    store = patient(place(), clock)
    use(store)
    proxy.fault = lambda *_: None
    assert len(faults) == 5
    assert contents(store) == contents(undisturbed)
    assert names(store) == names(undisturbed)
    assert store.finished() == {key("a"), key("b")}


def test_a_minute_of_503_costs_a_minute(proxy: Proxy, place: Callable[[], str], clock: Clock) -> None:
    store = patient(place(), clock)
    use(store)
    start_s = clock.now_s
    proxy.fault = lambda *_: Fault.BUSY if clock.now_s < start_s + 60 else None
    commit(store, rows("c"))
    assert 60 <= clock.now_s - start_s < 75
    assert store.finished() == {key("a"), key("b"), key("c")}
    (line,) = clock.lines
    assert "does not answer (" in line
    assert "503" in line
    assert line.endswith("trying again for 10 min")


def test_patience_ends(proxy: Proxy, place: Callable[[], str], clock: Clock) -> None:
    store = patient(place(), clock, longest_pause_s=100)
    with store.take_over() as writer:
        proxy.fault = lambda _, path: Fault.BUSY if "trials" in path else None
        with pytest.raises(StoreError, match=r"results/trials/00000002.parquet: cannot be written \(.*503.*unharmed"):
            writer.commit(rows("a"))
        assert 400 < clock.now_s <= 600
        with pytest.raises(StoreError, match="whether commit 2 was written is not known; run the same command again"):
            writer.commit(rows("a"))
        proxy.fault = lambda *_: None
    commit(store, rows("a"))
    assert len(store.files.entries("curves")) == 1
    with store.take_over() as writer:
        proxy.fault = lambda method, path: Fault.BUSY if "curves" in path and method == "PUT" else None
        with pytest.raises(StoreError, match=r"results/curves/.*: cannot be written"):
            writer.commit(rows("b"))
        proxy.fault = lambda *_: None
        writer.commit(rows("b"))
    assert store.finished() == {key("a"), key("b")}
    assert len(store.files.entries("curves")) == 2


def test_a_store_that_does_not_answer_is_asked_again(
    proxy: Proxy, place: Callable[[], str], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locations, "QUICK", "500ms")
    store = patient(place(), clock)
    silent = {"PUT": 2, "GET": 1}

    def fault(method: str, path: str) -> Fault | None:
        silent[method] = silent.get(method, 0) - 1
        return Fault.SILENCE if silent[method] >= 0 else None

    with store.take_over() as writer:
        proxy.fault = fault
        writer.commit(rows("a"))
    assert store.finished() == {key("a")}
    assert store.read("curves").num_rows == 3


def test_what_is_in_doubt_is_not_cleaned_up(proxy: Proxy, place: Callable[[], str], clock: Clock) -> None:
    """It was stored, which nobody is told until patience ends."""
    store = patient(place(), clock, longest_pause_s=100)
    with store.take_over() as writer:
        proxy.fault = lambda _, path: Fault.LATE_BUSY if "00000002.p" in path else None
        with pytest.raises(StoreError, match=r"00000002.parquet: cannot be written"):
            writer.commit(rows("a"))
        proxy.fault = lambda *_: None
    assert store.finished() == {key("a")}
    assert store.read("curves").num_rows == 3


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.LOST_REPLY, Fault.BROKEN], ids=lambda fault: fault.name)
def test_a_commit_is_found_out_about(fault: Fault, proxy: Proxy, place: Callable[[], str], clock: Clock) -> None:
    """Where two PUTs meet neither is stored; where a reply is lost the object is there."""
    store, faults = patient(place(), clock), [fault, fault]
    with store.take_over() as writer:
        proxy.fault = lambda method, path: faults.pop() if "00000002.p" in path and method == "PUT" and faults else None
        writer.commit(rows("a"))
        writer.commit(rows("b"))
    assert not faults or fault is Fault.LOST_REPLY
    assert store.finished() == {key("a"), key("b")}


def test_a_refusal_is_not_asked_again(proxy: Proxy, new_uri: Callable[[], str], endpoint: str, clock: Clock) -> None:
    store = patient(new_uri().replace(BUCKET, "no-such-bucket").replace(endpoint, proxy.address), clock)
    with pytest.raises(
        InputError, match=r"--out s3://no-such-bucket/.*cannot be written.*the bucket should exist, and"
    ):
        store.check_writable()
    assert clock.now_s == 0
    assert len(proxy.requests) == 1


def test_a_store_without_conditional_creation_is_refused(proxy: Proxy, place: Callable[[], str], clock: Clock) -> None:
    store = patient(place(), clock)
    proxy.fault = lambda *_: Fault.UNCONDITIONAL
    with pytest.raises(
        InputError, match=r"--out s3://.*results: this store writes a file although one of that name is"
    ):
        store.check_writable()
    assert not store.is_there()


def test_an_address_where_nobody_is_is_given_up_soon(endpoint: str, clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    store = patient(s3_uri(f"127.0.0.1:{port}", "away/results"), clock)
    for ask in (store.check_writable, store.finished, store.declared, store.take_over):
        start_s = clock.now_s
        with pytest.raises(StoreError, match=r"away/results.*cannot be .*what was committed is unharmed"):
            ask()
        assert 1 < clock.now_s - start_s <= 5


def test_a_store_that_answered_before_is_waited_for_while_it_is_down(
    new_uri: Callable[[], str], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = patient(new_uri(), clock)
    commit(store, rows("a"))
    start_s, put = clock.now_s, ObjectFiles._create

    def down_for_a_minute(files: ObjectFiles, name: str, content: bytes) -> bool:
        if clock.now_s < start_s + 60:
            raise GenericError("HTTP error: error sending request\n kind: Connect,")
        return put(files, name, content)

    monkeypatch.setattr(ObjectFiles, "_create", down_for_a_minute)
    commit(store, rows("b"))
    assert 60 <= clock.now_s - start_s < 75
    assert store.finished() == {key("a"), key("b")}


def test_requests_of_a_start_and_of_a_commit(proxy: Proxy, place: Callable[[], str]) -> None:
    """A commit is one request for each table; a start reads what it has not read before, and lists."""
    store = replace(Store.open(place()), timing=LeaseTiming(renew_s=float("inf")))  # a heartbeat is no part of either
    commit(store, *(rows(str(number)) for number in range(20)))
    proxy.requests.clear()
    with store.take_over() as writer:
        start = len(proxy.requests)
        for name in ("a", "b", "c"):
            writer.commit(rows(name))
        assert len(proxy.requests) - start == 3 * 2
        start = len(proxy.requests)
    assert start - 3 * 2 <= 40
    proxy.requests.clear()
    store.take_over().abandon()
    assert len(proxy.requests) <= 20


def test_what_succeeds_in_between_restores_patience(clock: Clock) -> None:
    tries = dict.fromkeys(range(200), 0)

    def call(number: int) -> Callable[[], int]:
        def answered() -> int:
            tries[number] += 1
            if sum(tries.values()) % 3:
                raise NoAnswer(OSError("busy"))
            return number

        return answered

    patience = replace(clock.patience(), total_s=20)
    assert patience.all_of([call(number) for number in tries]) == list(tries)
    assert clock.now_s < 20
