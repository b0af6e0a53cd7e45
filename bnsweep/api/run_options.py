"""How a run is to go, as its caller says it."""

from __future__ import annotations

from dataclasses import dataclass

from bnsweep.errors import InputError


@dataclass(frozen=True)
class RunOptions:
    """What the command line, or a caller in Python, says of a run beside its sweep.

    Args:
        out: where results go, a path or a URI; results/<name> if not given.
        workers: as many at most; as many as fit if not given.
        executor: ray, or serial: in this process, without Ray.
        address: of a Ray cluster to join, auto or host:port; without it Ray is started here.
        checkpoint_minutes: how often a trial that takes long is saved, to continue from there.
        max_hours: when the run ends in good order; never if not given.
        extend: whether it may add to another sweep's directory.
    """

    out: str | None = None
    workers: int | None = None
    executor: str = "ray"
    address: str | None = None
    checkpoint_minutes: float = 10.0
    max_hours: float | None = None
    extend: bool = False

    @property
    def max_s(self) -> float | None:
        """After how many seconds the run ends; None for never."""
        return None if self.max_hours is None else 3600 * self.max_hours

    def check(self) -> None:
        """Check what stands for itself.

        Raises:
            InputError: there is no such executor, an option does not go with it, or a number is too small.
        """
        from bnsweep.executors import check_options

        check_options(self.executor, self.address, self.workers)
        least: dict[str, tuple[float | None, int]] = {
            "--workers": (self.workers, 1),
            "--checkpoint-minutes": (self.checkpoint_minutes, 0),
            "--max-hours": (self.max_hours, 0),
        }
        for name, (given, smallest) in least.items():
            if given is not None and not given >= smallest:
                raise InputError(f"{name}: given {given:g}; it should be {smallest} or more")
