"""A command that takes long says what it is at, each time once, and one that is quick says nothing."""

from __future__ import annotations

from threading import Event

from bnsweep.cli.meanwhile import Meanwhile
from tests.waiting import wait_until


def test_it_says_what_the_work_is_at_whenever_that_has_changed() -> None:
    said = list[str]()
    with Meanwhile(every_s=0.001, say=said.append) as at:
        at("loading")
        wait_until(lambda: said, "the first line", poll_every_s=0.01)
        at("")
        at("loading")
        at("drawing")
        wait_until(lambda: len(said) > 1, "the second line", poll_every_s=0.01)
    assert said == ["loading ...", "drawing ..."]


def test_of_much_it_says_the_last_and_of_quick_work_nothing() -> None:
    said, may_go_on = list[str](), Event()

    def say(line: str) -> None:
        said.append(line)
        may_go_on.wait(60)

    with Meanwhile(every_s=0.001, say=say) as at:
        at("0 files")
        wait_until(lambda: said, "the first line", poll_every_s=0.01)
        for number in range(1000):
            at(f"{number} files")
        may_go_on.set()
        wait_until(lambda: len(said) > 1, "the second line", poll_every_s=0.01)
    assert said == ["0 files ...", "999 files ..."]
    with Meanwhile(say=said.append) as at:
        at("quick")
    assert len(said) == 2
