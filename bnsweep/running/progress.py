"""Progress of a run: a live view on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import add
from time import monotonic
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.text import Text

from bnsweep.running.packs import Tally
from bnsweep.running.progress_writer import Snapshot

LINE_EVERY_S = 5.0


class Progress:
    """Adds up what the packs report; use it as a context manager around the run."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tallies: dict[int, Tally] = {}
        self._total = self._workers = 0
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

    def start(self, num_trials: int, num_workers: int) -> Self:
        """Begin to show progress; return what takes the reports."""
        self._total, self._workers = num_trials, num_workers
        self._started = self._next_line = monotonic()
        if self._live:
            self._live.start()
        return self

    def __call__(self, pack: int, tally: Tally) -> None:
        """Take the latest tally of a pack."""
        if self._began is None:
            self._began = monotonic() - tally.busy_s
        self._tallies[pack] = tally
        is_last = self.tally.ended == self._total
        if not self._live and (is_last or monotonic() >= self._next_line):
            self._next_line = monotonic() + LINE_EVERY_S
            self._console.print(self.line(), highlight=False)

    @property
    def tally(self) -> Tally:
        """What all packs together have done."""
        return reduce(add, tuple(self._tallies.values()), Tally())  # a copy: other threads ask, too

    def snapshot(self) -> Snapshot:
        """Return the progress at this moment."""
        tally = self.tally
        return Snapshot(self._total, self._workers, tally, self._running(tally), self.eta_s())

    def eta_s(self) -> float | None:
        """Seconds to the end at the rate since training began; None before the first trial has ended.

        A trial that is running is taken to be half done.
        """
        tally = self.tally
        if self._began is None or not tally.ended:
            return None
        half = self._running(tally) / 2
        rate = (tally.ended + half) / max(monotonic() - self._began, 1e-9)
        return (self._total - tally.ended - half) / rate

    def idle_share(self) -> float:
        """Return the share of the workers' time that went into anything but trials, their own start included."""
        spent = self._workers * (monotonic() - self._started)
        return max(0.0, 1 - self.tally.busy_s / spent) if spent else 0.0

    def line(self) -> str:
        """Return the state as one line."""
        counts = ", ".join(f"{number} {label}" for label, number in self._counts().items())
        return f"{self.tally.ended}/{self._total} trials: {counts}; {self._times()}"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the live view: a bar, the counts, the times."""
        yield ProgressBar(total=max(1, self._total), completed=self.tally.ended, width=min(60, options.max_width))
        yield Segment.line()
        colours = {"done": "green", "diverged": "yellow", "failed": "red", "running": "cyan"}
        counts = (f"[{colours[label]}]{number}[/] {label}" for label, number in self._counts().items())
        yield Text.from_markup("   ".join([*counts, self._times()]))

    def _counts(self) -> dict[str, int]:
        tally = self.tally
        counts = {"done": tally.completed, "diverged": tally.diverged, "failed": tally.failed}
        return {**counts, "running": self._running(tally)}

    def _running(self, tally: Tally) -> int:
        return min(self._workers, self._total - tally.ended)

    def _times(self) -> str:
        elapsed = timedelta(seconds=round(monotonic() - self._started))
        eta = self.eta_s()
        left = "unknown" if eta is None else timedelta(seconds=round(eta))
        return f"elapsed {elapsed}, ETA {left}"
