"""Progress of a run: a live view on a terminal, a bar in a notebook, a line every few seconds elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from time import monotonic
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.text import Text

from bnsweep.running.coordinator import RunStatus
from bnsweep.running.notebook_bar import NotebookBar
from bnsweep.running.progress_writer import Snapshot
from bnsweep.running.tally import Tally

LINE_EVERY_S = 5.0
MAX_HOSTS = 8
NOTHING = RunStatus("", 0, Tally(), {}, 0, 0, False)


class Progress:
    """Shows how far the coordinator says that a run is; use it as a context manager around the run.

    Args:
        console: a terminal, or where lines go.
        bar: that of a notebook, which takes their place.
        answer: says how much of the answer there is, '' while that is not known; None where nobody looks.
    """

    def __init__(
        self, console: Console, bar: NotebookBar | None = None, answer: Callable[[], str] | None = None
    ) -> None:
        self._console, self._bar, self._answer = console, bar, answer
        self._total = self._workers = 0
        self._status, self._before = NOTHING, Tally()
        self._started = self._next_line = monotonic()
        self._began: float | None = None
        self._live = Live(self, console=console, refresh_per_second=4) if console.is_terminal else None

    def __enter__(self) -> Self:
        """Begin to count time."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Leave the last state on the screen."""
        if self._live and self._live.is_started:
            self._live.stop()
        if self._bar and self._workers:
            self._bar.draw(self.tally.ended, self._total, self.line(), is_last=True)

    def start(self, num_trials: int, num_workers: int) -> Self:
        """Begin to show progress; return what takes the reports."""
        self._total, self._workers = num_trials, num_workers
        self._started = self._next_line = monotonic()
        if self._live:
            self._live.start()
        return self

    def __call__(self, status: RunStatus) -> None:
        """Take the latest report."""
        if status.coordinator != self._status.coordinator:  # it began anew, with what is committed
            self._before = self.tally
        self._total += self._added(status)
        before, self._status = self._status, status
        is_news = (status.tally, status.num_at_rung) != (before.tally, before.num_at_rung)
        if self._began is None and (status.working or status.tally.ended):
            self._began = monotonic() - status.tally.busy_s
        if self._bar:
            self._bar.draw(self.tally.ended, self._total, "\n".join([self.line(), *self._details()]))
            return
        is_last = is_news and self.tally.ended == self._total
        if not self._live and (is_last or (is_news and monotonic() >= self._next_line)):
            self._next_line = monotonic() + LINE_EVERY_S
            self._console.print(self.line(), highlight=False)

    def _added(self, status: RunStatus) -> int:
        """Return how many trials the run was given since the last report that have no result."""
        before = self._status
        if not status.num_declared or status.num_declared == before.num_declared:
            return 0
        if not before.num_declared:  # the first one
            return status.num_trials - self._total
        is_same = status.coordinator == before.coordinator
        return status.num_trials - before.num_trials if is_same else status.num_declared - before.num_declared

    @property
    def tally(self) -> Tally:
        """How trials ended since the run began; of what coordinators did that died, as far as the last one found it.

        What failed with them has no result, and is tried again.
        """
        now, before = self._status, self._before
        found = self._total - now.num_trials if before.ended else 0
        diverged = min(before.diverged, found)
        pruned = min(before.pruned, found - diverged)
        return now.tally + Tally(found - diverged - pruned, diverged, pruned, busy_s=before.busy_s)

    def snapshot(self) -> Snapshot:
        """Return the progress at this moment."""
        return Snapshot(self._total, self._status.working, self.tally, self.eta_s(), self._status.num_declared)

    def eta_s(self) -> float | None:
        """Seconds to the end at the rate since training began; None before the first trial has ended.

        A trial that is running is taken to be half done. While trials wait at a rung, to the end of this wait.
        """
        done = self.tally.ended + self._status.num_at_rung
        if self._began is None or not done:
            return None
        half = min(self._running(), self._total - done) / 2
        rate = (done + half) / max(monotonic() - self._began, 1e-9)
        return (self._total - done - half) / rate

    def idle_share(self) -> float:
        """Return the share of the workers' time that went into anything but trials, their own start included."""
        spent = self._workers * (monotonic() - self._started)
        return max(0.0, 1 - self.tally.busy_s / spent) if spent else 0.0

    def line(self) -> str:
        """Return the state as one line."""
        counts = ", ".join(f"{number} {label}" for label, number in self._counts().items())
        hosts = len(self._status.working)
        where = f" on {hosts} hosts" if hosts > 1 else ""
        return f"{self.tally.ended}/{self._total} trials: {counts}{where}; {self._times()}"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the live view: a bar, the counts, the times, the workers that work by host, and what they are at."""
        yield ProgressBar(total=max(1, self._total), completed=self.tally.ended, width=min(60, options.max_width))
        yield Segment.line()
        colours = {"done": "green", "diverged": "yellow", "pruned": "blue", "failed": "red"}
        colours |= {"at a rung": "blue", "running": "cyan"}
        counts = (f"[{colours[label]}]{number}[/] {label}" for label, number in self._counts().items())
        yield Text.from_markup("   ".join([*counts, self._times()]))
        if len(working := self._status.working) > 1:
            yield Text("   ".join(f"{host} {number}" for host, number in sorted(working.items())[:MAX_HOSTS]))
        for line in self._details():
            yield Text(line, no_wrap=True, overflow="ellipsis")

    def _details(self) -> Iterator[str]:
        """Yield what runs where, what ended last, what failed last, and how much of the answer there is."""
        news, has_hosts = self._status.news, len(self._status.working) > 1
        for host, trial in news.under_way:
            yield f"now     {f'{host}: ' * has_hosts}{trial}"
        for trial in news.latest:
            yield f"done    {trial}"
        if news.last_failure:
            yield f"failed  {news.last_failure}"
        if self._answer is not None and (answer := self._answer()):
            yield f"answer  {answer}"

    def _counts(self) -> dict[str, int]:
        tally = self.tally
        counts = {"done": tally.completed, "diverged": tally.diverged}
        pruned = {"pruned": tally.pruned} if tally.pruned else {}
        at_rung = {"at a rung": self._status.num_at_rung} if self._status.num_at_rung else {}
        return {**counts, **pruned, "failed": tally.failed, **at_rung, "running": self._running()}

    def _running(self) -> int:
        return sum(self._status.working.values())

    def _times(self) -> str:
        elapsed = timedelta(seconds=round(monotonic() - self._started))
        eta = self.eta_s()
        left = "unknown" if eta is None else timedelta(seconds=round(eta))
        of = " of this rung" if self._status.num_at_rung else " of this round" if self._status.is_searching else ""
        return f"elapsed {elapsed}, ETA {left}{of}"
